"""The way from an alert to somebody's pager: every part of it that runs by itself, and the heart that proves them."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from clinic_server.adverse_events.due.lookup import called_first
from clinic_server.alerts.watch import LadderWatch
from clinic_server.kit.call import House
from clinic_server.paging.following import PagesFollowed
from clinic_server.paging.heartbeat import Heartbeat, Part
from clinic_server.paging.office import PagingOffice
from clinic_server.paging.weekly import Rehearsals, WeeklyTest


class AlarmPath:
    """Runs between ``async with``; ``before`` are the parts that come before an alert, from a probe on."""

    def __init__(self, house: House, *before: Part) -> None:
        self.ladder = LadderWatch(house, called_first=called_first)
        self.office = PagingOffice(house)
        self.followed = PagesFollowed(house, self.office)
        self.weekly_test = WeeklyTest(house)
        self.rehearsals = Rehearsals(house)
        self._watchers = (self.ladder, self.office, self.followed, self.weekly_test, self.rehearsals)
        self.heartbeat = Heartbeat(house, [*before, *(Part(one.name, one.is_alive) for one in self._watchers)])
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            for one in (*self._watchers, self.heartbeat):
                await starting.enter_async_context(one)
            self._running = starting.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()
