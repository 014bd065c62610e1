"""A fridge fails at night: from the alert to the printed form by keyboard alone, as somebody who was just woken."""

import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page, expect

from tests.pages.conftest import Screens, photograph
from tests.pages.site import PageSite, furnish
from tests.pages.test_opening_page import HAND_MS, press

Eventually = Callable[..., Awaitable[None]]
MAIN = "(document.querySelector('main')?.innerText ?? '')"  # between two pages there is none
UNITS = "(document.getElementById('excursion')?.innerText ?? '')"
FORM_FIELDS = ("discovered_by", "room_celsius", "what_happened", "measures", "moved_to")


@pytest.fixture(name="own_site", scope="module")
async def _own_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PageSite]:
    """A site of its own: what is carried away and decided here stays so."""
    site = await furnish(tmp_path_factory.mktemp("failing-fridge"))
    site.start()
    yield site
    site.send(signal.SIGTERM)


@pytest.fixture(name="screens")
def _screens(browser: Browser, own_site: PageSite) -> Screens:
    return Screens(browser, own_site)


async def _type(page: Page, name: str, words: str) -> None:
    """Go on with Tab until a field has the keyboard, and type."""
    for _ in range(12):
        if await page.evaluate("document.activeElement.name") == name:
            break
        await press(page, "Tab")
    assert await page.evaluate("document.activeElement.name") == name
    await page.keyboard.type(words, delay=HAND_MS if words.isascii() else 0)


async def _answer(page: Page) -> None:
    card = page.locator("a.button[data-key]").filter(has_text="应答")
    keys = await page.locator("section article, section .sheet").evaluate_all(
        "cards => cards.filter(c => c.innerText.includes('fridge-2')).map(c => c.querySelector('kbd')?.innerText)"
    )
    assert await card.count() > 1
    await press(page, keys[0])
    await page.wait_for_url(re.compile(r"/alerts/\d+$"))
    await page.keyboard.type("正在转移疫苗")
    await press(page, "F9")
    await expect(page.locator("#alert-now")).to_contain_text("正在转移疫苗")


async def test_who_was_woken_acknowledges_carries_decides_and_prints_by_keyboard_alone(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened("/alerts") as page:
        await _answer(page)
        await photograph(page, "alert-acknowledged.zh-CN.1366")
        await press(page, "F2")
        await page.wait_for_url("**/cold-chain/excursions/*")
        await press(page, "F2")
        await eventually(page, "document.activeElement.name === 'place_code'")
        await page.keyboard.type("fridge-3", delay=HAND_MS)
        await press(page, "Tab")
        await press(page, "Enter")
        await eventually(page, f"{UNITS}.includes('fridge-3')")
        await press(page, "F3")
        await eventually(page, "document.activeElement.name === 'lot'")
        await press(page, "Tab")
        await press(page, "ArrowUp")
        await _type(page, "note", "已联系县疾控回收")
        await press(page, "Enter")
        await eventually(page, f"!{UNITS}.includes('待决定')")
        await photograph(page, "excursion-decided.zh-CN.1366")
        await press(page, "F4")
        await page.wait_for_url("**/form")
        await press(page, "F2")
        for name in FORM_FIELDS:
            await _type(page, name, "25.5" if name == "room_celsius" else "停电")
        await press(page, "F9")
        await eventually(page, f"{MAIN}.includes('25.5')")
        await photograph(page, "excursion-form-written.zh-CN.1366")
    assert screens.complaints.said == []
