"""The desk sees what became of its slip, and asks for it again, in a real browser before a real printer's stub."""

import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from firmware_stubs.plugs import PtyPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.pages.conftest import Screens, photograph
from tests.pages.site import STATION, furnish

Eventually = Callable[..., Awaitable[None]]
SAYS = "document.querySelector('#slips')?.innerText.includes('{}')"


@pytest.fixture(name="printer")
def _printer() -> Iterator[ReceiptPrinterStub]:
    """A printer that is not plugged in yet."""
    plug = PtyPlug("printer")
    yield ReceiptPrinterStub(plug)
    plug.close()


@pytest.fixture(name="desk")
async def _desk(browser: Browser, printer: ReceiptPrinterStub, tmp_path: Path) -> AsyncIterator[Screens]:
    site = await furnish(tmp_path)
    device = {"device_id": "printer", "kind": "receipt_printer", "url": printer.plug.url, "station": STATION}
    site.more_settings = {"CLINIC_DEVICES": json.dumps([device])}
    site.start()
    yield Screens(browser, site)
    site.send(signal.SIGTERM)


async def _check_in(page: Page) -> None:
    await page.locator("[name=typed_reason]").select_option("foreign_document")
    await page.locator("[name=document_kind]").select_option("passport")
    await page.locator("[name=number]").fill("S0000001")
    await page.locator("[name=issuing_country]").fill("UTO")
    await page.locator("[name=name]").fill("何小新")
    await page.locator("[name=born_on]").fill("1991-02-03")
    await page.locator("main form .primary").click()
    await page.wait_for_url("**/check-in?issued=*")


async def test_the_ticket_waits_prints_and_is_copied_before_the_registrars_eyes(
    desk: Screens, printer: ReceiptPrinterStub, eventually: Eventually
) -> None:
    async with desk.opened("/check-in/typed") as page:
        await _check_in(page)
        await eventually(page, SAYS.format("等待打印机"))
        await photograph(page, "slip-waiting")
        printer.plug.plug_in()
        await eventually(page, SAYS.format("已打印"))
        issued = page.url
        await page.keyboard.press("F6")
        await eventually(page, SAYS.format("（补打）"))
        await eventually(page, SAYS.format("已打印"))
        assert page.url == issued
        await page.locator("#issued a").click()
        await page.wait_for_url("**/visits/*")
        await eventually(page, SAYS.format("已打印"))
        await photograph(page, "slip-on-visit")
    assert desk.complaints.said == []
    assert [printout.lines[0][:2] for printout in printer.printouts] == ["示范", "补打"]
