"""The server's own eye on open vials: what is left in one whose minutes are over is written off by itself."""

from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher
from clinic_server.stock.box import overdue, waste_overdue

LOOKS_EVERY_S = 15.0


class OverdueVials(Watcher):
    """Writes off overdue vials between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("overdue vials", every_s)
        self._house = house

    async def look(self) -> None:
        """Write off what is overdue now."""
        db = self._house.db
        if await db.read(lambda connection: overdue(connection, db.clock.now())):
            await db.write(waste_overdue, system_actor("open vials"))
