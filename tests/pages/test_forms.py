"""Forms in a real browser: by keyboard, refused, sent twice, sent into an outage, and without any script."""

import signal

import httpx2
from playwright.async_api import Page, Request

from tests.pages.conftest import Screens, photograph
from tests.pages.keyboards import confirm_all
from tests.pages.site import NUMBER, PIN, PageSite

TYPED_BY_A_SCANNER = """code => setTimeout(() => [...code, 'Enter'].forEach(key =>
  document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}))))"""

FOCUS_AS_PARSED = """document.addEventListener('DOMContentLoaded', () => {
  document.documentElement.dataset.focus = document.activeElement.name ?? '';
})"""


async def _type_person(page: Page, number: str) -> None:
    await page.locator("[name=typed_reason]").select_option("foreign_document")
    await page.locator("[name=document_kind]").select_option("passport")
    await page.locator("[name=number]").fill(number)
    await page.locator("[name=issuing_country]").fill("UTO")
    await page.locator("[name=name]").fill("何小新")
    await page.locator("[name=born_on]").fill("1991-02-03")


def _open_visits(site: PageSite) -> int:
    answer = httpx2.get(f"{site.url}/api/v1/visits", headers={"authorization": f"Bearer {site.session}"})
    return len(answer.json())


async def test_signing_in_needs_no_mouse(screens: Screens) -> None:
    async with screens.opened("/sign-in", signed_in=False) as page:
        assert await page.evaluate("document.activeElement.name") == "number"
        await page.keyboard.type(NUMBER, delay=120)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PIN, delay=120)  # as hands do: faster is a scanner
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{screens.site.url}/")
        assert await page.locator(".who").inner_text() == "甲乙丙"


async def test_a_field_has_the_keyboard_before_the_first_picture(screens: Screens) -> None:
    async with screens.opened("/patterns", signed_in=False) as page:
        await page.add_init_script(FOCUS_AS_PARSED)
        await page.goto(screens.site.url + "/sign-in")
        assert await page.evaluate("document.documentElement.dataset.focus") == "number"


async def test_a_refusal_is_said_beside_the_form_and_nothing_typed_is_lost(screens: Screens) -> None:
    async with screens.opened("/sign-in", signed_in=False) as page:
        await page.locator("[name=number]").fill(NUMBER)
        await page.locator("[name=pin]").fill("135790")
        await page.keyboard.press("Enter")
        await page.locator("#notice", has_text="工号或密码不正确").wait_for()
        assert await page.locator("[name=number]").input_value() == NUMBER
        await page.locator("[name=pin]").fill(PIN)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{screens.site.url}/")


async def test_the_fields_at_fault_are_marked_and_get_the_focus(screens: Screens) -> None:
    async with screens.opened("/check-in/typed") as page:
        await _type_person(page, "F0000001")
        await page.locator("[name=nationality]").fill("12")
        await page.locator("main form .primary").click()
        await page.locator("[name=nationality][aria-invalid=true]").wait_for()
        assert await page.evaluate("document.activeElement.name") == "nationality"


async def test_a_double_click_sends_one_form(screens: Screens) -> None:
    sent: list[Request] = []
    before = _open_visits(screens.site)
    async with screens.opened("/check-in/typed") as page:
        page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
        await _type_person(page, "F0000002")
        await page.locator("main form .primary").dblclick()
        await page.wait_for_url("**/check-in?issued=*")
    assert len(sent) == 1
    assert _open_visits(screens.site) == before + 1


async def test_going_back_and_a_stale_tab_record_nothing_twice(screens: Screens) -> None:
    before = _open_visits(screens.site)
    async with screens.opened("/check-in/typed") as page, screens.opened("/check-in/typed") as stale:
        for tab in (page, stale):
            await _type_person(tab, "F0000009")
        await page.locator("main form .primary").click()
        await page.wait_for_url("**/check-in?issued=*")
        await stale.locator("main form .primary").click()
        await stale.locator("#notice:not(:empty)").wait_for()
        await page.go_back()
        await _type_person(page, "F0000009")
        await page.locator("main form .primary").click()
        await page.locator("#notice:not(:empty)").wait_for()
    assert _open_visits(screens.site) == before + 1


async def test_a_form_sent_into_an_outage_says_so_and_may_be_sent_again(screens: Screens) -> None:
    async with screens.opened("/check-in/typed") as page:
        await _type_person(page, "F0000003")
        screens.site.send(signal.SIGKILL)
        await page.locator("main form .primary").click()
        await page.locator("#notice .stop", has_text="无法确定是否已记录").wait_for()
        screens.site.start()
        before = _open_visits(screens.site)
        await page.locator("main form .primary").click()
        await page.wait_for_url("**/check-in?issued=*")
    assert _open_visits(screens.site) == before + 1


async def test_forms_work_without_any_script(screens: Screens) -> None:
    async with screens.opened("/check-in/typed", scripts=False) as page:
        await _type_person(page, "F0000004")
        await page.locator("main form .primary").click()
        await page.wait_for_url("**/check-in?issued=*")
        await page.locator(".languages button[value=en]").click()
        assert await page.locator("html").get_attribute("lang") == "en"


async def test_the_language_changes_on_the_page_one_stands_on(screens: Screens) -> None:
    async with screens.opened("/stock") as page:
        await page.locator(".languages button[value=zh-TW]").click()
        await page.wait_for_load_state("load")
        assert page.url.endswith("/stock")
        assert await page.locator("h1").inner_text() == "庫存"


# The colour of the frame round the whole screen, nothing where there is none; a tone's colour; what was sounded last.
FRAME = """() => { const frame = getComputedStyle(document.body, "::after");
  return frame.position === "fixed" ? frame.borderTopColor : ""; }"""
COLOUR = """tone => { const probe = document.createElement("i"); probe.className = "notice " + tone;
  document.body.append(probe); const colour = getComputedStyle(probe, "::before").backgroundColor;
  probe.remove(); return colour; }"""
SOUNDED = "() => document.documentElement.dataset.sounded || ''"


async def test_a_consent_is_signed_on_the_pad(screens: Screens) -> None:
    async with screens.opened(f"/visits/{screens.site.visits['signing']}/consent") as page:
        for box in await page.locator("[name^=told-]").all():
            await box.check()
        canvas = page.locator("canvas").first
        await canvas.scroll_into_view_if_needed()
        area = await canvas.bounding_box()
        assert area is not None
        await page.mouse.move(area["x"] + 40, area["y"] + 60)
        await page.mouse.down()
        for step in range(1, 12):
            await page.mouse.move(area["x"] + 40 + 14 * step, area["y"] + 60 + 30 * (step % 2))
        await page.mouse.up()
        await page.keyboard.press("F9")
        await page.wait_for_url("**/consent")
    assert screens.complaints.said == []


async def test_a_scanner_that_types_fills_the_field_that_waits_for_it(screens: Screens) -> None:
    async with screens.opened(f"/visits/{screens.site.visits['bench']}/injection") as page:
        await page.locator("h1").click()  # the focus is anywhere but in the field
        async with page.expect_request("**/unit") as asked:
            await page.evaluate(TYPED_BY_A_SCANNER, "83450000000000000009")
        request = await asked.value
        assert "trace_code=83450000000000000009" in (request.post_data or "")
        await page.wait_for_url("**/injection?unit=*")


async def test_eleven_spaces_confirm_eleven_facts_and_one_key_asks_for_the_permit(screens: Screens) -> None:
    async with screens.opened(
        f"/visits/{screens.site.visits['bench']}/injection?unit={screens.site.visits['unit']}"
    ) as page:
        await page.locator("[data-confirmations] input:focus").wait_for()
        await page.keyboard.press("F9")  # nothing is confirmed: the browser itself shows which is missing
        assert await page.locator("[data-confirmations] input:focus").get_attribute("name") == "confirmed-health"
        await confirm_all(page)
        await page.locator(".permit.good").wait_for()
        assert await page.locator("[name=body_site]:visible").count() == 2
        assert await page.evaluate(FRAME) == await page.evaluate(COLOUR, "good")
        assert await page.evaluate(SOUNDED) == "good"
        await photograph(page, "permit.zh-CN.1366")
        await page.keyboard.press("F9")  # nobody said where the needle went in
        await page.locator("#notice .warn", has_text="还没有选择接种部位").wait_for()
        assert await page.evaluate("document.activeElement.name") == "body_site"
        await page.keyboard.press("F7")  # it went in where nobody proposed it
        await page.keyboard.press("3")
        await page.locator("[value=left_thigh]:checked").wait_for()
        await photograph(page, "permit-elsewhere.zh-CN.1366")
        await page.keyboard.press("F9")  # nobody said why it went in there
        await page.locator("#notice .stop", has_text="该部位不符合规则").wait_for()


async def test_a_refused_vial_turns_the_whole_screen_red_with_reasons_and_sounds_otherwise(screens: Screens) -> None:
    async with screens.opened(f"/visits/{screens.site.visits['bench']}/injection") as page:
        assert await page.evaluate(FRAME) == ""
        await page.locator("[name=trace_code]").fill("83459999999999999999")
        await page.keyboard.press("Enter")
        await page.locator("#notice .permit.stop li").first.wait_for()
        assert await page.evaluate(FRAME) == await page.evaluate(COLOUR, "stop")
        assert await page.evaluate(SOUNDED) == "stop"
        await photograph(page, "refused.zh-CN.1366")


async def test_the_red_page_takes_a_needle_that_was_in_by_keys_alone(screens: Screens) -> None:
    named = screens.site.visits
    async with screens.opened(f"/visits/{named['mistaken']}/injection?permit={named['dead_permit']}") as page:
        assert await page.evaluate(FRAME) == await page.evaluate(COLOUR, "stop")
        await page.keyboard.press("F7")
        await page.locator("[name=body_site]:focus").wait_for()
        await page.keyboard.press("4")  # 1 and 2 say how it was found out who sits there
        await page.locator("[value=right_upper_arm]:checked").wait_for()
        await page.keyboard.press("Enter")  # nobody said how it came: the browser itself shows the field
        await page.locator("[name=reason]:focus").wait_for()
        await photograph(page, "already-in.zh-CN.1366")


async def test_somebody_elses_slip_takes_the_chair_away_in_red_until_it_is_said_who_sits_there(
    screens: Screens,
) -> None:
    named = screens.site.visits
    async with screens.opened(f"/visits/{named['bench']}/injection?unit={named['unit']}") as page:
        await page.locator("[data-confirmations] input:focus").wait_for()
        await page.evaluate(TYPED_BY_A_SCANNER, named["slip_staying"])
        await page.wait_for_url("**/injection/another")
        assert await page.evaluate(FRAME) == await page.evaluate(COLOUR, "stop")
        assert await page.evaluate(SOUNDED) == "stop"
        await photograph(page, "another-came.zh-CN.1366")
        await page.keyboard.press("F9")  # the browser itself shows that nobody has said how it was found out
        await page.keyboard.press("2")
        await page.keyboard.press("F9")
        await page.wait_for_url(f"**/{named['bench']}/injection")
        assert await page.locator("[data-confirmations]").count() == 0, "the vial has to be scanned again"
        await page.locator("[name=trace_code]:focus").wait_for()


async def test_a_confirmation_taken_back_is_the_next_to_be_made(screens: Screens) -> None:
    async with screens.opened(
        f"/visits/{screens.site.visits['bench']}/injection?unit={screens.site.visits['unit']}"
    ) as page:
        boxes = page.locator("[data-confirmations] input")
        for place in range(await boxes.count()):
            await boxes.nth(place).check()
        assert await page.evaluate("document.activeElement.tagName") == "BUTTON"
        await boxes.nth(4).uncheck()
        await boxes.nth(9).uncheck()
        await boxes.nth(9).check()
        assert await page.evaluate("document.activeElement.name") == "confirmed-age"
