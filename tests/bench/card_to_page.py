"""From the last byte of a card's answer to the name on the desk's page, and where the time goes."""

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from playwright.async_api import Page, async_playwright

from devices.adapter import DeviceSpec
from devices.events import CardRead, DeviceEvent, DeviceState, DeviceStateChanged
from devices.supervisor import Supervisor
from tests.bench.figures import Spread
from tests.bench.reader import WIRE_S, Desk
from tests.pages.site import STATION, PageSite, furnish
from tests.peers import CHROMIUM

WITHIN_S = 10.0
CLOCK_LOOKS = 40
TOPIC = f"station-{STATION}"
WATCH_THE_PAGE = """(() => {
  const now = () => performance.timeOrigin + performance.now();
  let signal = 0, shown = "";
  performance.setResourceTimingBufferSize(5000);
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("live").addEventListener("htmx:sse:before:message", (event) => {
      if (event.detail.message.event === "TOPIC") signal = now();
    });
    new MutationObserver(() => {
      const name = document.querySelector("#card h2")?.textContent ?? "";
      if (name === shown) return;
      shown = name;
      if (name) nameShown({name, signal, at: now()});
    }).observe(document.body, {childList: true, subtree: true, characterData: true});
  });
})()""".replace("TOPIC", TOPIC)
FETCHES = """() => performance.getEntriesByType("resource").filter(one => one.name.includes("/check-in/card"))
  .map(one => [performance.timeOrigin + one.startTime, performance.timeOrigin + one.responseEnd])"""


@dataclass
class Card:
    """When each thing happened to one card, in Unix seconds."""

    sent: float
    signal_elsewhere: float
    signal: float
    shown: float
    asked: float = 0.0
    answered: float = 0.0


@dataclass
class Outcome:
    """Every card that was measured."""

    cards: list[Card]
    adapter_s: list[float]
    fetches: int
    clock_error_s: float

    def spreads(self) -> dict[str, Spread]:
        """Return the times by what they are of."""
        cards = self.cards
        return {
            "card to page": Spread.of([card.shown - card.sent for card in cards]),
            "  adapter: last byte to event": Spread.of(self.adapter_s),
            "  server: last byte to another listener": Spread.of([card.signal_elsewhere - card.sent for card in cards]),
            "  page: last byte to its signal": Spread.of([card.signal - card.sent for card in cards]),
            "  page: signal to question": Spread.of([card.asked - card.signal for card in cards]),
            "  page: question to answer": Spread.of([card.answered - card.asked for card in cards]),
            "  page: answer to name in the DOM": Spread.of([card.shown - card.answered for card in cards]),
        }

    @property
    def share_of_wire(self) -> float:
        """How the median compares with the time the card's answer takes on the line."""
        return self.spreads()["card to page"].p50 / 1000 / WIRE_S


@dataclass
class _Screen:
    """What the page and a second listener have told so far."""

    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    signals: list[float] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, seen: dict[str, Any]) -> None:
        self.shown[seen["name"]] = seen
        self.news.set()


async def measure(count: int) -> Outcome:
    """Lay so many cards down before the real server and a real browser, and a third as many before the adapter."""
    with tempfile.TemporaryDirectory(prefix="clinic-bench-") as folder:
        outcome = await _before_the_server(Path(folder), count)
    outcome.adapter_s = await _before_the_adapter(max(5, count // 3))
    return outcome


async def _before_the_server(folder: Path, count: int) -> Outcome:
    desk, screen = Desk(), _Screen()
    async with AsyncExitStack() as running:
        running.enter_context(desk.plug)
        site = await running.enter_async_context(_site(folder, desk.plug.url))
        running.push_async_callback(_ended, asyncio.create_task(_listen(site, screen)))
        page = await running.enter_async_context(_page(site, screen))
        first = await clock_of(page)
        cards = [await _one_card(desk, screen) for _ in range(count)]
        last = await clock_of(page)
        fetches = await page.evaluate(FETCHES)
    ahead_s = (first[0] + last[0]) / 2
    outcome = Outcome(cards, [], len(fetches), max(first[1], last[1]) + abs(first[0] - last[0]) / 2)
    for card in cards:
        card.asked, card.answered = next(
            (asked, answered) for asked, answered in _in_seconds(fetches) if asked >= card.signal
        )
        for moment in ("signal", "shown", "asked", "answered"):
            setattr(card, moment, getattr(card, moment) - ahead_s)
    return outcome


async def _one_card(desk: Desk, screen: _Screen) -> Card:
    name, heard = desk.next_card().name, len(screen.signals)
    async with asyncio.timeout(WITHIN_S):
        while name not in screen.shown or len(screen.signals) == heard:
            screen.news.clear()
            await screen.news.wait()
    seen = screen.shown[name]
    return Card(desk.plug.card_sent_at, screen.signals[heard], seen["signal"] / 1000, seen["at"] / 1000)


def _in_seconds(fetches: list[list[float]]) -> list[tuple[float, float]]:
    return [(asked / 1000, answered / 1000) for asked, answered in fetches]


async def _before_the_adapter(count: int) -> list[float]:
    """Measure the adapter in this process, without a server behind it."""
    desk, told = Desk(), asyncio.Queue[DeviceEvent]()
    at: dict[int, float] = {}

    async def deliver(event: DeviceEvent) -> None:
        at[id(event)] = time.time()
        await told.put(event)

    times = []
    with desk.plug:
        async with Supervisor([DeviceSpec("reader", "id_card_reader", desk.plug.url)], deliver), asyncio.timeout(60):
            while not _is_online(await told.get()):
                pass
            for _ in range(count):
                desk.next_card()
                while not isinstance(event := await told.get(), CardRead):
                    pass
                times.append(at[id(event)] - desk.plug.card_sent_at)
    return times


def _is_online(event: DeviceEvent) -> bool:
    return isinstance(event, DeviceStateChanged) and event.state is DeviceState.ONLINE


@asynccontextmanager
async def _site(folder: Path, reader_url: str) -> AsyncIterator[PageSite]:
    site = await furnish(folder)
    device = {"device_id": "reader", "kind": "id_card_reader", "url": reader_url, "station": STATION}
    site.more_settings = {"CLINIC_DEVICES": json.dumps([device])}
    await asyncio.to_thread(site.start)
    try:
        yield site
    finally:
        if site.process is not None:
            site.process.terminate()
            await asyncio.to_thread(site.process.wait)


@asynccontextmanager
async def _page(site: PageSite, screen: _Screen) -> AsyncIterator[Page]:
    """Open the desk's page in a real browser, with its stream connected."""
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = await browser.new_context(viewport={"width": 1366, "height": 768})
        await context.add_cookies([{"name": "clinic_session", "value": site.session, "url": site.url}])
        page = await context.new_page()
        await page.expose_function("nameShown", screen.note)
        await page.add_init_script(WATCH_THE_PAGE)
        await page.goto(f"{site.url}/check-in")
        connected = "document.getElementById('live')._htmx?.sse?.status === 200"
        async with asyncio.timeout(WITHIN_S):
            while not await page.evaluate(connected):  # noqa: ASYNC110 - the page tells nobody
                await asyncio.sleep(0.05)
        yield page
        await browser.close()


async def _listen(site: PageSite, screen: _Screen) -> None:
    """Read the same stream without a browser: what the server alone takes."""
    headers = {"authorization": f"Bearer {site.session}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=None) as client,
        client.stream("GET", f"{site.url}/live", params={"topics": TOPIC}) as answer,
    ):
        async for line in answer.aiter_lines():
            if line == f"event: {TOPIC}":
                screen.signals.append(time.time())
                screen.news.set()


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def clock_of(page: Page) -> tuple[float, float]:
    """Return how far the page's clock is ahead of ours, and by how much that may be wrong."""
    looks = []
    for _ in range(CLOCK_LOOKS):
        before = time.time()
        theirs = await page.evaluate("performance.timeOrigin + performance.now()") / 1000
        after = time.time()
        looks.append(((after - before) / 2, theirs - (before + after) / 2))
    error, ahead = min(looks)
    return ahead, error


def is_possible() -> bool:
    """Tell whether this machine has what it takes."""
    return sys.platform == "linux" and CHROMIUM.exists()
