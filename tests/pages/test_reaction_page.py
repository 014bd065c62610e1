"""A reaction from the key at the seat to the sheet and the file, and the clock that runs from then on."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from tests.api.gateways import Gateway, gateway, until
from tests.pages.conftest import Screens, photograph
from tests.pages.site import PageSite, furnish
from tests.pages.test_opening_page import press

Eventually = Callable[..., Awaitable[None]]
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"
LOG = "(document.getElementById('log')?.innerText ?? '')"
WELL = {"systolic_mmhg": "84", "diastolic_mmhg": "50", "spo2_percent": "92"}


@pytest_asyncio.fixture(name="pager")
async def _pager() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


@pytest.fixture(name="own_site")
async def _own_site(tmp_path_factory: pytest.TempPathFactory, pager: Gateway) -> AsyncIterator[PageSite]:
    """A site of its own, whose emergency team has a pager."""
    site = await furnish(tmp_path_factory.mktemp("reaction"))
    site.more_settings["CLINIC_PAGING__MAY_REACH"] = '["127.0.0.0/8"]'
    site.start()
    site.post("paging/channels", code="team", kind="webhook", url=pager.url)
    address = {"channel": "team", "address": "team"}
    contact = site.post("alert-contacts", name="急救组", addresses=[address], language="en")
    every_day = {"weekdays": list(range(7)), "starts": "00:00", "ends": "00:00"}
    site.post("alert-duties", contact_id=contact["contact_id"], step=0, **every_day)
    yield site
    site.send(signal.SIGTERM)


@pytest.fixture(name="screens")
def _screens(browser: Browser, own_site: PageSite) -> Screens:
    return Screens(browser, own_site)


async def refresh(page: Page, eventually: Eventually) -> None:
    """Show the people anew, as a signal does, and wait until every one of them is a new element."""
    await page.evaluate("document.querySelector('article.person').id = 'before'")
    await page.evaluate("htmx.trigger(document.getElementById('live'), 'resync')")
    await eventually(page, "document.getElementById('before') === null")


async def answer_slowly(page: Page, pattern: str, eventually: Eventually) -> asyncio.Event:
    """Let what is asked for there be answered only after one more refresh; the event says that it was."""
    refreshed = asyncio.Event()

    async def answer(route: Route) -> None:
        await refresh(page, eventually)
        refreshed.set()
        await route.continue_()

    await page.route(pattern, answer)
    return refreshed


async def _measure(page: Page) -> None:
    for name, value in WELL.items():
        await page.fill(f"#{name}", value)
    await page.locator("#spo2_percent").press("Enter")


async def _take_to_hospital(page: Page) -> None:
    await press(page, "F4")
    await page.check("input[name=how][value=transferred]")
    await page.fill("#hospital", "示范县医院")
    await page.locator("#hospital").press("Enter")


async def test_a_refresh_between_the_two_presses_and_after_them_takes_nothing_back(
    screens: Screens, eventually: Eventually
) -> None:
    async with screens.opened("/observation") as page:
        await eventually(page, CONNECTED)
        seated = page.locator("article.person", has=page.locator("[data-emergency]")).last
        await seated.locator("[data-emergency]").focus()
        await press(page, "F12")
        await refresh(page, eventually)
        await expect(page.locator("[data-emergency][data-armed]")).to_have_count(1)
        refreshing = await answer_slowly(page, "**/reaction", eventually)
        await press(page, "F12")
        await page.wait_for_url(re.compile(r"/adverse-events/\d+/care$"))
        assert refreshing.is_set(), "the answer waited for a refresh"
    assert screens.complaints.said == []


async def test_from_the_key_at_the_seat_to_the_sheet_the_file_and_its_clock(
    screens: Screens, eventually: Eventually, pager: Gateway
) -> None:
    async with screens.opened("/observation") as page:
        seated = page.locator("article.person", has=page.locator("[data-emergency]")).first
        name = (await seated.locator("h2 a").inner_text()).strip()
        await seated.locator("[data-emergency]").focus()
        await press(page, "F12")
        await press(page, "F12")
        await page.wait_for_url(re.compile(r"/adverse-events/\d+/care$"))
        number = page.url.split("/")[-2]
        await until(lambda: any("ticket" in text for text in pager.texts()))
        assert name not in str(pager.received), "a pager tells nobody's name"
        await press(page, "F9")
        await _measure(page)
        await eventually(page, f"{LOG}.includes('84/50')")
        await photograph(page, "reaction-care.zh-CN.1366")
        await _take_to_hospital(page)
        await page.wait_for_url(f"**/adverse-events/{number}/handover")
        for words in (name, "示范县医院", "84/50"):
            await expect(page.locator("main")).to_contain_text(words)
        await page.goto(f"{screens.site.url}/adverse-events/{number}/card")
        await expect(page.locator("[name=name]")).to_have_value(name)
        await expect(page.locator("[name=vaccine_1_lot_number]")).not_to_have_value("")
        await page.goto(f"{screens.site.url}/report-clocks")
        clock = page.locator("tr", has=page.get_by_role("cell", name=number, exact=True))
        await expect(clock.filter(has_text=re.compile("(47:5|01:5)"))).to_be_visible()
        await photograph(page, "reaction-clock.zh-CN.1366")
    assert screens.complaints.said == []
