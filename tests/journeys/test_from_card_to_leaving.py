"""One person's visit as the staff live it: keyboard, card reader and scanner only, in a real browser."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from clinic_server.rehearsal import Cast, Plan, prepare, settings_of
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from tests.conftest import ManualClock
from tests.pages.keyboards import confirm_all
from tests.serving import served

WITHIN_MS = 90_000
HAND_MS = 120  # between two keys; faster and as even as a machine, it would be taken for a scanner
expect.set_options(timeout=WITHIN_MS)


@dataclass
class Clinic:
    """A site in motion: its server, its hardware, its staff, and a browser at every station."""

    cast: Cast
    browser: Browser
    clock: ManualClock
    reader: IdCardReaderStub
    scanner: BarcodeScannerStub
    pages: AsyncExitStack
    set_up_code: str

    async def sits_down(self, role: str, station: str) -> Page:
        """Sign in at a station as a person does: number, PIN, Enter."""
        context = await self.browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
        self.pages.push_async_callback(context.close)
        page = await context.new_page()
        await page.goto(f"{self.cast.base_url}/sign-in")
        player = next(one for one in self.cast.staff if (one.role, one.station) == (role, station))
        await page.select_option("#station", station)
        await page.focus("#number")
        await page.keyboard.type(player.number, delay=HAND_MS)
        await page.keyboard.press("Tab")
        await page.keyboard.type(player.pin, delay=HAND_MS)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{self.cast.base_url}/")
        return page


@pytest_asyncio.fixture(name="clinic")
async def _clinic(tmp_path: Path, clock: ManualClock, chromium: Path) -> AsyncIterator[Clinic]:
    """On SQLite alone: a browser sees no engine, and the played days (test_clinic_day) run on both."""
    with socket.create_server(("127.0.0.1", 0)) as listening, ExitStack() as plugs:
        plan = Plan(tmp_path, listening.getsockname()[1], units=20)
        cast = await asyncio.to_thread(prepare, plan, clock)
        reader = IdCardReaderStub(plugs.enter_context(_plugged(cast.readers["desk-1"])))
        scanner = BarcodeScannerStub(plugs.enter_context(_plugged(cast.scanners["bench-1"])))
        serving = served(settings_of(cast), clock, listening)
        async with serving as app, _browser(chromium) as browser, AsyncExitStack() as pages:
            yield Clinic(cast, browser, clock, reader, scanner, pages, app.state.set_up_code.shown)


def _plugged(path: str) -> PtyPlug:
    """A pseudo-terminal under the name the server looks for."""
    plug = PtyPlug(Path(path).name)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).symlink_to(plug.path)
    return plug


@asynccontextmanager
async def _browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        await browser.close()


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def text_of(page: Page, selector: str = "main") -> str:
    return await page.locator(selector).inner_text()


async def is_set_up(clinic: Clinic) -> None:
    """The first owner, by the code on the console."""
    page = await clinic.browser.new_page()
    await page.goto(clinic.cast.base_url)
    await page.wait_for_url("**/set-up")
    for words in (clinic.set_up_code, "站长", "9001", "480251", "480251"):
        await page.keyboard.type(words, delay=HAND_MS)
        await press(page, "Tab")
    await press(page, "Enter")
    await page.wait_for_url("**/sign-in")
    await page.close()


async def refreshes(page: Page) -> None:
    """A live signal replaces the list under the keyboard, which goes on standing where it stood."""
    key = page.locator("#seats [name=idempotency_key]").first
    before = await key.input_value()
    await page.evaluate("document.getElementById('live').dispatchEvent(new Event('visits'))")
    await expect(key).not_to_have_value(before)
    await expect(page.locator("#seats form[action$='/leave'] button")).to_be_focused()


async def checks_in(clinic: Clinic, card: SyntheticCard) -> Page:
    desk = await clinic.sits_down("registrar", "desk-1")
    other_desk = await clinic.sits_down("registrar", "desk-2")
    await desk.goto(f"{clinic.cast.base_url}/check-in")
    await other_desk.goto(f"{clinic.cast.base_url}/check-in")
    await expect(desk.locator("#card")).not_to_contain_text(card.name)
    clinic.reader.lay(card)
    await expect(desk.locator("#card h2")).to_have_text(card.name)
    assert card.name not in await text_of(other_desk)
    await press(desk, "Enter")
    await expect(desk.locator(".issued-ticket")).to_have_text("001")
    assert card.name not in await text_of(other_desk)
    return desk


async def is_asked_and_recommended(clinic: Clinic) -> None:
    screening = await clinic.sits_down("physician", "screening-1")
    await screening.goto(f"{clinic.cast.base_url}/screening")
    await press(screening, "F2")
    await screening.wait_for_url("**/visits/*/screening")
    for question in range(1, await screening.locator("fieldset.answers:not(.follow-up)").count() + 1):
        await screening.wait_for_timeout(120)  # a digit counts once the keyboard rests: a scanner answers nothing
        await press(screening, "2")
        await expect(screening.locator("fieldset.answers input:checked")).to_have_count(question)
    await press(screening, "F9")
    await screening.wait_for_url("**/decision")
    await screening.wait_for_timeout(120)
    await press(screening, "1")
    await expect(screening.locator("fieldset.answers input:checked")).to_have_value("recommended")
    await press(screening, "F9")
    await screening.wait_for_url(lambda url: not url.endswith("/decision"))


async def the_site_is_opened(clinic: Clinic) -> None:
    """The lead names the four safeguards by keyboard; the bench, told until then that injections pause, sees it go."""
    await clinic.sits_down("physician", "screening-2")
    await clinic.sits_down("observer", "observation-1")
    bench = await clinic.sits_down("vaccinator", "bench-2")
    await bench.goto(f"{clinic.cast.base_url}/bench")
    await expect(bench.locator("#pauses")).to_contain_text("接种点没有开诊")
    lead = await clinic.sits_down("site_lead", "office")
    await lead.goto(f"{clinic.cast.base_url}/opening")
    for _ in range(await lead.locator("form[action='/opening'] input:not([type=hidden])").count()):
        await lead.keyboard.type("120", delay=HAND_MS)
        await press(lead, "Tab")
    await press(lead, "F9")
    await expect(lead.locator("#opening-now")).to_contain_text("已开诊")
    await expect(bench.locator("#pauses")).to_be_empty()


async def consents(clinic: Clinic) -> None:
    consent = await clinic.sits_down("registrar", "consent-1")
    await consent.goto(f"{clinic.cast.base_url}/consent")
    await press(consent, "F2")
    await consent.wait_for_url("**/visits/*/consent")
    boxes = consent.locator("input[type=checkbox]")
    for number in range(await boxes.count()):
        await boxes.nth(number).focus()
        await press(consent, "Space")
    await consent.focus("[name=paper_reason]")
    await consent.keyboard.type("签字板故障")
    await press(consent, "F9")
    await consent.wait_for_url(lambda url: not url.endswith("/consent") or "/visits/" not in url)


async def is_vaccinated(clinic: Clinic, card: SyntheticCard) -> Page:
    bench = await clinic.sits_down("vaccinator", "bench-1")
    await bench.goto(f"{clinic.cast.base_url}/bench")
    await press(bench, "F2")
    await bench.wait_for_url("**/visits/*/injection")
    await expect(bench.locator("h1")).to_contain_text(card.name)
    clinic.scanner.scan("89999999999999999999")
    await expect(bench.locator("#notice")).to_contain_text("不得接种")
    clinic.scanner.scan(clinic.cast.trays["bench-1"][0])
    await bench.wait_for_url("**/injection?unit=*")
    await confirm_all(bench)
    await bench.wait_for_url("**/injection?permit=*")
    await expect(bench.locator(".permit")).to_be_visible()
    await press(bench, "1")
    await expect(bench.locator("[name=body_site]").first).to_be_checked()
    await press(bench, "F9")
    await bench.wait_for_url(lambda url: "injection" not in url)
    return bench


async def test_a_visit_from_the_card_to_the_door(clinic: Clinic) -> None:
    card = replace(synthetic_resident(16_500_123), name="欧阳小满")
    await is_set_up(clinic)
    wall = await clinic.browser.new_page()
    await wall.goto(f"{clinic.cast.base_url}/wall?token={clinic.cast.wall_token}")
    await the_site_is_opened(clinic)
    await checks_in(clinic, card)
    await expect(wall.locator("body")).to_contain_text("001")
    await is_asked_and_recommended(clinic)
    await consents(clinic)
    await is_vaccinated(clinic, card)
    observation = await clinic.sits_down("observer", "observation-1")
    await observation.goto(f"{clinic.cast.base_url}/observation")
    await expect(observation.locator("#seats")).to_contain_text("30")
    await expect(wall.locator("body")).to_contain_text("30")
    assert card.name not in await text_of(wall, "body")
    clinic.clock.pass_time(minutes=30)
    await observation.reload()
    await observation.locator("#seats form[action$='/leave'] button").focus()
    await refreshes(observation)
    await press(observation, "Enter")
    await expect(observation.locator("#seats .empty")).to_be_visible()
    await expect(wall.locator("body")).not_to_contain_text("001")
    await wall.close()
