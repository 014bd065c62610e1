"""The server's own eye on the clocks: time runs out with nobody at a desk."""

from clinic_server.adverse_events.due.actions import tell_clocks
from clinic_server.adverse_events.due.lookup import untold
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 2.0  # so that two hours begin to call with the word that made them two
_SYSTEM = system_actor("report clocks")


class ClocksDue(Watcher):
    """Tells what the clocks of adverse events call for, between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("report clocks", every_s)
        self._house = house

    async def look(self) -> None:
        """Tell what came to a call, or was done, since it was told last."""
        db = self._house.db
        if await db.read(lambda connection: untold(connection, db.keyring, db.site.zone)):
            await db.write(tell_clocks, _SYSTEM)
