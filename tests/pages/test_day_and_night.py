"""A wall and a desk left open for a day: the hours pass in the browser, and nothing piles up in it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import CDPSession, Page, Request

from tests.pages.conftest import Screens
from tests.pages.site import WALL_TOKEN

HOURS = 24
REFRESHES_AN_HOUR = 10
SETTLED_AFTER_HOURS = 4
HALF_TYPED = "main input:not([type=hidden]) >> nth=0"
AN_HOUR_MS = 3_600_000
SHORTLY_MS = 2_000  # longer than a page waits before it opens its stream again
COLLECTED_WITHIN_TRIES = 10
MOST_MORE = {"Nodes": 50, "JSEventListeners": 5, "JSHeapUsedSize": 600_000}
LIVE = "document.getElementById('stale').hidden && document.getElementById('live')._htmx?.sse?.status === 200"
TICKED = """async times => {
  const live = document.getElementById('live');
  const replaced = () => new Promise(done => document.addEventListener('htmx:after:swap', done, {once: true}));
  for (let n = 0; n < times; n++) {
    const shown = replaced();
    live.dispatchEvent(new CustomEvent('htmx:sse:before:message', {detail: {message: {event: 'tick', data: '10:20'}}}));
    htmx.trigger(live, 'tick');
    htmx.trigger(live, 'visits');
    await shown;
  }
}"""
DRIFTED = """() => {
  const drift = document.getAnimations().find(one => one.animationName === 'drift');
  const board = document.getElementById('board');
  const places = new Set(), lasts = drift.effect.getComputedTiming().duration;
  for (let n = 0; n < 120; n++) {
    for (const one of document.getAnimations()) one.currentTime = lasts * n / 120;
    const {left, top, bottom} = board.getBoundingClientRect();
    places.add(`${left.toFixed(1)} ${top.toFixed(1)}`);
    if (bottom > innerHeight * 1.02) return 0;
  }
  return places.size;
}"""


@dataclass
class Left:
    """A page that nobody touches, the streams it holds open, and what it takes of the machine."""

    page: Page
    session: CDPSession
    streams: set[Request] = field(default_factory=set)

    @classmethod
    async def open(cls, page: Page) -> "Left":
        left = cls(page, await page.context.new_cdp_session(page))
        await left.session.send("Performance.enable")
        page.on("request", left.began)
        page.on("requestfinished", left.ended)
        page.on("requestfailed", left.ended)
        await page.clock.install()
        await page.reload()
        return left

    def began(self, request: Request) -> None:
        """Note a stream that is opened."""
        if "/live" in request.url:
            self.streams.add(request)

    def ended(self, request: Request) -> None:
        """Note that one is over."""
        self.streams.discard(request)

    async def taken(self) -> dict[str, float]:
        """Return what is held once the rubbish is collected, by the browser's own names."""
        await self.session.send("HeapProfiler.collectGarbage")
        told: dict[str, Any] = await self.session.send("Performance.getMetrics")
        return {one["name"]: one["value"] for one in told["metrics"]}

    async def more_than(self, then: dict[str, float]) -> dict[str, float]:
        """Return what is held more than then, and too much more; what is on its way out is given time to go."""
        more: dict[str, float] = {}
        for _ in range(COLLECTED_WITHIN_TRIES):
            now = await self.taken()
            more = {name: now[name] - then[name] for name, most in MOST_MORE.items() if now[name] - then[name] > most}
            if not more:
                break
            await asyncio.sleep(1)
        return more


async def test_a_day_leaves_nothing_behind_in_a_wall_and_a_desk(
    screens: Screens, eventually: Callable[..., Awaitable[None]]
) -> None:
    wall_path = f"/wall?token={WALL_TOKEN}&language=zh-CN"
    async with screens.opened(wall_path, signed_in=False) as wall, screens.opened("/observation") as desk:
        pages = [await Left.open(wall), await Left.open(desk)]
        await desk.fill(HALF_TYPED, "半句")
        before: list[dict[str, float]] = []
        for hour in range(HOURS):
            for left in pages:
                await left.page.clock.fast_forward(AN_HOUR_MS)
                await left.page.clock.fast_forward(SHORTLY_MS)
            for left in pages:
                await eventually(left.page, LIVE)
                await left.page.evaluate(TICKED, REFRESHES_AN_HOUR)
            if hour == SETTLED_AFTER_HOURS:
                before = [await left.taken() for left in pages]
        for left, then in zip(pages, before, strict=True):
            assert len(left.streams) == 1
            assert await left.more_than(then) == {}
        assert await desk.input_value(HALF_TYPED) == "半句"


async def test_nothing_on_a_wall_burns_in(screens: Screens) -> None:
    async with screens.opened(f"/wall?token={WALL_TOKEN}", signed_in=False) as page:
        await page.emulate_media(reduced_motion="no-preference")
        assert await page.evaluate(DRIFTED) > 20
