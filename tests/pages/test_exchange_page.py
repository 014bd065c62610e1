"""A list is sent by keyboard: its faults are shown by row and column, and a sound one comes in as it is confirmed."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page

from tests.pages.conftest import Screens
from tests.pages.visitors import PRODUCT

Eventually = Callable[..., Awaitable[None]]
SCREENSHOTS = Path(__file__).parent / "screenshots"
HEADINGS = "产品代码,批号,有效期至,存放处代码,追溯码"
SOUND = f"{HEADINGS}\n{PRODUCT},S1,2099-01-01,fridge-1,AAAA-1\n"
FAULTY = f"{HEADINGS}\nunheard-of,S1,2099-01-01,nowhere,AAAA-1\n{PRODUCT},S1,soon,fridge-1,8.1E+19\n"
HAND_MS = 120  # between two keys; faster, it would be taken for a scanner


async def send(page: Page, content: str) -> None:
    """Choose "units on hand" and a file, and send it without a mouse."""
    await page.locator("input[name=kind][value=stock]").focus()
    await page.keyboard.press("Space")
    await page.locator("#file").set_input_files(
        {"name": "库存.csv", "mimeType": "text/csv", "buffer": content.encode()}
    )
    await page.locator("form[data-primary] button").focus()
    await page.wait_for_timeout(HAND_MS)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/exchange/dry-runs/**")


async def test_a_list_is_looked_through_and_comes_in(screens: Screens, eventually: Eventually) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    async with screens.opened("/exchange") as page:
        await send(page, FAULTY)
        shown = await page.locator("main").inner_text()
        assert "没有使用此代码的疫苗。" in shown
        assert "这不是日期，请按 2026-03-02 的格式填写。" in shown
        await page.screenshot(path=SCREENSHOTS / "dry-run-faulty.zh-CN.1366.png", caret="initial")
        await page.goto(f"{screens.site.url}/exchange")
        await send(page, SOUND)
        await page.screenshot(path=SCREENSHOTS / "dry-run.zh-CN.1366.png", caret="initial")
        await page.wait_for_timeout(HAND_MS)
        await page.keyboard.press("F2")
        await page.wait_for_url("**/exchange")
        await eventually(page, "document.querySelector('main').innerText.includes('库存.csv')")
    assert screens.complaints.said == []
