"""The exit in a browser: a code read by its scanner becomes a colour, words and a sound, and vanishes by itself."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.plugs import PtyPlug
from tests.pages.conftest import Screens, photograph
from tests.pages.site import furnish

CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"


def answered(code: str, tone: str) -> str:
    answer = "document.getElementById('answer').dataset"
    return f"{answer}.answer === '{code}' && {answer}.tone === '{tone}'"


def sounded(tone: str) -> str:
    return f"document.documentElement.dataset.sounded === '{tone}'"


@pytest.fixture(name="plug")
def _plug() -> Iterator[PtyPlug]:
    with PtyPlug("exit-scanner") as plug:
        yield plug


@pytest_asyncio.fixture(name="screens")
async def _screens(browser: Browser, plug: PtyPlug, tmp_path: Any) -> AsyncIterator[Screens]:
    """A site of its own, for people leave it; with a scanner at the exit."""
    site = await furnish(tmp_path)
    device = {"device_id": "exit-scanner", "kind": "barcode_scanner", "url": plug.url, "station": "exit-1"}
    site.more_settings = {"CLINIC_DEVICES": json.dumps([device])}
    await asyncio.to_thread(site.start)
    yield Screens(browser, site)
    await asyncio.to_thread(site.send, signal.SIGTERM)


async def shown(page: Page, eventually: Any, code: str, tone: str) -> str:
    await eventually(page, answered(code, tone))
    await eventually(page, sounded(tone))
    await photograph(page, f"exit-{code}.zh-CN.1366")
    return await page.locator("#answer").inner_text()


async def test_the_exit_tells_by_colour_words_and_sound(screens: Screens, plug: PtyPlug, eventually: Any) -> None:
    scanner, named = BarcodeScannerStub(plug), screens.site.visits
    async with screens.opened(named["exit"], signed_in=False) as page:
        await page.locator("h1").click()  # a touch, for the browser to let it sound
        await eventually(page, CONNECTED)
        await eventually(page, "document.getElementById('no-sound').hidden")
        scanner.scan(named["slip_staying"], "]Q1")
        words = await shown(page, eventually, "stay", "warn")
        assert "请再留观" in words
        assert "more minutes" in words
        scanner.scan(named["slip_over"], "]Q1")
        assert "您可以离开" in await shown(page, eventually, "may_leave", "good")
        scanner.scan("V1-200101-001-AAAAAAAA", "]Q1")
        assert "护士" in await shown(page, eventually, "not_found", "stop")
        await eventually(page, answered("rest", "neutral"))
        await page.locator("[name=ticket]").fill("13")
        await page.locator("[name=digits]").fill("012")
        await page.keyboard.press("Enter")
        await eventually(page, answered("has_left", "good"))
        await eventually(page, "document.querySelector('[name=digits]').value === ''")
        assert screens.complaints.said == []
        screens.site.send(signal.SIGKILL)  # what the browser says of that is no complaint of the page's
        await page.locator("[name=ticket]").fill("13")
        await page.locator("[name=digits]").fill("012")
        await page.keyboard.press("Enter")
        assert "护士" in await shown(page, eventually, "trouble", "stop")
