"""The bar of pages before a real browser: one line on the narrowest desk, opened by keyboard and by mouse."""

import pytest

from tests.pages.conftest import Screens, photograph

OF_ONE_LINE = "document.querySelector('nav.pages').getBoundingClientRect().height < 60"
OPEN = "[...document.querySelectorAll('.pages details[open] summary')].map(summary => summary.textContent)"


@pytest.mark.parametrize("language", ["zh-CN", "zh-TW", "en"])
async def test_all_pages_stand_in_one_line_and_the_one_shown_is_marked(screens: Screens, language: str) -> None:
    async with screens.opened("/closing", language=language, width=1024) as page:
        assert await page.evaluate(OF_ONE_LINE)
        group = page.locator(".pages details.here")
        await group.locator("summary").click()
        assert await group.locator("a[aria-current=page]").get_attribute("href") == "/closing"
        assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        await photograph(page, f"navigation.{language}.1024")


async def test_groups_open_and_close_by_keyboard_alone(screens: Screens) -> None:
    async with screens.opened("/patterns", language="en") as page:
        await page.locator("summary", has_text="Vaccine").focus()
        await page.keyboard.press("Enter")
        assert await page.evaluate(OPEN) == ["Vaccine"]
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.pathname") == "/stock"
        await page.keyboard.press("Escape")
        assert await page.evaluate(OPEN) == []
        assert await page.evaluate("document.activeElement.textContent") == "Vaccine"
        await page.keyboard.press("Enter")
        await page.locator("h1").click()
        assert await page.evaluate(OPEN) == []


async def test_groups_open_without_any_script(screens: Screens) -> None:
    async with screens.opened("/patterns", language="en", scripts=False) as page:
        await page.locator("summary", has_text="Management").click()
        await page.locator("summary", has_text="The site").click()
        assert not await page.get_by_role("link", name="Rule sets").is_visible()
        await page.get_by_role("link", name="Devices").click()
        assert page.url.endswith("/devices")
