"""The other ways through a site, each by keyboard alone: deferred, a child, not wanted, too soon at the exit, early."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Browser, Page, expect

from clinic_server.check_in.actions import close_abandoned
from clinic_server.kit.tx import Tx
from clinic_server.observation.exit.actions import open_reader
from clinic_server.observation.exit.lookup import open_readers
from clinic_server.queue.actions import return_to_line
from clinic_server.rehearsal import PRODUCT_CODE, Plan, prepare, settings_of
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import Role, StationKind
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing, standing_at
from firmware_stubs.id_card_reader.cards import synthetic_resident
from tests.conftest import ManualClock
from tests.pages.conftest import Screens
from tests.pages.keyboards import Hand
from tests.pages.morning import MORNING, Morning
from tests.pages.site import PageSite
from tests.pages.stages import answer, arrive, inject, recommend, sign
from tests.serving import served

CHILD_BORN = date(2016, 5, 1)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Clinic:
    """One site for every journey: its pages, its people, its clock and its records."""

    screens: Screens
    morning: Morning
    app: FastAPI

    async def does(self, act: Any, role: Role, *more: Any) -> Any:
        """Let somebody take a step behind the scenes."""
        actor = MORNING if role is Role.OWNER else self.morning.actors[role]
        return await self.app.state.house.db.write(lambda tx: act(tx, *more), actor)

    def at(self, role: Role | None, path: str) -> AbstractAsyncContextManager[Page]:
        """Open a page as whoever has the role, or as anybody."""
        self.screens.site.session = self.morning.sessions[role] if role else ""
        return self.screens.opened(path, signed_in=role is not None)

    async def comes(self, born_on: date = date(1980, 1, 9), *, until: Stage = Stage.WAITING_FOR_CONSENT) -> UUID:
        """Let somebody come and go on to a stage."""
        visit_id: UUID = await self.does(arrive, Role.REGISTRAR, f"J{next(_numbers):08d}", "欧阳小满", born_on)
        steps = {
            Stage.WAITING_FOR_DECISION: (answer, Role.PHYSICIAN),
            Stage.WAITING_FOR_CONSENT: (partial(recommend, product=PRODUCT_CODE), Role.PHYSICIAN),
            Stage.WAITING_FOR_INJECTION: (sign, Role.REGISTRAR),
            Stage.OBSERVED: (partial(inject, trace_code=self.morning.next_vial), Role.VACCINATOR),
        }
        for reached, (act, role) in steps.items():
            if await self.stage(visit_id) is until:
                break
            await self.does(act, role, visit_id)
            assert await self.stage(visit_id) is reached
        return visit_id

    async def sends_home(self, *stages: Stage) -> None:
        """Let everybody leave who waits at these stages."""
        for place in await self.app.state.house.db.read(lambda one: standing_at(one, *stages)):
            await self.does(close_abandoned, Role.REGISTRAR, place.visit_id)

    async def stage(self, visit_id: UUID) -> Stage:
        """Return where somebody stands by the records."""
        found: Stage = (await self.app.state.house.db.read(lambda connection: standing(connection, visit_id))).stage
        return found


@pytest_asyncio.fixture(name="clinic", scope="module")
async def _clinic(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Clinic]:
    clock, folder = ManualClock(), tmp_path_factory.mktemp("ways")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        cast = await asyncio.to_thread(prepare, Plan(folder, port, units=30), clock)
        morning = Morning(cast, clock)
        await asyncio.to_thread(morning.live, 0)
        settings = settings_of(cast).model_copy(update={"devices": ()})
        async with served(settings, clock, listening) as app:
            yield Clinic(Screens(browser, PageSite(folder, port=port)), morning, app)


async def test_somebody_without_a_card_has_a_fever_and_is_deferred(clinic: Clinic) -> None:
    clinic.screens.complaints.said.clear()
    async with clinic.at(Role.REGISTRAR, "/check-in/typed") as desk:
        hand = await Hand.of(desk)
        await hand.choose("typed_reason", "no_card")
        await hand.choose("document_kind", "resident_id")
        await hand.write(number=synthetic_resident(16_500_124).number, name="何小新")
        await hand.press("Enter")
        await expect(desk.locator(".issued-ticket")).to_be_visible()
    async with clinic.at(Role.PHYSICIAN, "/screening") as page:
        hand = await Hand.of(page)
        await hand.press("F2")
        await page.wait_for_url("**/visits/*/screening")
        visit_id = UUID(page.url.split("/")[-2])
        await hand.answer("1", *"2" * (await page.locator("fieldset.answers:not(.follow-up)").count() - 1))
        await hand.press("F9")
        await page.wait_for_url("**/decision")
        await hand.answer("2")
        await hand.write(reason="38.6 度，感冒")
        await hand.press("F9")
        await page.wait_for_url(lambda url: not url.endswith("/decision"))
    assert await clinic.stage(visit_id) is Stage.DEFERRED
    assert clinic.screens.complaints.said == []


async def test_one_of_two_of_a_name_is_found_without_a_card_and_tells_the_birth_date(clinic: Clinic) -> None:
    born_on = date(1971, 2, 3)
    for _ in range(2):
        await clinic.comes(born_on, until=Stage.WAITING_FOR_SCREENING)
    await clinic.sends_home(Stage.WAITING_FOR_SCREENING)
    async with clinic.at(Role.REGISTRAR, "/check-in") as desk:
        hand = await Hand.of(desk)
        await hand.press("F3")
        await desk.wait_for_url("**/check-in/seek")
        await hand.write(name="欧阳小满", born_on="02031971")
        await hand.press("Enter")  # the field has the keyboard still
        await expect(desk.locator("#found article")).to_have_count(2)
        await hand.keyboard.type("2", end="")  # by the clock that the birth date was typed by
        await desk.wait_for_url("**/people/*/check-in")
        assert "欧阳" not in desk.url
        await hand.write(born_on="02041971")
        await hand.press("Enter")
        await expect(desk.locator("#notice")).to_contain_text("出生日期不符")
        await expect(desk.locator("[name=born_on]")).to_be_focused()
        await hand.press("ArrowLeft", "ArrowLeft")  # from the year back to the month
        await hand.write(born_on="02031971")
        await hand.press("Enter")
        await expect(desk.locator(".issued-ticket")).to_be_visible()
        await expect(desk.locator("#card")).to_contain_text("未见证件")
    await clinic.sends_home(Stage.WAITING_FOR_SCREENING)


async def test_a_child_without_a_number_is_checked_in_by_its_mother_and_keys_alone(clinic: Clinic) -> None:
    async with clinic.at(Role.REGISTRAR, "/check-in") as desk:
        hand = await Hand.of(desk)
        await hand.press("F7")
        await desk.wait_for_url("**/check-in/newborn")
        await expect(desk.locator("[name=mother_number]")).to_be_focused()
        await hand.write(mother_number=synthetic_resident(16_503_000).number, order="2", name="李女之子")
        await hand.choose("sex", "male")
        await hand.write(born_on="02032021", guardian_name="李女")
        await hand.choose("relationship", "mother")
        await hand.press("F9")
        await expect(desk.locator(".issued-ticket")).to_be_visible()
    await clinic.sends_home(Stage.WAITING_FOR_SCREENING)


async def test_a_class_is_checked_in_by_its_list_and_called_under_its_name(clinic: Clinic) -> None:
    await clinic.sends_home(Stage.WAITING_FOR_SCREENING, Stage.WAITING_FOR_DECISION)
    listed = [f"同学{place} {synthetic_resident(16_501_000 + place).number}" for place in range(3)]
    async with clinic.at(Role.REGISTRAR, "/check-in") as desk:
        hand = await Hand.of(desk)
        await hand.press("F4")
        await desk.wait_for_url("**/check-in/group")
        await hand.write(label="三年二班", listed="\n".join([*listed, "同学9 123"]))
        await hand.press("F9")
        await expect(desk.locator("#notice")).to_contain_text("第 4 行")
        await expect(desk.locator("[name=listed]")).to_be_focused()
        await hand.press("Control+A")
        await desk.keyboard.insert_text("\n".join(listed))
        await hand.press("F9")
        await desk.wait_for_url("**/check-in/group/*-*")
        await expect(desk.locator("h1")).to_have_text("三年二班")
        await expect(desk.locator("tbody tr")).to_have_count(len(listed))
    async with clinic.at(Role.REGISTRAR, "/screening") as page:
        hand = await Hand.of(page)
        await hand.press("F2")
        await page.wait_for_url("**/visits/*/screening")
        visit_id = UUID(page.url.split("/")[-2])
        await expect(page.locator("#hand")).to_contain_text("三年二班")
    await clinic.does(return_to_line, Role.REGISTRAR, visit_id)
    await clinic.sends_home(Stage.WAITING_FOR_SCREENING)


async def test_a_child_signs_beside_the_mother(clinic: Clinic) -> None:
    visit_id = await clinic.comes(CHILD_BORN)
    async with clinic.at(Role.REGISTRAR, f"/visits/{visit_id}/consent") as page:
        hand = await Hand.of(page)
        for told in await page.locator("[type=checkbox]").all():
            await hand.reach(str(await told.get_attribute("name")))
            await hand.press(" ")
        await hand.choose("relationship", "mother")
        await hand.write(signer_name="欧阳静", paper_reason="签字板故障", document_number="E1")
        await hand.press("F9")
        await expect(page.locator("#notice")).to_contain_text("儿童")
        assert await clinic.stage(visit_id) is Stage.WAITING_FOR_CONSENT
        await hand.write(child_paper_reason="签字板故障")
        await hand.press("F9")
        await page.wait_for_url(lambda url: str(visit_id) not in url)
    assert await clinic.stage(visit_id) is Stage.WAITING_FOR_INJECTION


async def test_the_dose_is_not_wanted(clinic: Clinic) -> None:
    visit_id = await clinic.comes()
    async with clinic.at(Role.REGISTRAR, f"/visits/{visit_id}/consent") as page:
        hand = await Hand.of(page)
        await hand.press("F8")
        await hand.choose("refused_by", "recipient")
        await hand.write(reason="想再考虑")
        await hand.press("Tab", "Enter")
        await page.wait_for_url(f"**/visits/{visit_id}")
        await expect(page.locator("main")).to_contain_text("未同意接种")
    assert await clinic.stage(visit_id) is Stage.REFUSED


async def test_who_is_too_soon_at_the_exit_leaves_early_by_a_nurse_alone(clinic: Clinic) -> None:
    visit_id = await clinic.comes(until=Stage.OBSERVED)
    ticket = (await clinic.app.state.house.db.read(lambda one: standing(one, visit_id))).ticket_number
    digits = f"{next(_numbers) - 1:03d}"
    reader = await clinic.does(_exit_opened, Role.OBSERVER)
    clinic.morning.clock.pass_time(minutes=12)
    async with clinic.at(None, reader) as door, clinic.at(Role.OBSERVER, f"/visits/{visit_id}/observation") as page:
        await _asks(door, ticket, digits)
        await expect(door.locator("#answer")).to_have_attribute("data-answer", "stay")
        await expect(door.locator("#answer")).to_contain_text("18")
        hand = await Hand.of(page)
        await hand.press("F7")
        await hand.choose("reason", "insisted")
        await hand.write(paper_reason="签字板故障")
        await hand.press("Tab", "Enter")
        await page.wait_for_url(lambda url: str(visit_id) not in url)
        await _asks(door, ticket, digits)
        await expect(door.locator("#answer")).to_have_attribute("data-answer", "has_left")
    assert await clinic.stage(visit_id) is Stage.LEFT_EARLY


async def test_two_desks_never_have_the_same_person_and_sign_one_consent(clinic: Clinic) -> None:
    waiting = {await clinic.comes(until=Stage.WAITING_FOR_SCREENING) for _ in range(2)}
    signed_twice = await clinic.comes()
    clinic.screens.complaints.said.clear()
    async with clinic.at(Role.REGISTRAR, "/screening") as one, clinic.at(Role.PHYSICIAN, "/screening") as other:
        await asyncio.gather(*(desk.keyboard.press("F2") for desk in (one, other)))
        for desk in (one, other):
            await desk.wait_for_url("**/visits/*/screening")
        assert {UUID(desk.url.split("/")[-2]) for desk in (one, other)} == waiting
        for desk in (one, other):
            await desk.goto(f"{clinic.screens.site.url}/visits/{signed_twice}/consent")
            hand = await Hand.of(desk)
            for told in await desk.locator("[type=checkbox]").all():
                await hand.reach(str(await told.get_attribute("name")))
                await hand.press(" ")
            await hand.write(paper_reason="签字板故障")
        await asyncio.gather(*(desk.keyboard.press("F9") for desk in (one, other)))
        for desk in (one, other):
            await expect(desk.locator("#notice .notice, #queue, main table").first).to_be_visible()
        told = [await desk.locator("#notice").inner_text() for desk in (one, other)]
    assert [bool(words) for words in sorted(told)] == [False, True]
    assert await clinic.stage(signed_twice) is Stage.WAITING_FOR_INJECTION
    for visit_id in waiting:  # nobody stays in hand for the next who sits down there
        await clinic.does(return_to_line, Role.PHYSICIAN, visit_id)


async def _asks(door: Page, ticket: int, digits: str) -> None:
    hand = await Hand.of(door)
    await hand.write(ticket=str(ticket), digits=digits)
    await hand.press("Enter")


def _exit_opened(tx: Tx) -> str:
    add_station(tx, "exit-1", StationKind.EXIT)
    open_reader(tx, "exit-1")
    (opened,) = open_readers(tx.connection, tx.keyring, tx.now)
    return opened.path
