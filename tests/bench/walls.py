"""From a call at a desk to the changed pixel on a wall, before hundreds of displays that all ask anew."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright

from tests.bench.card_to_page import CHROMIUM, clock_of
from tests.bench.figures import Spread
from tests.bench.visits.client import Client
from tests.pages.site import WALL_TOKEN, PageSite, furnish

WITHIN_S = 60.0
AT_ONCE = 50
ADDRESS = f"token={WALL_TOKEN}&language=zh-CN"
# Two frames: in the first the change is drawn, and when the second begins it is on the screen.
WATCH_THE_BOARD = """addEventListener("DOMContentLoaded", () => {
  const called = () => [...document.querySelectorAll(".wall-called li > strong:first-child")].map(e => e.textContent);
  new MutationObserver(() => requestAnimationFrame(() => requestAnimationFrame(
    () => boardShows(called(), performance.timeOrigin + performance.now())
  ))).observe(document.body, {childList: true, subtree: true, characterData: true});
})"""
IS_LIVE = "document.getElementById('live')._htmx?.sse?.status === 200"


@dataclass(slots=True)
class Shown:
    """Seconds from sending what changes the board to its answer, to the browser's pixel, to the last one's board."""

    displays: int
    answered_s: list[float] = field(default_factory=list)
    painted_s: list[float] = field(default_factory=list)
    last_display_s: list[float] = field(default_factory=list)
    clock_error_s: float = 0.0

    def spreads(self) -> dict[str, Spread]:
        """Return the times by what they are of."""
        return {
            "call to answer": Spread.of(self.answered_s),
            "call to changed pixel": Spread.of(self.painted_s),
            "call to the last board": Spread.of(self.last_display_s),
        }


@dataclass
class _Display:
    """A display without a screen: it listens, and asks for its board whenever it hears something."""

    client: Client
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    board: bytes = b""
    board_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def of(cls, port: int) -> "_Display":
        display = cls(await Client.of(port), *await asyncio.open_connection("127.0.0.1", port))
        display.writer.write(f"GET /wall/live?{ADDRESS} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return display

    async def close(self) -> None:
        self.client.close()
        self.writer.close()
        await self.writer.wait_closed()

    async def show(self) -> None:
        with suppress(asyncio.IncompleteReadError):  # the server is gone
            while await self.reader.readuntil(b"event: "):
                self.board = await self.client.page(f"/wall/board?{ADDRESS}", "")
                self.board_at = time.time()
                self.changed.set()

    async def shows(self, ticket: str, is_called: bool) -> float:
        """Return when the board that says so came."""
        while (f"<strong>{ticket}</strong><span".encode() in self.board) is not is_called:
            self.changed.clear()
            await self.changed.wait()
        return self.board_at


@dataclass
class _Screen:
    """What a real browser has painted of its board."""

    called: list[str] = field(default_factory=list)
    painted_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, called: list[str], at_ms: float) -> None:
        if called != self.called:
            self.called, self.painted_at = called, at_ms / 1000
            self.changed.set()

    async def shows(self, ticket: str, is_called: bool) -> float:
        while (ticket in self.called) is not is_called:
            self.changed.clear()
            await self.changed.wait()
        return self.painted_at


async def measure(displays: int, calls: int) -> Shown:
    """Call somebody and let them go back so many times before so many displays, one of them a real browser's."""
    with tempfile.TemporaryDirectory(prefix="clinic-walls-") as folder:
        site = await furnish(Path(folder))
        try:
            await asyncio.to_thread(site.start)
            return await _before(site, displays, calls)
        finally:
            assert site.process is not None
            site.process.terminate()
            await asyncio.to_thread(site.process.wait)


async def _before(site: PageSite, displays: int, calls: int) -> Shown:
    async with _screen(site) as (screen, page), _displays(site.port, displays - 1) as others:
        shown = Shown(displays)
        ahead_s, shown.clock_error_s = await clock_of(page)
        visit_id, ticket = await _next(site)
        for number in range(2 * calls):
            is_called = number % 2 == 1  # the first goes back
            body = {"stage": "waiting_for_screening"} if is_called else {}
            path = "queue/next" if is_called else f"visits/{visit_id}/return"
            began_at = time.time()
            await asyncio.to_thread(site.post, path, **body)
            shown.answered_s.append(time.time() - began_at)
            async with asyncio.timeout(WITHIN_S):
                painted_at = await screen.shows(ticket, is_called) - ahead_s
                last_at = max([await other.shows(ticket, is_called) for other in others])
            shown.painted_s.append(painted_at - began_at)
            shown.last_display_s.append(last_at - began_at)
        return shown


async def _next(site: PageSite) -> tuple[str, str]:
    """Call the next person, whose turn it is again after each return."""
    await asyncio.to_thread(site.post, "queue/next", stage="waiting_for_screening")
    (called,) = site.get("queue/hand")
    return called["visit_id"], f"{called['ticket_number']:03d}"


@asynccontextmanager
async def _screen(site: PageSite) -> AsyncIterator[tuple[_Screen, Any]]:
    screen = _Screen()
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await page.expose_function("boardShows", screen.note)
        await page.add_init_script(WATCH_THE_BOARD)
        await page.goto(f"{site.url}/wall?{ADDRESS}")
        async with asyncio.timeout(WITHIN_S):
            while not await page.evaluate(IS_LIVE):  # noqa: ASYNC110 - the page tells nobody
                await asyncio.sleep(0.05)
        yield screen, page
        await browser.close()


@asynccontextmanager
async def _displays(port: int, count: int) -> AsyncIterator[list[_Display]]:
    displays, showing = list[_Display](), list["asyncio.Task[None]"]()
    for first in range(0, count, AT_ONCE):
        some = [await _Display.of(port) for _ in range(min(AT_ONCE, count - first))]
        showing += [asyncio.create_task(one.show()) for one in some]
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(one.changed.wait() for one in some))
        displays += some
    try:
        yield displays
    finally:
        for task in showing:
            task.cancel()
        await asyncio.gather(*showing, *(display.close() for display in displays), return_exceptions=True)
