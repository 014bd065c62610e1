"""When a page first shows something in a real browser, on loopback, with thousands of visits in the day."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final
from uuid import UUID

from playwright.async_api import BrowserContext, Page, async_playwright

from clinic_server.check_in.actions import close_abandoned
from clinic_server.kit.access import Actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site, Tx
from clinic_server.staff.actions import staff_id_of
from clinic_server.staff.rules import Role
from tests.pages.site import NUMBER, WALL_TOKEN, PageSite, furnish
from tests.pages.stages import answer, arrive, recommend, sign
from tests.pages.visitors import PRODUCT
from tests.peers import CHROMIUM

YARDSTICK: Final = "sign-in"
PAGES: Final[Mapping[str, str]] = {
    YARDSTICK: "/sign-in",
    "start": "/",
    "check-in": "/check-in",
    "screening": "/screening",
    "consent": "/consent",
    "bench": "/bench",
    "line": "/queue",
    "observation": "/observation",
    "floor": "/floor",
    "day's report": "/reports/day",
    "corrections": "/corrections",
    "closing": "/closing",
    "audit": "/audit",
    "wall": f"/wall?token={WALL_TOKEN}",
}
AT_ONCE: Final = 250  # so many visits a transaction
PAINTED: Final = """() => new Promise(done => new PerformanceObserver((list, observer) => {
  const painted = list.getEntriesByName("first-contentful-paint")[0];
  if (!painted) return;
  observer.disconnect();
  const came = performance.getEntriesByType("navigation")[0];
  done([painted.startTime / 1000, (came.responseStart - came.requestStart) / 1000, came.decodedBodySize]);
}).observe({type: "paint", buffered: true}))"""


@dataclass(slots=True)
class Painted:
    """Seconds from the navigation to the first words on the screen, seconds the server took of them, and bytes."""

    paint_s: list[float] = field(default_factory=list)
    server_s: list[float] = field(default_factory=list)
    page_bytes: int = 0

    @property
    def median_s(self) -> float:
        """The usual first paint."""
        return median(self.paint_s)


async def measure(visits: int, waiting: int, loads: int, pages: Mapping[str, str] = PAGES) -> Mapping[str, Painted]:
    """Open each page so many times at a site with so many visits in the day, some of them waiting at each stage."""
    with tempfile.TemporaryDirectory(prefix="clinic-paint-") as folder:
        site = await furnish(Path(folder))
        await _crowd(site, visits, waiting)
        await asyncio.to_thread(site.start)
        try:
            async with _window(site) as context:
                return {name: await _opened(context, site.url + path, loads) for name, path in pages.items()}
        finally:
            site.send(signal.SIGKILL)


async def _crowd(site: PageSite, visits: int, waiting: int) -> None:
    """Let so many people come; so many of them wait at each stage before the needle, the others went away."""
    clock = SystemClock()
    url, keyring = f"sqlite:///{site.folder}/clinic.db", load_or_create_keyring(site.folder / "site.key")
    db = Database(url, site=Site("TEST"), keyring=keyring, clock=clock, ids=Ids(clock))
    try:
        staff_id = db.read_now(lambda connection: staff_id_of(connection, NUMBER))
        everybody = Actor("everybody", staff_id=staff_id, station="bench-1", roles=frozenset(Role))
        for first in range(0, visits, AT_ONCE):
            places = range(first, min(first + AT_ONCE, visits))
            db.write_now(lambda tx, places=places: _come(tx, places, waiting), everybody)
    finally:
        await asyncio.to_thread(db.close)


def _come(tx: Tx, places: Sequence[int], waiting: int) -> None:
    for place in places:
        visit_id = arrive(tx, f"P{place:08d}", f"来客{place}")  # nobody looks like another
        if place >= 4 * waiting:
            close_abandoned(tx, visit_id)
        else:
            _go_on(tx, visit_id, place // waiting)


def _go_on(tx: Tx, visit_id: UUID, stages: int) -> None:
    if stages > 0:
        answer(tx, visit_id)
    if stages > 1:
        recommend(tx, visit_id, PRODUCT)
    if stages > 2:  # waits for the needle
        sign(tx, visit_id)


@asynccontextmanager
async def _window(site: PageSite) -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        context = await browser.new_context(viewport={"width": 1366, "height": 768})
        await context.add_cookies([{"name": "clinic_session", "value": site.session, "url": site.url}])
        yield context
        await browser.close()


async def _opened(context: BrowserContext, url: str, loads: int) -> Painted:
    seen, page = Painted(), await context.new_page()
    await _load(page, url, Painted())  # what is the same for every page is fetched once a browser
    for _ in range(loads):
        await _load(page, url, seen)
    await page.close()
    return seen


async def _load(page: Page, url: str, seen: Painted) -> None:
    await page.goto(url, wait_until="load")
    paint_s, server_s, page_bytes = await page.evaluate(PAINTED)
    seen.paint_s.append(paint_s)
    seen.server_s.append(server_s)
    seen.page_bytes = round(page_bytes)
