"""The follow-ups in a real browser: they come with a "yes", by keyboard, without script, and stay filled in."""

from playwright.async_api import Page

from tests.pages.conftest import Screens

KEY = "covid_infection.infected_on"
FOCUSED = "document.activeElement.name"
RESTED_MS = 160  # a digit counts once the keyboard rests: faster is a scanner


async def _answer(page: Page, digit: str) -> None:
    await page.keyboard.press(digit)
    await page.wait_for_timeout(RESTED_MS)


async def test_a_yes_brings_its_follow_up_and_the_keyboard_goes_on_through_it(screens: Screens) -> None:
    async with screens.opened("/visits/{waiting}/screening".format(**screens.site.visits)) as page:
        follow_up = page.locator(f"fieldset[name='{KEY}']")
        assert not await follow_up.is_visible()
        await page.locator("[name=answer-covid_infection]").first.focus()
        await _answer(page, "1")
        assert await follow_up.is_visible()
        assert await page.evaluate(FOCUSED) == f"detail-{KEY}"
        await page.locator("[name=answer-covid_infection]").first.focus()
        await _answer(page, "2")
        assert not await follow_up.is_visible()


async def test_ticking_by_number_stays_at_the_things_to_tick(screens: Screens) -> None:
    async with screens.opened("/visits/{waiting}/screening".format(**screens.site.visits)) as page:
        await page.locator("[name=answer-component_allergy]").first.focus()
        await _answer(page, "1")
        await _answer(page, "3")
        await _answer(page, "4")
        ticked = await page.locator("[name^='part-component_allergy']:checked").evaluate_all(
            "boxes => boxes.map(box => box.name.split('.').pop())"
        )
        assert ticked == ["aluminium_hydroxide", "polysorbate_80"]


async def test_without_script_a_yes_brings_its_follow_up_too(screens: Screens) -> None:
    path = "/visits/{waiting}/screening".format(**screens.site.visits)
    async with screens.opened(path, scripts=False) as page:
        follow_up = page.locator(f"fieldset[name='{KEY}']")
        assert not await follow_up.is_visible()
        await page.locator("[name=answer-covid_infection]").first.check()
        assert await follow_up.is_visible()


async def test_a_refused_form_keeps_every_answer(screens: Screens) -> None:
    async with screens.opened("/visits/{waiting}/screening".format(**screens.site.visits)) as page:
        for name in await page.locator("input[value=no]").evaluate_all("all => all.map(one => one.name)"):
            if name.startswith("answer-") and name != "answer-covid_infection":
                await page.locator(f"[name={name}][value=no]").check()
        await page.locator("[name=answer-covid_infection]").first.check()
        await page.locator(f"[name='detail-{KEY}']").fill("2020-01-05")
        await page.locator("[name=systolic_mmhg]").fill("80")
        await page.locator("[name=diastolic_mmhg]").fill("120")
        await page.keyboard.press("F9")
        await page.locator("#notice .notice").wait_for()
        assert await page.locator(f"[name='detail-{KEY}']").input_value() == "2020-01-05"
        assert await page.locator("[name=answer-covid_infection]:checked").input_value() == "yes"
        assert await page.locator("[name=systolic_mmhg]").input_value() == "80"
