"""The site's time: when everybody waits, it goes on at once to the moment somebody waits for."""

import asyncio
import math
import selectors
from collections.abc import Mapping

from tests.conftest import ManualClock

MICROSECONDS = 1_000_000


class NothingEverHappens(AssertionError):
    """Everybody waits, and for nothing that could come."""


class _NoWaiting(selectors.SelectSelector):
    """Lets the clock go on where others would wait for it."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise NothingEverHappens
        self._clock.pass_time(microseconds=math.ceil(timeout * MICROSECONDS))
        return ready


class SiteLoop(asyncio.SelectorEventLoop):
    """An event loop by a clock that nobody waits for: two runs of the same day do the same in the same order."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(_NoWaiting(clock))
        self._clock = clock
        self.broken: list[str] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        """Return the site's monotonic seconds."""
        return self._clock.monotonic()

    def _note(self, _loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        self.broken.append(f"{context.get('message')}: {context.get('exception')!r}")
