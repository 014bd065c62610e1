"""What is recorded comes out on paper where it was recorded, once, and no visit waits for it."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from clinic_server.device_hub.slips.book import GIVEN_UP_AFTER_S
from clinic_server.device_hub.slips.lookup import Asked
from clinic_server.device_hub.slips.rules import SlipKind
from clinic_server.kit.journal import journal, verify
from clinic_server.settings import DatabaseSettings, DeviceSettings, SecuritySettings, Settings, SiteSettings
from clinic_server.staff.rules import Role
from clinic_server.visits.slip_code import slip_code
from devices.words import PrintSlip, Rule, Slip
from firmware_stubs.plugs import PtyPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.api.callers import SignedIn, running, someone
from tests.api.test_injection import CODE, a_consented_visit, given, permitted
from tests.api.visitors import a_lot, a_product, an_open_site
from tests.conftest import ManualClock
from tests.devices.parts import DEADLINE_S, eventually

PASSPORT = {
    "typed_reason": "foreign_document",
    "document_kind": "passport",
    "issuing_country": "UTO",
    "sex": "female",
    "born_on": "1991-02-03",
}
numbers = itertools.count(1_000_000)
TICKET = [
    "示范接种点",
    "排队号",
    "001",
    "姓名                       何*新",
    "登记时间        2026-03-02 09:00",
    "--------------------------------",
    "请等候叫号。",
    "",  # the code for scanners
    "咨询电话               010-12320",
]
OBSERVATION = [
    "留观时间条",
    "示范接种点",
    "排队号                       001",
    "姓名                       王*明",
    "疫苗                   Vaccine A",
    "第几剂                         1",
    "剂量                     0.50 ml",
    "批号                L-2027-01-01",
    "接种时间        2026-03-02 09:00",
    "--------------------------------",
    "此时间前请勿离开",
    "09:30",
    "--------------------------------",
    "如有不适，请立即告知工作人员。",
    "",
    "咨询电话               010-12320",
]


@pytest.fixture(name="settings")
def _settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        site=SiteSettings(name="示范接种点", hotline="010-12320"),
        database=DatabaseSettings(url=database_url),
        security=SecuritySettings(key_file=tmp_path / "site.key", idle_minutes=720),
    )


@contextmanager
def a_printer(station: str, *, plugged_in: bool = True, **options: str) -> Iterator[tuple[Any, DeviceSettings]]:
    """A printer on a pseudo-terminal, and how the site sets it up."""
    plug = PtyPlug(f"printer-{station}")
    stub = ReceiptPrinterStub(plug)
    if plugged_in:
        plug.plug_in()
    try:
        yield (
            stub,
            DeviceSettings(
                device_id=f"printer-{station}", kind="receipt_printer", url=plug.url, station=station, options=options
            ),
        )
    finally:
        plug.close()


@asynccontextmanager
async def a_site(settings: Settings, clock: ManualClock, *printers: DeviceSettings) -> AsyncIterator["Floor"]:
    async with running(settings.model_copy(update={"devices": printers}), clock) as app, AsyncExitStack() as people:
        yield Floor(app, people)


class Floor:
    """A running site, and its people at their stations."""

    def __init__(self, app: FastAPI, people: AsyncExitStack) -> None:
        self.app = app
        self._people = people

    async def at(self, role: Role, station: str) -> SignedIn:
        return await self._people.enter_async_context(await someone(self.app, role, station=station))

    async def online(self) -> None:
        hub = self.app.state.device_hub
        await eventually(lambda: all(one.state == "online" for one in hub.shown()), "every printer is connected")


async def check_in(desk: SignedIn, name: str = "何小新") -> UUID:
    body = {**PASSPORT, "number": f"P{next(numbers)}", "name": name}
    answer = await desk.post("/api/v1/visits", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["visit_id"])


async def inject(bench: SignedIn, visit_id: UUID, code: str = CODE) -> None:
    permit = await permitted(bench, visit_id, code)
    assert (await given(bench, permit.json()["permit_id"])).status_code == 201


async def states(caller: SignedIn, visit_id: UUID) -> dict[str, str]:
    answer = await caller.get(f"/api/v1/visits/{visit_id}/slips")
    assert answer.status_code == 200, answer.text
    return {slip["kind"]: slip["state"] for slip in answer.json()}


async def becomes(caller: SignedIn, visit_id: UUID, **wanted: str) -> None:
    """Wait until a visit's slips are what was asked for: no test is told of it."""
    deadline = time.monotonic() + DEADLINE_S
    while (found := await states(caller, visit_id)) != wanted:
        assert time.monotonic() < deadline, f"{found} instead of {wanted}"
        await asyncio.sleep(0.02)


async def again(caller: SignedIn, visit_id: UUID, kind: str = "ticket", **headers: str) -> Any:
    return await caller.post(f"/api/v1/visits/{visit_id}/slips/{kind}", headers=headers)


def printer_has(floor: Floor, visit_id: UUID, *, is_copy: bool = False) -> bool:
    (slip,) = floor.app.state.slip_office.shown(Asked(visit_id, 1, {SlipKind.TICKET: 1}))
    return slip.device_id is not None and slip.is_copy is is_copy


def lines_of(floor: Floor) -> list[Any]:
    db = floor.app.state.house.db
    return list(db.read_now(lambda c: c.execute(select(journal).order_by(journal.c.seq)).all()))


async def test_a_check_in_prints_its_ticket_at_the_desk(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1") as (printer, device):
        async with a_site(settings, clock, device) as floor:
            await floor.online()
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await becomes(desk, visit_id, ticket="printed")
            page = (await desk.get(f"/visits/{visit_id}/slips")).text
        keyring = floor.app.state.house.db.keyring
    assert [printout.lines for printout in printer.printouts] == [TICKET]
    assert printer.printouts[0].qr_codes == [slip_code(keyring, visit_id, date(2026, 3, 2), 1)]
    assert "Printed" in page
    assert "Print again" in page


async def test_a_dose_prints_when_its_recipient_may_leave(settings: Settings, clock: ManualClock) -> None:
    with a_printer("bench-1") as (printer, device):
        async with a_site(settings, clock, device) as floor:
            db = floor.app.state.house.db
            an_open_site(db)
            a_product(db)
            a_lot(db, CODE)
            visit_id = a_consented_visit(db)
            bench = await floor.at(Role.VACCINATOR, "bench-1")
            await inject(bench, visit_id)
            await becomes(bench, visit_id, ticket="no_printer", observation="printed")
    assert [printout.lines for printout in printer.printouts] == [OBSERVATION]
    assert 0x33 in printer.printouts[0].sizes


async def test_a_printer_that_is_away_holds_up_nobody_and_prints_once_it_is_back(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1", plugged_in=False) as (printer, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            assert (await desk.get(f"/api/v1/visits/{visit_id}")).json()["visit"]["stage"] == "waiting_for_screening"
            await becomes(desk, visit_id, ticket="waiting")
            assert "Waiting for the printer" in (await desk.get(f"/visits/{visit_id}/slips?at_desk=true")).text
            printer.plug.plug_in()
            await becomes(desk, visit_id, ticket="printed")
    assert [printout.lines for printout in printer.printouts] == [TICKET]


async def test_a_slip_whose_printer_stays_without_paper_is_not_printed_and_the_page_says_so(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1", keep_s="1") as (printer, device):
        printer.is_paper_out = True
        async with a_site(settings, clock, device) as floor:
            await floor.online()
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await becomes(desk, visit_id, ticket="not_printed")
            assert "Not printed" in (await desk.get(f"/visits/{visit_id}/slips")).text
            printer.load_paper()
            later = await check_in(desk)
            await becomes(desk, later, ticket="printed")
    assert [printout.lines[2] for printout in printer.printouts] == ["002"]


async def test_a_slip_torn_off_in_the_middle_is_perhaps_printed_and_not_sent_again(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1") as (printer, device):
        printer.lines_left = 3
        async with a_site(settings, clock, device) as floor:
            await floor.online()
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await eventually(lambda: printer.is_paper_out, "the slip is half printed")
            printer.plug.unplug(abrupt=True)
            await becomes(desk, visit_id, ticket="unconfirmed")
            printer.load_paper()
            printer.plug.plug_in()
            await floor.online()
            later = await check_in(desk)
            await becomes(desk, later, ticket="printed")
            assert await states(desk, visit_id) == {"ticket": "unconfirmed"}


async def test_a_slip_asked_for_again_says_that_it_is_a_copy_and_when(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1") as (printer, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await becomes(desk, visit_id, ticket="printed")
            clock.pass_time(minutes=7)
            key = {"idempotency-key": uuid4().hex}
            assert [(await again(desk, visit_id, **key)).status_code for _ in range(2)] == [201, 201]
            await eventually(lambda: len(printer.printouts) == 2, "the copy is printed")
            await becomes(desk, visit_id, ticket="printed")
            shown = (await desk.get(f"/api/v1/visits/{visit_id}/slips")).json()
            other = await check_in(desk)
            await becomes(desk, other, ticket="printed")
            last = lines_of(floor)[-2]
            db = floor.app.state.house.db
            assert db.read_now(lambda connection: verify(connection, db.keyring.journal_key)).faults == []
    assert [printout.lines for printout in printer.printouts][:2] == [
        TICKET,
        ["补打 2026-03-02 09:07", "-" * 32, *TICKET],
    ]
    assert len(printer.printouts) == 3, "one key is one copy"
    assert shown[0]["is_copy"]
    assert (last.kind, last.ref, last.actor) == ("ticket_asked_again", str(visit_id), str(desk.staff_id))


async def test_what_is_said_of_a_slip_does_not_speak_for_its_copy(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1", plugged_in=False) as (printer, device):
        printer.lines_left = len(TICKET) + 1
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await again(desk, visit_id)
            await eventually(lambda: printer_has(floor, visit_id, is_copy=True), "both wait for the printer")
            printer.plug.plug_in()
            await eventually(lambda: len(printer.printouts) == 1 and printer.is_paper_out, "one and a half are printed")
            await floor.online()
            assert await states(desk, visit_id) == {"ticket": "waiting"}
            printer.load_paper()
            await becomes(desk, visit_id, ticket="printed")


async def test_a_restarted_server_prints_no_slip_twice_and_claims_none_was_printed(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1") as (printer, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            before = await check_in(desk)
            await becomes(desk, before, ticket="printed")
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            assert await states(desk, before) == {"ticket": "unknown"}
            after = await check_in(desk)
            await becomes(desk, after, ticket="printed")
    assert [printout.lines[2] for printout in printer.printouts] == ["001", "002"]


async def test_each_station_prints_its_own(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1") as (one, first), a_printer("desk-2", columns="48") as (other, second):
        async with a_site(settings, clock, first, second) as floor:
            for station in ("desk-2", "desk-1", "desk-2"):
                desk = await floor.at(Role.REGISTRAR, station)
                await becomes(desk, await check_in(desk), ticket="printed")
    assert [printout.lines[2] for printout in one.printouts] == ["002"]
    assert [printout.lines[2] for printout in other.printouts] == ["001", "003"]
    assert other.printouts[0].lines[5] == "-" * 48


async def test_a_station_without_a_printer_uses_the_one_set_up_for_its_slips(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("hall", prints="ticket") as (hall, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            await becomes(desk, await check_in(desk), ticket="printed")
    assert [printout.lines[2] for printout in hall.printouts] == ["001"]


async def test_a_site_without_printers_shows_no_slips_and_refuses_copies(
    settings: Settings, clock: ManualClock
) -> None:
    async with a_site(settings, clock) as floor:
        desk = await floor.at(Role.REGISTRAR, "desk-1")
        visit_id = await check_in(desk)
        assert await states(desk, visit_id) == {}
        assert (await desk.get(f"/visits/{visit_id}/slips")).text.strip() == ""
        refused = await again(desk, visit_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_printer_here")


async def test_what_has_not_happened_is_not_printed(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1") as (_, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            early = await again(desk, await check_in(desk), "observation")
            nobody = await again(desk, uuid4())
            nothing = await again(desk, uuid4(), "certificate")
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_print")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "visit_unknown")
    assert nothing.status_code == 400


async def test_a_printer_nobody_hears_of_again_leaves_its_slip_unknown(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1", plugged_in=False, keep_s="60") as (_, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await eventually(lambda: printer_has(floor, visit_id), "the slip waits for its printer")
            clock.pass_time(seconds=60 + GIVEN_UP_AFTER_S + 1)
            assert await states(desk, visit_id) == {"ticket": "unknown"}


async def fill_its_queue(floor: Floor) -> list[PrintSlip]:
    """Order slips until the printer's own queue takes no more."""
    hub, words = floor.app.state.device_hub, [PrintSlip(f"other-{number}", Slip((Rule(),))) for number in range(101)]
    await eventually(lambda: hub.shown()[0].state == "offline", "the printer is away")
    taken = [await hub.tell("printer-desk-1", word) for word in words]
    assert taken == [True] * 100 + [False]
    return words[:100]


async def test_a_slip_a_full_queue_refuses_is_offered_again_until_there_is_room(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1", plugged_in=False) as (printer, device):
        async with a_site(settings, clock, device) as floor:
            words = await fill_its_queue(floor)
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            first, second = await check_in(desk), await check_in(desk)
            await eventually(lambda: printer_has(floor, second), "both lie ready")
            assert await states(desk, first) == {"ticket": "waiting"}
            printer.plug.plug_in()
            await becomes(desk, second, ticket="printed")
            assert await states(desk, first) == {"ticket": "printed"}
    assert [printout.lines[2] for printout in printer.printouts[len(words) :]] == ["001", "002"]


async def test_a_slip_nobody_takes_in_time_is_not_printed(settings: Settings, clock: ManualClock) -> None:
    with a_printer("desk-1", plugged_in=False, keep_s="60") as (printer, device):
        async with a_site(settings, clock, device) as floor:
            await fill_its_queue(floor)
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            visit_id = await check_in(desk)
            await eventually(lambda: printer_has(floor, visit_id), "it lies ready")
            clock.pass_time(seconds=61)
            await becomes(desk, visit_id, ticket="not_printed")
    assert printer.printouts == []


async def test_a_printer_set_up_wrongly_prints_nothing_and_the_page_says_so(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1", columns="42") as (_, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            await becomes(desk, await check_in(desk), ticket="not_printed")


async def test_a_name_the_printer_has_no_glyph_for_is_drawn_and_never_sent_as_another(
    settings: Settings, clock: ManualClock
) -> None:
    with a_printer("desk-1") as (printer, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            await becomes(desk, await check_in(desk, "𠮷小龙"), ticket="printed")
    (printout,) = printer.printouts
    assert len(printout.pictures) == 1
    assert printout.lines == TICKET[:3] + TICKET[4:]


async def test_nothing_personal_is_logged_of_a_slip(
    settings: Settings, clock: ManualClock, capfd: pytest.CaptureFixture[str]
) -> None:
    with a_printer("desk-1") as (_, device):
        async with a_site(settings, clock, device) as floor:
            desk = await floor.at(Role.REGISTRAR, "desk-1")
            await becomes(desk, await check_in(desk, "何小新"), ticket="printed")
    said = "".join(capfd.readouterr())
    assert "何" not in said
