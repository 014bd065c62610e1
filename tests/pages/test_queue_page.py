"""The line at a desk and on the floor, by keyboard alone: who is in hand is there again, and nothing typed is lost."""

import zlib
from collections.abc import Awaitable, Callable

import pytest

from tests.pages.conftest import Screens, photograph
from tests.pages.site import PageSite

Eventually = Callable[..., Awaitable[None]]
CONNECTED = "document.getElementById('live')._htmx?.sse?.status === 200"
IN_HAND = "document.querySelector('#hand .ticket')?.textContent ?? ''"


@pytest.fixture(name="someone_waits")
def _someone_waits(page_site: PageSite, request: pytest.FixtureRequest) -> None:
    """Nobody is in hand, whoever a test before this one called, and somebody waits."""
    for standing in page_site.get("queue/hand"):
        page_site.post(f"visits/{standing['visit_id']}/return")
    page_site.check_in_somebody(f"W{zlib.crc32(request.node.name.encode()) % 10**7:07d}")


@pytest.mark.usefixtures("someone_waits")
async def test_one_key_calls_and_one_key_each_recalls_and_passes(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/screening", language="en") as page:
        await eventually(page, CONNECTED)
        await page.keyboard.press("F2")
        await page.wait_for_url("**/visits/*/screening")
        await eventually(page, f"{IN_HAND} !== ''")
        ticket = await page.evaluate(IN_HAND)
        assert ticket in await page.locator("h1").inner_text()
        await photograph(page, "in-hand")
        await page.goto(screens.site.url + "/screening")  # whatever became of the page, the desk has them still
        await eventually(page, f"{IN_HAND} === '{ticket}'")
        await page.goto(page.url.replace("/screening", "/consent"))
        await eventually(page, f"{IN_HAND} === '{ticket}'")
        for key in ("Insert", "Tab", "Enter"):
            await page.keyboard.press(key)
        await page.wait_for_url("**/screening")
        await eventually(page, "document.querySelector('#hand')?.childElementCount === 0")
    assert screens.complaints.said == []


@pytest.mark.usefixtures("someone_waits")
async def test_a_recall_leaves_what_is_typed(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/screening", language="en") as page:
        await eventually(page, CONNECTED)
        await page.keyboard.press("F2")
        await page.wait_for_url("**/visits/*/screening")
        await eventually(page, f"{IN_HAND} !== ''")
        await eventually(page, CONNECTED)
        await page.fill("[name=celsius]", "36.6")
        key = await page.locator("#hand input[name=idempotency_key]").first.input_value()
        await page.keyboard.press("F1")
        await eventually(page, f"document.querySelector('#hand input[name=idempotency_key]')?.value !== '{key}'")
        assert await page.input_value("[name=celsius]") == "36.6"
        await page.get_by_role("button", name="Back to the line").click()
        await page.wait_for_url("**/screening")
    assert screens.complaints.said == []


async def test_the_floor_sees_the_line_move_and_sets_priority(screens: Screens, eventually: Eventually) -> None:
    async with screens.opened("/queue", language="en") as page:
        await eventually(page, CONNECTED)
        ticket = f"{screens.site.check_in_somebody('Q0000001'):03d}"
        tickets = "[...document.querySelectorAll('#line .ticket')].map(one => one.textContent)"
        await eventually(page, f"{tickets}.includes('{ticket}')")
        await page.locator("#line tr", has_text=ticket).get_by_role("link", name="Arrange").press("Enter")
        await page.select_option("[name=reason]", "elderly")
        await page.get_by_role("button", name="Record").press("Enter")
        await page.wait_for_url("**/queue")
        row = page.locator("#line tr", has_text=ticket)
        assert "Elderly" in await row.inner_text()
    assert screens.complaints.said == []
