"""Every page in three languages at three widths: complete, quiet, and nothing from elsewhere."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest
from playwright.async_api import Browser, Page

from clinic_server.device_hub.carriers import FoundAt
from clinic_server.device_hub.shown import found_key
from devices.finding import Found
from tests.pages.accessibility import hindrances_on
from tests.pages.conftest import PICTURES, Screens, photograph
from tests.pages.site import WALL_TOKEN, PageSite
from tests.pages.visitors import NAMES, OBSERVED

Eventually = Callable[..., Awaitable[None]]
LANGUAGES = ("zh-CN", "zh-TW", "en")
SIZES = ((1024, 768), (1366, 768), (1920, 1080))
TABLET = (800, 1280)  # held upright; tried in the language of the longest words
OFFERED = found_key(FoundAt(Found("barcode_scanner", "memory://simulated-barcode-scanner-2", "")))
PAGES = {
    "start": "/",
    "check-in": "/check-in",
    "immunisations": "/visits/{waiting}/immunisations",
    "check-in-typed": "/check-in/typed",
    "check-in-seek": "/check-in/seek",
    "check-in-chosen": "/people/{teller}/check-in",
    "check-in-newborn": "/check-in/newborn",
    "check-in-group": "/check-in/group",
    "check-in-group-tickets": "/check-in/group/{group}",
    "visit": "/visits/{waiting}",
    "visit-watched": "/visits/{observed}",
    "screening": "/screening",
    "questions": "/visits/{waiting}/screening",
    "decision": "/visits/{decision}/decision",
    "handed-over": "{handed_over}",
    "measurements": "/visits/{decision}/measurements",
    "day-report": "/reports/day",
    "consent-queue": "/consent",
    "consent": "/visits/{consent}/consent",
    "consent-signed": "/visits/{bench}/consent",
    "consent-disputed": "/visits/{disputed}/consent",
    "queue": "/queue",
    "queue-place": "/queue/visits/{consent}",
    "bench": "/bench",
    "box": "/bench/box",
    "chair": "/visits/{bench}/injection",
    "another-came": "/visits/{mistaken}/injection/another",
    "chair-mistaken": "/visits/{mistaken}/injection",
    "chair-refused": "/visits/{mistaken}/injection?permit={dead_permit}",
    "confirmations": "/visits/{bench}/injection?unit={unit}",
    "observation": "/observation",
    "observation-person": "/visits/{observed}/observation",
    "observation-further": "/visits/{more}/observation",
    "observation-seats": "/observation/seats",
    "observation-gone": "/visits/{gone}/observation",
    "certificate": "/visits/{observed}/certificate",
    "certificate-nothing": "/visits/{waiting}/certificate",
    "handover": "/observation/handover",
    "adverse-events": "/adverse-events",
    "event-seek": "/adverse-events/seek",
    "event-later": "/people/{teller}/adverse-event",
    "event-record": "/adverse-events/{reported}",
    "event-card": "/adverse-events/{event}/card",
    "event-card-printed": "/adverse-events/{reported}/card/print",
    "care": "/adverse-events/{event}/care",
    "care-handover": "/adverse-events/{event}/handover",
    "care-references": "/adverse-events/references",
    "emergency-without-dose": "/visits/{fainted}/reaction",
    "report-clocks": "/report-clocks",
    "similar-events": "/adverse-events/similar/{similar}",
    "exits": "/observation/exits",
    "opening": "/opening",
    "emergency-kit": "/opening/kit",
    "ambulance": "/opening/ambulance",
    "hospitals": "/opening/hospitals",
    "corrections": "/corrections",
    "closing": "/closing",
    "floor": "/floor",
    "health": "/health",
    "setting-up": "/setting-up",
    "audit": "/audit",
    "audit-looks": "/audit/looks",
    "correction": "/doses/{dose}/correction",
    "correction-denied": "/doses/{denied}/correction",
    "stock": "/stock",
    "products": "/stock/products",
    "exchange": "/exchange",
    "stock-at": "/stock/at",
    "ledger": "/ledger",
    "counts": "/counts",
    "count": "/counts/{count}",
    "stops": "/stops",
    "receiving": "/receiving",
    "delivery": "/receiving/{delivery}",
    "delivery-refused": "/receiving/{delivery_refused}",
    "delivery-unproven": "/receiving/{delivery_unproven}",
    "recalls": "/recalls",
    "recall": "/recalls/{recall}",
    "holds": "/holds",
    "exposures": "/exposures?place=bench-1-box&since=2026-01-01T00:00&until=2099-01-01T00:00",
    "destructions": "/destructions",
    "destruction": "/destructions/{destruction}",
    "demand": "/demand",
    "cold-chain": "/cold-chain",
    "course": "/cold-chain/fridge-4/course",
    "course-year": "/cold-chain/fridge-4/course?span=1y",
    "course-empty": "/cold-chain/fridge-1/course",
    "cold-chain-report": "/cold-chain/report",
    "excursions": "/cold-chain/excursions",
    "excursion": "/cold-chain/excursions/{excursion}",
    "excursion-over": "/cold-chain/excursions/{excursion_over}",
    "excursion-form": "/cold-chain/excursions/{excursion}/form",
    "excursion-form-filled": "/cold-chain/excursions/{excursion_over}/form",
    "excursions-by-hand": "/cold-chain/excursions/by-hand",
    "cold-chain-rounds": "/cold-chain/rounds",
    "cold-chain-probes": "/cold-chain/probes",
    "cold-chain-appliances": "/cold-chain/appliances",
    "cold-chain-limits": "/cold-chain/limits?place=fridge-1",
    "alerts": "/alerts",
    "alert": "/alerts/{alert}",
    "alert-roster": "/alerts/roster",
    "alert-contacts": "/alerts/contacts",
    "loggers": "/cold-chain/loggers",
    "logger": "/cold-chain/loggers/{logger}",
    "paging": "/paging",
    "paging-end": "/paging/channels/robot/end",
    "paging-attempts": "/paging/attempts",
    "paging-tests": "/paging/tests",
    "paging-rehearsal": "/paging/rehearsal",
    "devices": "/devices?look=1",
    "device-typed": "/devices/set-up",
    "device-found": f"/devices/set-up?found={OFFERED}",
    "device-retired": "/devices/bench-1-printer/retirement",
    "staff": "/staff",
    "rule-sets": "/rule-sets",
    "patterns": "/patterns",
    "nothing-here": "/nothing-here",
}
OPEN_PAGES = {
    "sign-in": "/sign-in",
    "wall": f"/wall?token={WALL_TOKEN}&language={{language}}",
    "wall-refused": "/wall?token=wrong",
    "wall-voice": f"/wall/voice?token={WALL_TOKEN}",
    "wall-cold-room": f"/cold-chain/wall?token={WALL_TOKEN}",
    "kiosk": "/kiosk",
    "exit-code": "/exit",
    "exit": "{exit}",
    "own-answers": "{own_answers}",
    "own-answers-unknown": "/answers/tablet/unknown",
    "answered": "/answered/tablet",
    "alert-answer": "{alert_link}",
    "alert-answer-unknown": "/alerts/answer/unknown",
}
REFUSED = {"nothing-here": 404, "wall-refused": 403, "own-answers-unknown": 404, "alert-answer-unknown": 404}

TOO_SMALL = """() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
  .filter(e => e.getClientRects().length && !e.matches('.skip, p a, li a, td a:not(.button), th a'))
  .map(e => [(e.closest('label, .count') ?? e).getBoundingClientRect(), e])
  .filter(([box, e]) => box.height < 43.5 || box.width < 24)
  .map(([box, e]) => `${e.tagName} ${e.name || e.textContent.trim().slice(0, 20)} ${box.width}x${box.height}`)"""
NAMELESS = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, canvas')]
  .filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')))
  .map(e => e.outerHTML.slice(0, 80))"""
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:")


@pytest.fixture(name="window", scope="module")
async def _window(browser: Browser, furnished: PageSite) -> AsyncIterator[tuple[Screens, Page]]:
    """One window for every page: opening another costs more than all that is looked at in it."""
    furnished.keep_running()
    screens = Screens(browser, furnished)
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()
    screens.complaints.listen_to(page, furnished.url)
    yield screens, page
    await context.close()


async def assert_fits(page: Page, name: str) -> None:
    assert not await page.evaluate(TOO_WIDE), "the page is wider than the screen"
    if not name.startswith("wall"):
        assert await page.evaluate(TOO_SMALL) == []


@pytest.mark.usefixtures("page_site")
@pytest.mark.parametrize("name", [*PAGES, *OPEN_PAGES])
async def test_page_is_sound_in_every_language(window: tuple[Screens, Page], eventually: Eventually, name: str) -> None:
    screens, page = window
    screens.complaints.said.clear()
    for language in LANGUAGES:
        path = (PAGES | OPEN_PAGES)[name].format(**screens.site.visits, language=language)
        turn = screens.turn if language != LANGUAGES[1] or PICTURES else screens.write_anew
        source = await turn(page, path, language=language, signed_in=name not in OPEN_PAGES)
        assert not INLINE.search(source)
        if turn == screens.turn and await page.locator("#live").count():
            await eventually(page, "document.getElementById('live')._htmx?.sse?.status === 200")
        assert await page.locator("html").get_attribute("lang") == language
        assert await page.locator("h1").count() == 1, "a page has one heading of the first rank"
        assert await page.evaluate(NAMELESS) == []
        if language == LANGUAGES[0]:  # the rules read structure and colour, which a language does not change
            assert await hindrances_on(page) == {}
        is_tablets = language == LANGUAGES[-1] and not name.startswith("wall")
        for width, height in (*SIZES, TABLET) if is_tablets else SIZES:
            await page.set_viewport_size({"width": width, "height": height})
            await photograph(page, f"{name}.{language}.{width}")
            await assert_fits(page, name)
    refused = [said for said in screens.complaints.said if f"status of {REFUSED.get(name)}" in said]
    assert screens.complaints.said == refused


async def test_every_link_of_the_navigation_leads_to_a_page(screens: Screens) -> None:
    async with screens.opened("/patterns") as page:
        for path in await page.locator("nav.pages a").evaluate_all("links => links.map(link => link.pathname)"):
            answer = await page.goto(screens.site.url + path)
            assert answer is not None
            assert answer.status == 200, path
            assert await page.locator("nav.pages a[aria-current=page]").get_attribute("href") == path


@pytest.mark.parametrize("path", ["/sign-in", "/nothing-here", f"/wall?token={WALL_TOKEN}", "/api/v1/visits"])
def test_every_answer_tells_the_browser_what_to_refuse(page_site: PageSite, path: str) -> None:
    headers = httpx2.get(page_site.url + path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


async def test_the_wall_tells_nobodys_name_and_nothing_else_of_them(screens: Screens) -> None:
    async with screens.opened(OPEN_PAGES["wall"], signed_in=False) as page:
        words = await page.content()
    for name in NAMES + OBSERVED:
        assert name not in words
    assert "T0000" not in words
    assert "1980" not in words


async def test_what_is_in_somebodys_way_is_really_found(screens: Screens) -> None:
    async with screens.opened("/patterns") as page:
        await page.evaluate(
            """() => { const grey = Object.assign(document.createElement("p"), {textContent: "grey"});
            grey.style.setProperty("color", "#bbb");
            const unseen = Object.assign(document.createElement("p"), {textContent: "red on red"});
            for (const what of ["color", "background"]) unseen.style.setProperty(what, "#900");
            document.querySelector("main").append(document.createElement("img"), grey, unseen); }"""
        )
        assert {"image-alt", "color-contrast", "unseen-words"} <= (await hindrances_on(page)).keys()
