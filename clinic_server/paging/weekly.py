"""What paging looks after by the clock: the weekly test on its own day and hour, and that rehearsals end."""

from typing import Final

from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.watcher import Watcher
from clinic_server.paging.actions import begin_test, end_rehearsals
from clinic_server.paging.rules import test_slot
from clinic_server.paging.trust import tests_begun

LOOKS_EVERY_S: Final = 30.0


class WeeklyTest(Watcher):
    """Sends the weekly test page between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("weekly test", every_s)
        self._house = house

    async def look(self) -> None:
        """Begin the test that is due."""
        db, paging, zone = self._house.db, self._house.settings.paging, self._house.settings.site.zone
        begun = await db.read(tests_begun)
        due_on = test_slot(db.clock.now().astimezone(zone), paging.test_weekday, paging.test_at, begun)
        if due_on is not None:
            await db.write(lambda tx: begin_test(tx, due_on), system_actor(self.name))


class Rehearsals(Watcher):
    """Ends rehearsals whose time is over between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("rehearsals", every_s)
        self._house = house

    async def look(self) -> None:
        """End what is over."""
        if any(one.kind is AlertKind.REHEARSAL for one in await self._house.db.read(open_alerts)):
            await self._house.db.write(end_rehearsals, system_actor(self.name))
