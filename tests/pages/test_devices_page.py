"""The devices page in a real browser: unplugged and plugged in again, set up and tested by keyboard alone."""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.async_api import Locator, Page

from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from tests.pages.conftest import Screens, photograph
from tests.pages.site import STATION, PageSite
from tests.pages.test_every_page import LANGUAGES, SIZES, assert_fits

Eventually = Callable[..., Awaitable[None]]
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"
PLUG_IT_IN = re.compile("请(重新)?插好线缆")  # unplugged; a fifth of a second later: nothing at this port


@contextmanager
def a_reader(site: PageSite, station: str) -> Iterator[tuple[str, IdCardReaderStub]]:
    """A reader on a pseudo-terminal, set up at a station; retired afterwards."""
    with PtyPlug("page-reader") as plug:
        reader = IdCardReaderStub(plug)
        told = site.post("devices", kind="id_card_reader", address=plug.url, station=station)
        device_id = str(told["device_id"])
        try:
            yield device_id, reader
        finally:
            site.post(f"devices/{device_id}/retirement")


async def seconds_until(shown: Locator) -> float:
    began = time.monotonic()
    await shown.wait_for()
    return time.monotonic() - began


async def test_a_device_unplugged_and_plugged_in_again_is_seen_on_the_page_without_restart(
    screens: Screens, eventually: Eventually, record_property: Callable[[str, object], None]
) -> None:
    with a_reader(screens.site, STATION) as (device_id, reader):
        async with screens.opened("/devices") as page:
            await eventually(page, CONNECTED)
            card = page.locator(f"#device-{device_id}")
            await card.get_by_text("已连接", exact=True).wait_for()
            reader.plug.unplug()
            record_property("unplugged_seen_s", await seconds_until(card.get_by_text(PLUG_IT_IN)))
            reader.plug.plug_in()
            record_property("replugged_seen_s", await seconds_until(card.get_by_text("已连接", exact=True)))
            assert await card.locator(".notice.stop").count() == 0
    assert screens.complaints.said == []


async def test_a_desk_hears_that_its_own_reader_is_gone_and_that_it_is_back(
    screens: Screens, eventually: Eventually
) -> None:
    with a_reader(screens.site, STATION) as (_, reader), a_reader(screens.site, "bench-1") as (_, elsewhere):
        async with screens.opened("/check-in") as page:
            await eventually(page, CONNECTED)
            said = page.locator("#station-devices")
            reader.plug.unplug()
            elsewhere.plug.unplug()
            await said.get_by_text("身份证读卡器：未连接").wait_for()
            assert await said.locator(".notice").count() == 1, "another station's reader is not this desk's matter"
            reader.plug.plug_in()
            await eventually(page, "document.querySelector('#station-devices .notice') === null")
            assert await said.is_hidden()
    assert screens.complaints.said == []


@pytest.fixture(name="page")
async def _page(screens: Screens, eventually: Eventually) -> AsyncIterator[Page]:
    async with screens.opened("/devices") as page:
        await eventually(page, CONNECTED)
        yield page


async def press(page: Page, target: Locator) -> None:
    """Reach something by Tab alone, as somebody without a mouse does, and press Enter."""
    await target.wait_for()
    for _ in range(200):
        await page.keyboard.press("Tab")
        if await target.evaluate("element => element === document.activeElement"):
            await page.keyboard.press("Enter")
            return
    pytest.fail("the keyboard does not get there")


async def test_a_simulated_reader_is_set_up_tested_and_retired_by_keyboard_alone(screens: Screens, page: Page) -> None:
    found = page.locator("#found article", has_text="身份证读卡器").get_by_role("link", name="添加")
    await press(page, found)
    await page.wait_for_url("**/devices/set-up?found=*")
    assert await page.evaluate("document.activeElement.name") == "station"
    await page.keyboard.press("F9")
    await page.wait_for_url(f"{screens.site.url}/devices")
    card = page.locator("article", has_text="desk-1-reader")
    await card.get_by_text("已连接", exact=True).wait_for()
    await press(page, card.get_by_role("button", name="测试"))
    await card.get_by_text("请现在把卡片放到读卡器上").wait_for()
    await press(page, card.get_by_role("button", name="放上卡片 1"))
    name = synthetic_resident(1).name
    await card.get_by_text(f"{name[0]}*{name[-1]}").wait_for()
    assert name not in await page.content()
    assert await page.evaluate("document.activeElement.value") == "lay_card_1", "the keyboard stands where it stood"
    await press(page, card.get_by_role("link", name="停用"))
    await page.wait_for_url("**/retirement")
    await page.keyboard.press("F9")
    await page.wait_for_url(f"{screens.site.url}/devices")
    assert await page.locator("#devices article", has_text="desk-1-reader").count() == 0
    assert screens.complaints.said == []


async def test_the_keyboard_keeps_its_place_while_the_page_looks_again(page: Page) -> None:
    link = page.locator("#found a").first
    await link.wait_for()
    await link.focus()
    async with page.expect_response("**/devices/found") as looked:
        pass
    await (await looked.value).finished()
    assert await link.evaluate("element => element === document.activeElement")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_running_test_and_its_code_fit_in_every_language(
    screens: Screens, eventually: Eventually, language: str
) -> None:
    async with screens.opened("/devices", language=language) as page:
        await eventually(page, CONNECTED)
        screens.site.post("devices/bench-1-scanner/test")
        await page.locator(".trial img").wait_for()
        for width, height in (*SIZES, (600, 900)):
            await page.set_viewport_size({"width": width, "height": height})
            await photograph(page, f"device-tested.{language}.{width}", is_whole=True)
            await assert_fits(page, "device-tested")
    assert screens.complaints.said == []


async def test_a_refused_device_keeps_what_was_typed_and_says_what_to_correct(screens: Screens) -> None:
    async with screens.opened("/devices/set-up") as page:
        await page.locator("[name=kind]").select_option("receipt_printer")
        await page.locator("[name=address]").fill("tcp://printer:port")
        await page.keyboard.press("F9")
        await page.locator("#notice", has_text="此地址不可用").wait_for()
        assert await page.locator("[name=address]").input_value() == "tcp://printer:port"
        assert await page.evaluate("document.activeElement.name") == "address"
