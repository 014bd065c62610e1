"""One lane per channel: its driver, one page at a time, bounded in time, left alone for as long as it asked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

import structlog

from clinic_server.paging.lookup import StoredChannel
from devices.errors import SpecRefused
from devices.pagers.page import Outcome, Page, Pager, PagerSpec, Reached, TwoWayPager
from devices.pagers.registry import pager_for

SENT_WITHIN_S = 30.0
_log = structlog.get_logger(__name__)


class Lane:
    """What a channel's pages go through, one after the other."""

    def __init__(self, channel: StoredChannel, may_reach: Sequence[str], monotonic: Callable[[], float]) -> None:
        self.row_id = channel.row_id
        self._code = channel.code
        self._monotonic = monotonic
        self._alone = asyncio.Lock()
        self.in_order = asyncio.Lock()  # held until a page is written down: a kill then doubles no second one
        self._quiet_until_s = 0.0
        self._pager = _built(replace(channel.spec, may_reach=tuple(may_reach)))

    async def send(self, address: str, page: Page, before_s: float | None = None) -> Outcome | None:
        """Send a page once its turn comes; None where that came after ``before_s``, and nothing was sent."""
        async with self._alone:
            if before_s is not None and self._monotonic() > before_s:
                return None
            if (wait_s := self.quiet_for_s()) > 0:
                return Outcome(Reached.FAILED, "left_alone", wait_s=wait_s)
            if self._pager is None:
                return Outcome(Reached.FAILED, "channel_refused")
            return self._kept(await self._bounded(self._pager.send(address, page)))

    async def follow(self, ref: str) -> Outcome | None:
        """Ask how far an earlier page got by now; None where the channel cannot tell."""
        if not isinstance(self._pager, TwoWayPager):
            return None
        async with self._alone:
            return await self._bounded(self._pager.follow(ref))

    def quiet_for_s(self) -> float:
        """Return how long the channel still wants to be left alone."""
        return max(0.0, self._quiet_until_s - self._monotonic())

    def _kept(self, outcome: Outcome) -> Outcome:
        if outcome.wait_s:
            self._quiet_until_s = self._monotonic() + outcome.wait_s
        return outcome

    async def _bounded(self, answer: Awaitable[Outcome]) -> Outcome:
        try:
            async with asyncio.timeout(SENT_WITHIN_S):
                return await answer
        except TimeoutError:
            return Outcome(Reached.UNCONFIRMED, "no_answer_in_time")
        except Exception as error:  # noqa: BLE001  # a driver's fault must not keep the other channels back
            _log.error("pager_broke", device=self._code, code=type(error).__name__)  # a text may hold an address
            return Outcome(Reached.UNCONFIRMED, "driver_broke")


class Lanes:
    """The lanes of all channels in use."""

    def __init__(self, monotonic: Callable[[], float], may_reach: Sequence[str] = ()) -> None:
        self._monotonic = monotonic
        self._may_reach = may_reach
        self._lanes: dict[str, Lane] = {}

    def follow_the_books(self, channels: Iterable[StoredChannel]) -> None:
        """Open a lane for what is new or was set up anew, and close those of channels that ended."""
        kept = {}
        for one in channels:
            lane = self._lanes.get(one.code)
            kept[one.code] = lane if lane and lane.row_id == one.row_id else Lane(one, self._may_reach, self._monotonic)
        self._lanes = kept

    def lane(self, code: str) -> Lane | None:
        """Return a channel's lane."""
        return self._lanes.get(code)


def _built(spec: PagerSpec) -> Pager | None:
    try:
        return pager_for(spec)
    except SpecRefused as refused:
        _log.error("channel_refused", device=spec.code, code=refused.code)
        return None
