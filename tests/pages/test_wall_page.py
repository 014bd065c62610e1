"""The wall before a real browser: from ten seats to three hundred, on two screens, in any language, read from afar."""

import asyncio
import re
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
from playwright.async_api import Page, Route

from clinic_server.kit.clock import SystemClock
from clinic_server.kit.i18n import speaking
from clinic_server.kit.ids import Ids
from clinic_server.kit.pages import Pages
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import StationKind
from clinic_server.visits.flow import Stage
from clinic_server.wall.address import Address
from clinic_server.wall.rules import WAITING_STAGES, Fridges, Part, Seat, Sign, Turn, board_of
from tests.pages.conftest import WITHIN_S, Screens, photograph
from tests.pages.site import WALL_TOKEN, PageSite

SIGN = Sign(StationKind.SCREENING, 12)
LONGEST_GROUP = "示范区第一实验小学三年级二班全体同学组"  # nearly as long as a group's name may be
SCREENS = ((1920, 1080), (3840, 2160))
SITES = (
    (10, Part.ALL, "en"),
    (27, Part.ALL, "zh-CN"),
    (300, Part.ALL, "zh-CN"),
    (300, Part.ALL, "en"),
    (54, Part.OBSERVED, "en"),
    (300, Part.OBSERVED, "zh-CN"),
    (300, Part.WAITING, "en"),
)
LEAST_OF_THE_HEIGHT = 0.04  # what must be read from ten metres
CUT_OFF = """() => [...document.querySelectorAll('.wall-top, .board > *, .board li, .wall-waiting dd, .may-leave')]
  .filter(e => {
    const [own, area] = [e, e.parentElement.closest('section') ?? document.body].map(
      one => one.getBoundingClientRect());
    const isOutside = own.bottom > area.bottom + 1 || own.right > area.right + 1;
    return e.scrollWidth > e.clientWidth + 1 || own.height < 20 || isOutside;
  })
  .map(e => `${e.className} ${e.textContent.trim().slice(0, 20)} ${e.scrollWidth}>${e.clientWidth}`)"""
SMALLEST = """() => Math.min(
  ...[...document.querySelectorAll('.board li strong, .minutes b, .may-leave ul, .wall-waiting dd')]
    .map(e => parseFloat(getComputedStyle(e).fontSize)))"""


def crowd(seats: int, part: Part, at_s: float = 0.0) -> Any:
    """Lay out a site with so many seats taken and long queues, with numbers and names as wide as they come."""
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    turns = [Turn(2000 + place, "欧阳小明", WAITING_STAGES[place % 4]) for place in range(80)]
    turns += [
        Turn(2100 + place, "欧阳小明", Stage.WAITING_FOR_SCREENING, "desk", now, SIGN, LONGEST_GROUP)
        for place in range(7)
    ]
    sitting = [Seat(1000 + place, "欧阳小明", place // 5, is_unproved=place == 1) for place in range(seats)]
    return board_of(turns, sitting, at_s, part)


async def show(page: Page, seats: int, *, part: Part = Part.ALL, language: str = "zh-CN", **also: Any) -> None:
    """Let the page show the display of such a site: the real template, words and sheets, without its stream."""
    clock = SystemClock()
    pages = Pages(SiteSettings(name="示范区体育馆临时接种点"), clock, Ids(clock), demo=True)
    waits = dict.fromkeys(WAITING_STAGES, 45)
    board = replace(crowd(seats, part), waits=waits, fridges=Fridges.IN_RANGE, is_paused=also.get("is_paused", False))
    with speaking(language):
        html = pages.render(
            "wall/display.html",
            board=board,
            address=Address("wrong", part, language),
            theme=also.get("theme", "light"),
            edition="",
            not_live=[],
        )

    async def answer(route: Route) -> None:
        await route.fulfill(body=html.replace("hx-sse:connect", "data-no-stream"), content_type="text/html")

    await page.route("**/wall?shown*", answer)
    await page.goto(page.url.split("/sign-in")[0] + "/wall?shown")
    await page.wait_for_load_state("load")


async def test_every_seat_is_read_from_ten_metres_on_every_screen(screens: Screens) -> None:
    async with screens.opened("/sign-in", signed_in=False) as page:
        for seats, part, language in SITES:
            await show(page, seats, part=part, language=language)
            for width, height in SCREENS:
                await page.set_viewport_size({"width": width, "height": height})
                await photograph(page, f"wall-{seats}-{part}.{language}.{width}")
                assert await page.evaluate(CUT_OFF) == [], (seats, part, language)
                assert await page.evaluate(SMALLEST) >= LEAST_OF_THE_HEIGHT * height, (seats, part, language)


async def test_a_dark_wall_that_pauses_shows_everything_too(screens: Screens) -> None:
    async with screens.opened("/sign-in", signed_in=False, width=1920, height=1080) as page:
        await show(page, 40, theme="dark", is_paused=True)
        await photograph(page, "wall-dark")
        assert await page.evaluate(CUT_OFF) == []


async def test_the_languages_of_the_settings_take_turns_and_an_address_keeps_to_one(page_site: PageSite) -> None:
    """Whole pages, as a browser without script reads them; the turn comes of the server's own clock."""
    wall = f"{page_site.url}/wall?token={WALL_TOKEN}"

    def spoken(address: str) -> str:
        return re.findall(r'<main id="board"[^>]* lang="([^"]+)"', httpx2.get(address).text)[0]

    assert spoken(f"{wall}&language=zh-TW") == "zh-TW"
    heard = [spoken(wall)]
    deadline = time.monotonic() + WITHIN_S
    while len(set(heard)) < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.5)
        heard.append(spoken(wall))
    assert set(heard) == {"zh-CN", "en"}


async def test_a_wall_loads_itself_anew_after_the_server_was_brought_up_to_date(
    screens: Screens, eventually: Callable[..., Awaitable[None]]
) -> None:
    async with screens.opened(f"/wall?token={WALL_TOKEN}", signed_in=False) as page:
        await eventually(page, "document.getElementById('live')._htmx?.sse?.status === 200")
        await page.evaluate("window.isOfThisLoad = true")
        was = await page.locator("#board").get_attribute("data-edition")
        screens.site.send(signal.SIGTERM)
        screens.site.more_settings["CLINIC_WALL__THEME"] = "dark"
        try:
            screens.site.start()
            await eventually(page, "document.body.classList.contains('dark') && !window.isOfThisLoad")
        finally:
            del screens.site.more_settings["CLINIC_WALL__THEME"]
        assert await page.locator("#board").get_attribute("data-edition") != was
        assert await page.evaluate("document.getElementById('stale').hidden")


async def test_the_first_paint_of_a_wall_is_small(screens: Screens) -> None:
    sizes: list[int] = []
    async with screens.opened("/sign-in", signed_in=False) as page:
        page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
        await page.goto(f"{screens.site.url}/wall?token={WALL_TOKEN}")
        await page.wait_for_load_state("load")
    assert 20_000 < sum(sizes) < 150_000
