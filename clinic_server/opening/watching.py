"""The server's own eye on the safeguards: a certificate, a sign-in or a kit runs out with nobody at a desk."""

from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.opening.pausing import OPENING, change_untold, tell_pauses

LOOKS_EVERY_S = 1.0  # so that a bench knows within a second or so
_SYSTEM = system_actor("opening")


class ReadinessWatch(Watcher):
    """Tells what pauses injections by the passing of time alone, between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("readiness", every_s)
        self._house = house

    async def look(self) -> None:
        """Tell what lapsed or holds again since it was told last."""
        db, zone = self._house.db, self._house.settings.site.zone
        if await db.read(lambda connection: change_untold(connection, db.clock.now(), zone)):
            await db.write(tell_by_itself, _SYSTEM)


def tell_by_itself(tx: Tx) -> None:
    """Tell what no act told, under a line of its own."""
    tell_pauses(tx)
    if tx.owes_a_line:
        tx.journal("pauses_told", None, OPENING)
