"""The server's own eye on the ladder: whoever has to be called is called, also when nobody is at a desk."""

from clinic_server.alerts.calling import CalledFirst, nobody_first, take_turns, turns_due
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 2.0


class LadderWatch(Watcher):
    """Climbs the ladder between ``async with``; ``called_first`` tells whose own alerts of some kinds are."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S, called_first: CalledFirst = nobody_first) -> None:
        super().__init__("ladder", every_s)
        self._house = house
        self._called_first = called_first

    async def look(self) -> None:
        """Call whom the ladder says now."""
        db = self._house.db
        if await db.read(lambda connection: turns_due(connection, db.clock.now(), db.site.zone)):
            await db.write(lambda tx: take_turns(tx, self._called_first), system_actor("ladder"))
