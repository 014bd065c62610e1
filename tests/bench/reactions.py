"""From the key that calls the emergency team to the change on the page of every bench, in a real browser."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from playwright.async_api import Browser, Page, async_playwright

from tests.bench.card_to_page import CHROMIUM
from tests.bench.figures import Spread
from tests.pages.site import PageSite, furnish

WITHIN_S = 10.0
WATCH_THE_BANNER = """addEventListener("DOMContentLoaded", () => {
  const banner = document.getElementById("alerts-banner");
  let shown = "";
  new MutationObserver(() => {
    const words = banner.querySelector(".unanswered-said")?.textContent ?? "";
    if (words && words !== shown) bannerSays(shown = words);
  }).observe(banner, {childList: true, subtree: true, characterData: true});
})"""
IS_LIVE = "document.getElementById('live')._htmx?.sse?.status === 200"


@dataclass(slots=True)
class Called:
    """Seconds from sending the call to its answer, and to the page of the last of ``benches`` that shows it."""

    benches: int
    answered_s: list[float] = field(default_factory=list)
    shown_s: list[float] = field(default_factory=list)

    def spreads(self) -> dict[str, Spread]:
        """Return the times by what they are of."""
        return {"key to answer": Spread.of(self.answered_s), "key to the last bench": Spread.of(self.shown_s)}


@dataclass
class _Bench:
    """One bench's page, and when its banner said something new."""

    page: Page
    changed_at: float = 0.0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def says(self, words: str) -> None:
        del words
        self.changed_at = time.perf_counter()
        self.changed.set()


async def measure(benches: int, count: int) -> Called:
    """Let so many people react, one after the other, while so many benches look at their pages."""
    with tempfile.TemporaryDirectory(prefix="clinic-reactions-") as folder:
        site = await furnish(Path(folder))
        try:
            await asyncio.to_thread(site.start)
            async with _benches(site, benches) as opened:
                return await _one_after_the_other(site, opened, count)
        finally:
            assert site.process is not None
            site.process.terminate()
            await asyncio.to_thread(site.process.wait)


async def _one_after_the_other(site: PageSite, benches: list[_Bench], count: int) -> Called:
    called = Called(len(benches))
    for number, visit_id in enumerate(_open_visits(site)[:count], 1):
        for bench in benches:
            bench.changed.clear()
        pressed_at = time.perf_counter()
        await asyncio.to_thread(site.post, f"visits/{visit_id}/reaction", seat_code=f"m{number}")
        called.answered_s.append(time.perf_counter() - pressed_at)
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*(bench.changed.wait() for bench in benches))
        called.shown_s.append(max(bench.changed_at for bench in benches) - pressed_at)
    return called


def _open_visits(site: PageSite) -> list[str]:
    """Return people to whom nobody was called yet."""
    headers = {"authorization": f"Bearer {site.session}"}
    with httpx2.Client(base_url=f"{site.url}/api/v1", headers=headers) as client:
        helped = {one["visit_id"] for one in client.get("/emergency-calls").json()}
        waiting = [
            client.get("/visits", params={"stage": f"waiting_for_{what}"}) for what in ("screening", "injection")
        ]
        found = [client.get("/observation"), *waiting]
    return [one["visit_id"] for answer in found for one in answer.json() if one["visit_id"] not in helped]


@asynccontextmanager
async def _benches(site: PageSite, count: int) -> AsyncIterator[list[_Bench]]:
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield [await _bench(browser, site) for _ in range(count)]
        await browser.close()


async def _bench(browser: Browser, site: PageSite) -> _Bench:
    """Open a bench's page, its stream connected and its banner as it stands; none shares another's connections."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    await context.add_cookies([{"name": "clinic_session", "value": site.session, "url": site.url}])
    bench = _Bench(await context.new_page())
    await bench.page.expose_function("bannerSays", bench.says)
    await bench.page.add_init_script(WATCH_THE_BANNER)
    await bench.page.goto(f"{site.url}/bench")
    async with asyncio.timeout(WITHIN_S):
        await bench.changed.wait()
        while not await bench.page.evaluate(IS_LIVE):  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.05)
    return bench
