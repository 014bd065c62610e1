"""The opening's page by keyboard, and the banner at the bench and on the board, which comes and goes by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Page

from tests.pages.conftest import Screens, photograph

Eventually = Callable[..., Awaitable[None]]
HAND_MS = 120  # between two keys; faster, it would be taken for a scanner
BANNER = "document.getElementById('pauses').innerText"
NOW = "document.getElementById('opening-now').innerText"
AMBULANCE_GONE = "没有救护车在现场值守"


async def press(page: Page, key: str) -> None:
    """Press one key as a hand does: the keyboard rests before and after it."""
    await page.wait_for_timeout(HAND_MS)
    await page.keyboard.press(key)
    await page.wait_for_timeout(HAND_MS)


@pytest.fixture(name="looking")
async def _looking(screens: Screens, eventually: Eventually) -> AsyncIterator[tuple[Page, Page, Page]]:
    """The opening's page, a bench and the board, side by side and live."""
    async with (
        screens.opened("/opening") as lead,
        screens.opened("/bench") as bench,
        screens.opened("/") as board,
    ):
        for page in (lead, bench, board):
            await eventually(page, "document.getElementById('live')._htmx?.sse?.status === 200")
        yield lead, bench, board


async def test_the_ambulance_leaves_and_every_bench_and_the_board_say_so_until_another_comes(
    screens: Screens, eventually: Eventually, looking: tuple[Page, Page, Page]
) -> None:
    lead, bench, board = looking
    await press(lead, "3")
    await eventually(lead, "document.activeElement.id === 'reason-ambulance'")
    await lead.keyboard.type("away", delay=HAND_MS)
    await press(lead, "Enter")
    for page in (bench, board):
        await eventually(page, f"{BANNER}.includes('{AMBULANCE_GONE}')")
    await eventually(lead, f"{NOW}.includes('{AMBULANCE_GONE}')")
    await photograph(bench, "bench-paused.zh-CN.1366")
    await press(lead, "3")
    for name in ("vehicle_plate", "person", "phone"):
        await eventually(lead, f"document.activeElement.id === 'ambulance-{name}'")
        await lead.keyboard.type("120", delay=HAND_MS)
        await press(lead, "Tab")
    await press(lead, "Enter")
    for page in (bench, board):
        await eventually(page, f"{BANNER} === ''")
    await eventually(lead, f"!{NOW}.includes('{AMBULANCE_GONE}')")
    assert screens.complaints.said == []


async def test_a_key_pressed_just_before_a_live_refresh_is_not_lost(
    eventually: Eventually, looking: tuple[Page, Page, Page]
) -> None:
    lead, *_ = looking
    await lead.evaluate("""() => {
      document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "3", bubbles: true, cancelable: true}));
      const part = document.querySelector('[data-key="3"]').closest("[hx-get]");
      part.replaceWith(part.cloneNode(true)); // while the key rests
    }""")
    await eventually(lead, "document.activeElement.id === 'reason-ambulance'")


async def test_closing_while_people_are_observed_is_refused_in_words(
    screens: Screens, eventually: Eventually, looking: tuple[Page, Page, Page]
) -> None:
    lead, *_ = looking
    await press(lead, "F8")
    await lead.locator("form[action='/opening/closing'] button").focus()
    await press(lead, "Enter")
    await eventually(lead, "/还有 \\d+ 人在留观/.test(document.getElementById('notice').innerText)")
    assert [said for said in screens.complaints.said if "409" not in said] == []
