"""A scanner that plays keyboard, typed key by key into a real browser at given moments; and people, who are none."""

import random
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.async_api import Page, Request

from tests.pages.conftest import Screens
from tests.pages.keyboards import ALT, CTRL, Keyboard, confirm_all
from tests.pages.site import NUMBER, PIN

UNKNOWN = "89999999999999999999"
KNOWN = "83450000000000000009"
OTHER = "83450000000000000011"
BEGINS_QUICK = [10.0, 20.0, 30.0, *[95.0] * 30]
IN_HANDFULS = [1.0, 1.0, 90.0] * 7


def chair_of(screens: Screens) -> str:
    return f"/visits/{screens.site.visits['bench']}/injection"


def asked_by(page: Page) -> list[str]:
    """Collect the codes that the page asks about."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/unit"):
            asked.append(parse_qs(request.post_data or "")["trace_code"][0])

    page.on("request", note)
    return asked


async def active_field(page: Page) -> str:
    name: str = await page.evaluate("document.activeElement.name ?? ''")
    return name


async def leave_the_field(page: Page) -> None:
    await page.evaluate("document.activeElement.blur()")


async def body_site(page: Page) -> str:
    chosen: str = await page.evaluate("document.querySelector('[name=body_site]:checked')?.value ?? ''")
    return chosen


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["in the field", "elsewhere"])
@pytest.mark.parametrize(
    "gaps",
    [2.0, 30.0, 60.0, 95.0, BEGINS_QUICK, IN_HANDFULS],
    ids=["fast", "usual", "slow", "slower", "begins quick", "in handfuls"],
)
async def test_a_burst_is_a_scan_at_whatever_speed(
    screens: Screens, eventually: Any, gaps: Sequence[float] | float, is_elsewhere: bool
) -> None:
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        if is_elsewhere:
            await leave_the_field(page)
        await (await Keyboard.of(page)).type(UNKNOWN, gaps)
        await page.locator("#notice .stop").wait_for()
        assert asked == [UNKNOWN]
        assert await page.locator("[name=trace_code]").input_value() == UNKNOWN
        await eventually(page, "!document.querySelector('main form').dataset.sending")


@pytest.mark.parametrize("end", ["Enter", "Tab"])
@pytest.mark.parametrize("prefix", ["", "Tab", "Enter"])
async def test_a_scan_may_begin_and_end_with_enter_or_tab(screens: Screens, prefix: str, end: str) -> None:
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        await leave_the_field(page)
        await (await Keyboard.of(page)).type(UNKNOWN, 10.0, end, begin=prefix)
        await page.locator("#notice .stop").wait_for()
        assert asked == [UNKNOWN]


@pytest.mark.parametrize("way", ["|", "]", "F8", "Ctrl+]", "Alt+029"])
async def test_the_separator_is_one_whatever_key_stands_for_it(screens: Screens, way: str) -> None:
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        keyboard = await Keyboard.of(page)
        before, after = "]d20106901234560008" + "1729030110A1", "21SN1"
        await keyboard.type(before, 8.0, end="")
        if way == "Ctrl+]":
            await keyboard.press("]", CTRL)
        elif way == "Alt+029":
            await keyboard.session.send(
                "Input.dispatchKeyEvent", {"type": "rawKeyDown", "key": "Alt", "code": "AltLeft"}
            )
            for digit in "029":
                await keyboard.press(digit, ALT, f"Numpad{digit}")
            alt_up = {"type": "keyUp", "key": "Alt", "code": "AltLeft", "timestamp": keyboard.at}
            await keyboard.session.send("Input.dispatchKeyEvent", alt_up)
        else:
            await keyboard.press(way)
        keyboard.at -= 0.99
        await keyboard.type(after, 8.0)
        await page.locator("#notice .stop").wait_for()
        assert asked == [before + ("]" if way == "]" else "|") + after]
        assert await page.locator("details[open]").count() == 0


async def test_a_chinese_input_method_that_is_on_changes_nothing(screens: Screens, eventually: Any) -> None:
    """The input method takes every key for itself and writes what it makes of them, also a moment after the end."""
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        keyboard = await Keyboard.of(page)
        code = "]d2(01)06901234560008(21)SNab1"
        keyboard.at += 1
        for place, character in enumerate(code):
            await keyboard.press_in_input_method(character)
            composed = {"text": code[: place + 1].lower(), "selectionStart": place + 1, "selectionEnd": place + 1}
            await keyboard.session.send("Input.imeSetComposition", composed)
            keyboard.at += 0.012
        await keyboard.press_in_input_method("Enter")
        await keyboard.session.send("Input.insertText", {"text": "这是输入法写的"})
        await page.locator("#notice .stop").wait_for()
        assert asked == [code]
        await eventually(page, f"document.querySelector('[name=trace_code]').value === '{code}'")


async def test_an_input_method_leaves_nothing_in_the_name_that_was_being_typed(
    screens: Screens, eventually: Any
) -> None:
    async with screens.opened("/check-in/typed") as page:
        await page.locator("[name=name]").fill("何小")
        keyboard = await Keyboard.of(page)
        keyboard.at += 1
        code = "11010519491231002X"
        for place, character in enumerate(code):
            await keyboard.press_in_input_method(character)
            composed = {"text": code[: place + 1], "selectionStart": place + 1, "selectionEnd": place + 1}
            await keyboard.session.send("Input.imeSetComposition", composed)
            keyboard.at += 0.012
        await keyboard.press_in_input_method("Enter")
        await keyboard.session.send("Input.insertText", {"text": code})
        await eventually(page, f"document.querySelector('[name=number]').value.startsWith('{code}')")
        await eventually(page, "document.querySelector('[name=name]').value === '何小'")
        assert page.url.endswith("/check-in/typed")


async def test_a_scan_begun_in_another_field_is_undone_there_and_nothing_is_sent(screens: Screens) -> None:
    async with screens.opened("/check-in/typed") as page:
        await page.locator("[name=name]").fill("何小新")
        await (await Keyboard.of(page)).type("11010519491231002X")
        assert await page.locator("[name=name]").input_value() == "何小新"
        assert await page.locator("[name=number]").input_value() == "11010519491231002X"
        assert await active_field(page) == "number"
        assert page.url.endswith("/check-in/typed")


async def test_a_scan_never_stays_in_a_pin(screens: Screens) -> None:
    sent: list[str] = []
    async with screens.opened("/sign-in", signed_in=False) as page:
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        await page.locator("[name=number]").fill(NUMBER)
        await page.locator("[name=pin]").fill("48")
        await (await Keyboard.of(page)).type(UNKNOWN)
        await page.locator("#notice .warn", has_text="本页用不到它").wait_for()
        assert await page.locator("[name=pin]").input_value() == "48"
        assert sent == []


async def test_capital_letters_stay_capital_under_caps_lock(screens: Screens) -> None:
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        await page.evaluate(
            """code => { let at = performance.now() + 1000; [...code, 'Enter'].forEach(key => {
            const event = new KeyboardEvent('keydown', {key: key.length > 1 ? key : key.toLowerCase(),
              code: key.length > 1 ? key : 'Key' + key, shiftKey: key.length === 1, modifierCapsLock: true,
              bubbles: true, cancelable: true});
            Object.defineProperty(event, 'timeStamp', {value: at += 10});
            document.body.dispatchEvent(event); }); }""",
            "ABCDEFGH",
        )
        await page.locator("#notice .stop").wait_for()
        assert asked == ["ABCDEFGH"]


@pytest.mark.parametrize("seed", range(8))
async def test_a_person_who_types_is_never_taken_for_a_scanner(screens: Screens, seed: int) -> None:
    """Gaps as fast typists have them: 60 to 220 ms, now and then two keys at once."""
    chance = random.Random(seed)  # noqa: S311 - a hand, not a secret
    gaps = [chance.choice([25.0] + [chance.uniform(60, 220)] * 5) for _ in range(30)]
    gaps[:3] = [70.0, 110.0, 90.0]
    async with screens.opened("/check-in/typed") as page:
        await page.locator("[name=name]").focus()
        await (await Keyboard.of(page)).type("zhangxiaoming ouyang", gaps, end="Tab")
        assert await page.locator("[name=name]").input_value() == "zhangxiaoming ouyang"
        assert await page.locator("[name=number]").input_value() == ""
        assert await page.locator("#notice").inner_text() == ""


async def test_a_person_who_is_always_fast_is_uneven_and_so_no_scanner(screens: Screens) -> None:
    async with screens.opened("/check-in/typed") as page:
        await page.locator("[name=name]").focus()
        await (await Keyboard.of(page)).type("ouyangxiaoming", [50.0, 85.0, 60.0, 95.0, 70.0] * 3, end="Tab")
        assert await page.locator("[name=name]").input_value() == "ouyangxiaoming"
        assert await page.locator("#notice").inner_text() == ""


async def test_a_person_signs_in_as_fast_as_hands_can(screens: Screens) -> None:
    async with screens.opened("/sign-in", signed_in=False) as page:
        keyboard = await Keyboard.of(page)
        await keyboard.type(NUMBER, [65.0, 80.0], end="Tab")
        await keyboard.type(PIN, [70.0, 45.0, 90.0, 60.0, 95.0, 80.0])
        await page.wait_for_url(f"{screens.site.url}/")


async def test_two_bursts_at_once_send_one_form(screens: Screens) -> None:
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        keyboard = await Keyboard.of(page)
        await page.evaluate("document.addEventListener('submit', () => window.submitted = (window.submitted ?? 0) + 1)")
        keys = [*UNKNOWN, "Enter", *KNOWN, "Enter"]
        await page.evaluate(
            """keys => { let at = performance.now() + 1000; keys.forEach(key => {
            const event = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true});
            Object.defineProperty(event, 'timeStamp', {value: at += 5});
            document.activeElement.dispatchEvent(event); }); }""",
            keys,
        )
        await page.locator("#notice .stop").wait_for()
        assert asked == [UNKNOWN]
        assert await page.evaluate("window.submitted") == 1
        assert await page.locator("[name=trace_code]").input_value() == UNKNOWN
        await keyboard.type(KNOWN)  # the form is free again
        await page.locator("[data-confirmations]").wait_for()


async def test_a_code_without_an_end_is_taken_back_and_its_tail_too(screens: Screens) -> None:
    async with screens.opened(chair_of(screens)) as page:
        asked = asked_by(page)
        keyboard = await Keyboard.of(page)
        await keyboard.type(UNKNOWN[:12], 8.0, end="")
        await page.locator("#notice .warn", has_text="没有结束符").wait_for()
        assert await page.locator("[name=trace_code]").input_value() == ""
        await page.evaluate("document.getElementById('notice').replaceChildren()")
        keyboard.at -= 0.6  # the rest comes 400 ms after the break
        await keyboard.type(UNKNOWN[12:], 8.0)
        await page.locator("#notice .warn", has_text="没有结束符").wait_for()
        assert await page.locator("[name=trace_code]").input_value() == ""
        assert asked == []


async def test_a_scan_while_a_permit_is_shown_chooses_no_body_site_and_records_nothing(
    screens: Screens, eventually: Any
) -> None:
    async with screens.opened(chair_of(screens)) as page:
        keyboard = await Keyboard.of(page)
        await keyboard.type(KNOWN)
        await confirm_all(page)
        await page.locator(".permit.good").wait_for()
        assert await body_site(page) == "", "where it was given is for a person to say"
        url = page.url
        for gaps in (8.0, 95.0):
            await page.evaluate("document.getElementById('notice').replaceChildren()")
            await keyboard.type("84444444444444444443", gaps, begin="Enter")
            await page.locator("#notice .warn").wait_for()
        await keyboard.type("021", 20.0)  # too short to be told from a hurried hand: nothing happens either
        await page.wait_for_timeout(300)  # longer than a key has to rest
        assert (page.url, await body_site(page)) == (url, "")
        keyboard.at += 1.0
        await keyboard.press("2")  # a person chooses
        await eventually(page, "document.querySelector('[name=body_site]:checked')?.value === 'right_upper_arm'")


async def test_a_scan_among_the_confirmations_makes_none_and_takes_the_other_vial(
    screens: Screens,
) -> None:
    async with screens.opened(chair_of(screens)) as page:
        keyboard = await Keyboard.of(page)
        await keyboard.type(KNOWN)
        await page.wait_for_url("**?unit=*")
        await page.locator("[data-confirmations] input:focus").wait_for()
        first = page.url
        await keyboard.type(OTHER)
        await page.wait_for_url(lambda url: "?unit=" in url and url != first)
        assert await page.locator("[data-confirmations] input:checked").count() == 0


async def test_a_deliverys_codes_are_scanned_one_a_line(screens: Screens) -> None:
    async with screens.opened("/receiving/{delivery}".format(**screens.site.visits)) as page:
        keyboard = await Keyboard.of(page)
        await page.locator("summary").first.click()
        await page.locator("[name=lot_number]").focus()
        await keyboard.type(UNKNOWN)
        await keyboard.type(KNOWN)
        assert await page.locator("[name=codes]").input_value() == f"{UNKNOWN}\n{KNOWN}\n"
        assert await page.locator("[name=lot_number]").input_value() == ""


async def test_a_scan_nothing_waits_for_is_said_so(screens: Screens) -> None:
    async with screens.opened("/stock") as page:
        await (await Keyboard.of(page)).type(UNKNOWN)
        await page.locator("#notice .warn").wait_for()


async def test_the_registration_desk_looks_up_what_a_scanner_types(screens: Screens) -> None:
    async with screens.opened("/check-in") as page:
        await (await Keyboard.of(page)).type(KNOWN)
        await page.locator("#card .warn", has_text="这是疫苗瓶的码").wait_for()
        assert KNOWN not in page.url
