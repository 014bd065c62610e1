"""The server's own eye on what is due next: it follows the journal, some lines at a time, beside the desks."""

from clinic_server.demand.actions import keep_due
from clinic_server.demand.reckoning import reckoned
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 300.0


class DosesDue(Watcher):
    """Reckons the doses that are due between ``async with``, for the first time some minutes after the start."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("doses due", every_s, first_after_s=every_s)
        self._house = house

    async def look(self) -> None:
        """Look at every line of the journal that was not looked at yet."""
        db, zone = self._house.db, self._house.settings.site.zone
        while found := await db.read(
            lambda connection: reckoned(connection, db.keyring, zone, db.clock.now().astimezone(zone).date())
        ):
            await db.write(lambda tx, found=found: keep_due(tx, found), system_actor("doses due"))  # type: ignore[misc]
