"""Live pages: a change shows by itself, a frozen page says so, and an outage heals without anybody's hand."""

import signal
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page

from tests.pages.conftest import Screens, photograph
from tests.pages.site import WALL_TOKEN

Eventually = Callable[..., Awaitable[None]]
WALL = f"/wall?token={WALL_TOKEN}"
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"
STALE = "!document.getElementById('stale').hidden"
LIVE = "document.getElementById('stale').hidden"
WAITING_ON_THE_WALL = """(queue => queue.querySelectorAll('span:not(.none, .more)').length
    + Number(queue.querySelector('.more')?.innerText ?? 0))(document.querySelector('.wall-waiting dd'))"""


async def test_a_check_in_elsewhere_shows_on_page_and_wall(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/") as page, screens.opened(WALL, signed_in=False) as wall:
        await eventually(page, CONNECTED)
        await eventually(wall, CONNECTED)
        before = await page.locator("#board .count strong").first.inner_text()
        on_the_wall = await wall.evaluate(WAITING_ON_THE_WALL)
        screens.site.check_in_somebody("L0000001")
        await eventually(page, f"document.querySelector('#board .count strong').innerText === '{int(before) + 1}'")
        await eventually(wall, f"{WAITING_ON_THE_WALL} === {on_the_wall + 1}")  # its number, or one more behind them
    assert screens.complaints.said == []


async def test_a_page_says_since_when_it_is_not_live_and_heals_when_the_server_is_back(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened("/") as page, screens.opened(WALL, signed_in=False) as wall:
        for screen in (page, wall):
            await eventually(screen, CONNECTED)
        screens.site.send(signal.SIGKILL)
        for screen in (page, wall):
            await eventually(screen, STALE)
            clock = await screen.locator("#site-clock").text_content()
            assert await screen.locator("#stale [data-since]").first.text_content() == clock
        assert await _colour(page, "#stale") == "rgb(176, 0, 18)"
        assert await wall.locator(".seats .minutes b").first.is_hidden(), "a count that nobody renews is not shown"
        await photograph(wall, "wall-stale")
        await photograph(page, "start-stale")
        screens.site.start()
        screens.site.check_in_somebody("L0000002")
        for screen in (page, wall):
            async with screen.expect_response(lambda answer: "board" in answer.url and answer.ok):
                await eventually(screen, LIVE)


async def test_a_server_that_hangs_is_noticed(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/") as page:
        await eventually(page, CONNECTED)
        screens.site.send(signal.SIGSTOP)
        try:
            await eventually(page, STALE)
        finally:
            screens.site.send(signal.SIGCONT)
        await eventually(page, LIVE)


async def test_a_page_that_cannot_refresh_is_stale_though_its_stream_lives(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened("/") as page:
        await eventually(page, CONNECTED)
        await page.route("**/board", lambda route: route.abort())
        screens.site.check_in_somebody("L0000004")
        await eventually(page, STALE)
        await page.unroute("**/board")
        await eventually(page, LIVE)


async def test_a_page_whose_session_ended_goes_to_the_sign_in(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/") as page:
        await eventually(page, CONNECTED)
        # a moment later: without its session the page may be gone before it could answer
        await page.evaluate("void setTimeout(() => document.getElementById('live')._htmx.sse.reader.cancel(), 1000)")
        await page.context.clear_cookies(name="clinic_session")
        await page.wait_for_url("**/sign-in")


async def test_typed_words_survive_a_live_update(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/patterns") as page:
        await eventually(page, CONNECTED)
        await page.locator("#a-name").fill("半句")
        screens.site.check_in_somebody("L0000003")
        await page.wait_for_timeout(300)
        assert await page.locator("#a-name").input_value() == "半句"


WHERE_BUTTONS_STAND = "[...document.querySelectorAll('main a, main button')].map(one => one.getBoundingClientRect().y)"


@pytest.mark.parametrize(("language", "width"), [("zh-CN", 1366), ("en", 1024)])
async def test_an_alert_moves_nothing_under_anybodys_hand(
    screens: Screens, eventually: Eventually, language: str, width: int
) -> None:
    async with screens.opened("/patterns", language=language, width=width) as page:
        for path in ("/", "/check-in", "/screening", "/bench", "/observation"):
            await page.route("**/alerts/banner", lambda route: route.fulfill(body=""))
            await page.goto(screens.site.url + path)
            await eventually(page, f"{CONNECTED} && !document.querySelector('.htmx-request')")
            before = await page.evaluate(WHERE_BUTTONS_STAND)
            await page.unroute("**/alerts/banner")
            await page.evaluate("document.getElementById('live').dispatchEvent(new Event('alerts'))")
            await page.locator(".unanswered").wait_for()
            assert await page.evaluate(WHERE_BUTTONS_STAND) == before, path


TWO_PARTS_AT_ONCE = """() => {
  const happens = (name) => document.body.dispatchEvent(new CustomEvent(name, {bubbles: true, detail: {ctx: {}}}));
  const list = document.querySelector("#seats .people");
  list.querySelector("form[action$='/leave'] button").focus();
  happens("htmx:before:swap");
  list.replaceWith(list.cloneNode(true));
  happens("htmx:before:swap");
  happens("htmx:before:settle");
  const again = document.querySelector("#seats .people");
  again.replaceWith(again.cloneNode(true));
  happens("htmx:before:settle");
  return document.activeElement.closest("form")?.getAttribute("action") ?? "";
}"""


async def test_the_keyboard_stays_where_it_is_though_two_parts_are_replaced_at_once(screens: Screens) -> None:
    async with screens.opened("/observation") as page:
        assert (await page.evaluate(TWO_PARTS_AT_ONCE)).endswith("/leave")


NOTE_WHERE_THE_KEYBOARD_IS = """() => addEventListener("htmx:before:settle", event => {
  if (event.target.id !== "seats") return;
  document.body.dataset.keyboardAt = document.activeElement.closest("form")?.getAttribute("action") ?? "nowhere";
})"""


async def test_a_key_pressed_while_a_part_is_replaced_is_not_lost(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/observation") as page:
        await eventually(page, CONNECTED)
        await page.locator("#seats form[action$='/leave'] button").first.focus()
        await page.evaluate(NOTE_WHERE_THE_KEYBOARD_IS)
        await page.evaluate("document.getElementById('live').dispatchEvent(new Event('care'))")
        await eventually(page, "document.body.dataset.keyboardAt")
        assert (await page.evaluate("document.body.dataset.keyboardAt")).endswith("/leave")


async def _colour(page: Page, selector: str) -> str:
    colour: str = await page.locator(selector).evaluate("e => getComputedStyle(e).backgroundColor")
    return colour
