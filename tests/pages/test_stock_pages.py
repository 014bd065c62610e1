"""A lot is called back by keyboard, the bench says so at once; the box, the holds and the close of the day as used."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from playwright.async_api import Browser, Page

from tests.pages.conftest import Screens, photograph
from tests.pages.site import PageSite, furnish
from tests.pages.test_opening_page import press
from tests.pages.visitors import PRODUCT

Eventually = Callable[..., Awaitable[None]]
MAIN = "document.querySelector('main').innerText"
HAND_MS = 120


@pytest.fixture(name="own_site", scope="module")
async def _own_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PageSite]:
    """A site of its own: what is called back here is gone for whoever comes after."""
    site = await furnish(tmp_path_factory.mktemp("stock-site"))
    site.start()
    yield site
    site.send(signal.SIGTERM)


@pytest.fixture(name="screens")
def _screens(browser: Browser, own_site: PageSite) -> Screens:
    return Screens(browser, own_site)


async def _type(page: Page, name: str, words: str) -> None:
    await page.locator(f"form:visible [name={name}]").first.focus()
    await page.keyboard.type(words, delay=HAND_MS if words.isascii() else 0)


async def test_a_recall_reaches_the_bench_the_holds_and_the_list_of_people(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened("/bench") as bench, screens.opened("/recalls") as lead:
        await eventually(bench, "document.getElementById('live')._htmx?.sse?.status === 200")
        await press(lead, "F2")
        await _type(lead, "target", f"{PRODUCT}/S2026-01")
        await _type(lead, "reason", "county recall 7")
        await _type(lead, "next_step", "come back if feverish")
        await press(lead, "Enter")
        await lead.wait_for_url("**/recalls/*-*")
        await eventually(lead, f"{MAIN}.includes('告知名单') && {MAIN}.includes('剩余疫苗')")
        await eventually(bench, f"{MAIN}.includes('county recall 7')")
        await photograph(lead, "recall-begun.zh-CN.1366")
    async with screens.opened("/holds") as holds:
        assert await holds.locator("tbody tr").count() > 10
    assert screens.complaints.said == []


async def test_a_day_with_people_under_observation_is_not_closed_whoever_signs(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened("/closing") as page:
        await press(page, "F9")
        await eventually(page, "document.getElementById('notice').innerText.includes('不能日结')")
        assert "仍有人在留观" in await page.locator("#notice").inner_text()
        await eventually(page, "document.getElementById('notice').getBoundingClientRect().top > -1")
        await photograph(page, "closing-blocked.zh-CN.1366")


async def test_what_is_begun_in_the_box_outlasts_a_refresh(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/bench/box") as page:
        await eventually(page, "document.getElementById('live')._htmx?.sse?.status === 200")
        fold = page.locator("tbody details").last
        await fold.locator("summary").click()
        await fold.locator("select").select_option(index=2)
        await fold.locator("[name=doses]").fill("1")
        begun = [await fold.locator("select").input_value(), "1"]
        key = "[...document.querySelectorAll('tbody details [name=idempotency_key]')].at(-1).value"
        before = await page.evaluate(key)
        await page.evaluate("document.getElementById('live').dispatchEvent(new Event('resync'))")
        await eventually(page, f"{key} !== '{before}'")
        await eventually(page, "[...document.querySelectorAll('tbody details')].at(-1).open")
        assert [await fold.locator("select").input_value(), await fold.locator("[name=doses]").input_value()] == begun
    assert screens.complaints.said == []


async def test_waste_is_recorded_in_the_box(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/bench/box") as page:
        rows = await page.locator("tbody tr").count()
        await page.locator("tbody summary").last.click()
        await page.locator("tbody form:visible button").click()
        await eventually(page, f"document.querySelectorAll('tbody tr').length === {rows - 1}")
    assert screens.complaints.said == []
