"""The exit reader: whoever may leave goes by themselves, everybody else is told why not, and nothing is done twice."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, select

from clinic_server.device_hub.scanned import scan_content
from clinic_server.kit.call import House
from clinic_server.kit.codes import MOST_WRONG_CODES
from clinic_server.kit.journal import journal
from clinic_server.kit.labels import labels
from clinic_server.kit.tx import Tx
from clinic_server.observation.exit.actions import open_reader
from clinic_server.observation.exit.lookup import Reader, open_readers
from clinic_server.observation.exit.tables import exit_scan
from clinic_server.observation.tables import departure
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import CardFacts, CardFault
from clinic_server.people.tables import identifier
from clinic_server.staff.actions import add_station, station_exists
from clinic_server.staff.rules import Role, StationKind
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from tests.api.callers import AsRole, Client
from tests.api.test_injection import CODE, a_consented_visit, given, permitted
from tests.api.test_slip_codes import code_of
from tests.api.visitors import SYSTEM, a_lot, a_product, a_visit, an_open_site, rows_in
from tests.conftest import ManualClock

EXIT = "exit-1"
NAME = "王小明"  # of every made-up visitor


@pytest.fixture(name="reader")
def _reader(house: House) -> Reader:
    """A screen at the exit, opened by a lead."""
    lead = an_open_site(house.db)

    def furnish(tx: Tx) -> None:
        if not station_exists(tx.connection, EXIT):
            add_station(tx, EXIT, StationKind.EXIT)

    house.db.write_now(furnish, SYSTEM)
    house.db.write_now(lambda tx: open_reader(tx, EXIT), lead)
    return newest_reader(house)


def newest_reader(house: House) -> Reader:
    (reader,) = house.db.read_now(lambda c: open_readers(c, house.db.keyring, house.db.clock.now()))
    return reader


async def an_injected(as_role: AsRole, house: House) -> UUID:
    a_product(house.db)
    a_lot(house.db, CODE)
    visit_id = a_consented_visit(house.db)
    bench = await as_role(Role.VACCINATOR)
    permit_id = (await permitted(bench, visit_id)).json()["permit_id"]
    assert (await given(bench, permit_id)).status_code == 201
    return visit_id


async def scanned(house: House, client: Client, reader: Reader, text: str) -> Any:
    house.inbox.put(EXIT, "scan", scan_content(text, "]Q1"))
    return await client.post(f"{reader.path}/shown")


def stage_of(house: House, visit_id: UUID) -> Stage:
    return house.db.read_now(lambda connection: standing(connection, visit_id).stage)


def said(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.text).partition('data-answer="')[2].partition('"')[0]


def passport_of(house: House, visit_id: UUID) -> str:
    """The whole number, which no question about people answers."""

    def opened(connection: Connection) -> str:
        person_id = standing(connection, visit_id).person_id
        held = connection.execute(select(identifier).where(identifier.c.person_id == person_id)).one()
        return house.db.keyring.open(held.number_sealed, f"identifier:number:{held.id}")

    return house.db.read_now(opened)


def departures(house: House) -> int:
    return len(house.db.read_now(lambda c: c.execute(select(departure.c.id)).all()))


async def test_a_slip_is_told_its_minutes_and_lets_its_person_out_when_they_are_over(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=22, seconds=30)
    early = await scanned(house, client, reader, code_of(house.db, visit_id))
    assert said(early) == "stay"
    assert "Please stay 8 more minutes" in early.text
    assert "请再留观 8 分钟" in early.text
    assert stage_of(house, visit_id) is Stage.OBSERVED
    clock.pass_time(minutes=7, seconds=30)
    due = await scanned(house, client, reader, code_of(house.db, visit_id))
    assert said(due) == "may_leave"
    assert 'data-tone="good"' in due.text
    assert "001" in due.text
    assert stage_of(house, visit_id) is Stage.COMPLETED


async def test_the_last_second_is_not_over(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=29, seconds=59)
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "stay"


async def test_time_that_nobody_can_prove_lets_nobody_out(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.start_machine_again(minutes=31)
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "nurse_comes"
    assert stage_of(house, visit_id) is Stage.OBSERVED
    clock.pass_time(minutes=31)
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "may_leave"


async def test_leaving_twice_is_answered_and_recorded_once(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=30)
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "may_leave"
    clock.pass_time(minutes=4)
    again = await scanned(house, client, reader, code_of(house.db, visit_id))
    assert said(again) == "has_left"
    assert "09:30" in again.text
    assert departures(house) == 1


async def test_one_delivery_has_one_answer_however_often_the_screen_asks(
    as_role: AsRole, client: Client, house: House, reader: Reader
) -> None:
    visit_id = await an_injected(as_role, house)
    first = await scanned(house, client, reader, code_of(house.db, visit_id))
    before = rows_in(house.db)
    assert (await client.post(f"{reader.path}/shown")).text == first.text
    assert rows_in(house.db) == before


async def test_nothing_shown_is_nothing_answered(client: Client, house: House, reader: Reader) -> None:
    before = rows_in(house.db)
    assert (await client.post(f"{reader.path}/shown")).status_code == 204
    assert rows_in(house.db) == before


async def test_the_exit_records_what_the_nurses_button_records(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=30)
    await scanned(house, client, reader, code_of(house.db, visit_id))
    left = house.db.read_now(lambda c: c.execute(select(journal).order_by(journal.c.seq.desc()).limit(1)).one())
    assert (left.kind, left.ref, left.station) == ("person_left", str(visit_id), EXIT)
    assert left.actor == f"exit:{reader.reader_id}"
    row = house.db.read_now(lambda c: c.execute(select(departure)).one())
    assert (row.kind, row.minutes_short, row.journal_seq) == ("completed", 0, left.seq)


async def test_an_unknown_card_brings_a_nurse_and_one_that_was_not_read_is_shown_again(
    client: Client, house: House, reader: Reader
) -> None:
    document = Document.of(DocumentKind.PASSPORT, "UNKNOWN1", "CHN")
    house.inbox.put(EXIT, "card", CardFacts(document, "何小新", Sex.FEMALE, date(1991, 2, 3), "", ""))
    assert said(await client.post(f"{reader.path}/shown")) == "not_found"
    house.inbox.put(EXIT, "card", CardFault("card_unreadable"))
    assert said(await client.post(f"{reader.path}/shown")) == "again"


async def test_a_known_card_is_its_holders_visit(client: Client, house: House, reader: Reader) -> None:
    visit_id = a_visit(house.db)
    document = Document.of(DocumentKind.PASSPORT, passport_of(house, visit_id), "CHN")
    house.inbox.put(EXIT, "card", CardFacts(document, NAME, Sex.MALE, date(1980, 5, 1), "", ""))
    assert said(await client.post(f"{reader.path}/shown")) == "go_back"


async def test_whoever_was_not_injected_is_sent_to_where_they_are_waited_for(
    as_role: AsRole, client: Client, house: House, reader: Reader
) -> None:
    a_product(house.db)
    visit_id = a_consented_visit(house.db)
    answer = await scanned(house, client, reader, code_of(house.db, visit_id))
    assert said(answer) == "go_back"
    waiting = labels()["stage"][Stage.WAITING_FOR_INJECTION].text
    assert f"Please go to: {waiting}" in answer.text
    bench = await as_role(Role.VACCINATOR)
    assert (await bench.post(f"/api/v1/visits/{visit_id}/call")).is_success
    assert "Please go to: bench-1" in (await scanned(house, client, reader, code_of(house.db, visit_id))).text


async def test_whoever_got_no_dose_may_go(as_role: AsRole, client: Client, house: House, reader: Reader) -> None:
    visit_id, desk = a_visit(house.db), await as_role(Role.REGISTRAR)
    assert (await desk.post(f"/api/v1/visits/{visit_id}/abandonment")).is_success
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "no_dose"


@pytest.mark.parametrize("text", ["V1-260302-001-AAAAAAAA", "83450000000000000009", "hello there"])
async def test_what_is_nobodys_brings_a_nurse_and_is_recorded(
    client: Client, house: House, reader: Reader, text: str
) -> None:
    a_visit(house.db)
    assert said(await scanned(house, client, reader, text)) == "not_found"
    row = house.db.read_now(lambda c: c.execute(select(exit_scan)).one())
    assert (row.visit_id, row.answer) == (None, "not_found")


async def test_a_slip_of_an_earlier_day_is_nobodys(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=30)
    code = code_of(house.db, visit_id)
    await scanned(house, client, reader, code)
    clock.pass_time(hours=12)
    assert said(await scanned(house, client, reader, code)) == "not_found"


async def test_a_ticket_counts_with_the_last_signs_of_the_document_and_guessing_ends(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=30)
    wrong = {"ticket": "1", "digits": "zzz"}
    assert said(await client.post(f"{reader.path}/ticket", data=wrong)) == "not_found"
    assert stage_of(house, visit_id) is Stage.OBSERVED
    right = {"ticket": "1", "digits": passport_of(house, visit_id)[-3:]}
    assert said(await client.post(f"{reader.path}/ticket", data=right)) == "may_leave"
    assert said(await client.post(f"{reader.path}/ticket", data=right)) == "has_left"
    for _ in range(MOST_WRONG_CODES - 1):
        await client.post(f"{reader.path}/ticket", data=wrong)
    assert (await client.post(f"{reader.path}/ticket", data=right)).status_code == 429


async def test_a_scanner_that_types_is_answered_too(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=30)
    typed = await client.post(f"{reader.path}/scan", data={"scanned": f"]Q1{code_of(house.db, visit_id)}"})
    assert said(typed) == "may_leave"


async def test_the_screen_tells_no_name_and_nothing_else_of_a_person(
    as_role: AsRole, client: Client, house: House, reader: Reader
) -> None:
    visit_id = await an_injected(as_role, house)
    answer = (await scanned(house, client, reader, code_of(house.db, visit_id))).text
    for private in (NAME, "1980", passport_of(house, visit_id), str(visit_id), "Vaccine"):
        assert private not in answer
    assert "王*明" in answer


async def test_a_screen_is_opened_by_its_code_for_one_shift_and_ends_with_a_newer_one(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    opened = await client.post("/exit", data={"code": reader.code.lower()})
    assert (opened.status_code, opened.headers["location"]) == (303, reader.path)
    assert (await client.get(reader.path)).status_code == 200
    nurse = await as_role(Role.OBSERVER)
    assert reader.code in (await nurse.get("/observation/exits")).text
    assert (await nurse.post("/observation/exits", data={"station": EXIT})).status_code == 303
    assert (await client.get(reader.path)).status_code == 409
    newer = newest_reader(house)
    clock.pass_time(hours=13, minutes=59)
    assert (await client.get(newer.path)).status_code == 200
    clock.pass_time(minutes=1)
    assert (await client.get(newer.path)).status_code == 409


@pytest.mark.parametrize("token", ["0" * 64, "no-token", "1" * 63])
@pytest.mark.usefixtures("reader")
async def test_an_address_nobody_here_wrote_opens_nothing(client: Client, token: str) -> None:
    for path in (f"/exit/{token}", f"/exit/{token}/live"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post(f"/exit/{token}/shown")).status_code == 404


@pytest.mark.usefixtures("reader")
async def test_an_exit_is_opened_at_an_exit_alone(as_role: AsRole) -> None:
    nurse = await as_role(Role.OBSERVER)
    refused = await nurse.post("/api/v1/exit-readers", json={"station": "observation-1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "station_is_no_exit")
    assert (await nurse.post("/api/v1/exit-readers", json={"station": EXIT})).status_code == 201


@pytest.mark.usefixtures("reader")
async def test_a_replay_holds_neither_address_nor_code(as_role: AsRole, house: House) -> None:
    nurse = await as_role(Role.OBSERVER)
    told = (await nurse.post("/api/v1/exit-readers", json={"station": EXIT})).text
    newer = newest_reader(house)
    assert newer.token not in told
    assert newer.code not in told


async def test_nurses_see_tickets_and_hours(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    await scanned(house, client, reader, code_of(house.db, visit_id))
    clock.pass_time(minutes=30)
    await scanned(house, client, reader, code_of(house.db, visit_id))
    nurse = await as_role(Role.OBSERVER)
    told = (await nurse.get("/api/v1/observation/exits")).json()
    assert [(one["ticket_number"], one["answer"], one["minutes"]) for one in told["scans"]] == [
        (1, "may_leave", 0),
        (1, "stay", 30),
    ]
    assert [(hour["left"], hour["by_reader"]) for hour in told["hours"]] == [(1, 1)]
    page = (await nurse.get("/observation/exits")).text
    assert "told to stay" in page
    assert NAME not in page


async def test_time_that_only_the_wall_clock_tells_of_brings_a_nurse_who_may_let_them_go(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id = await an_injected(as_role, house)
    clock.pass_time(minutes=22)
    clock.start_machine_again(minutes=10)
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "nurse_comes"
    nurse = await as_role(Role.OBSERVER)
    told = (await nurse.get("/api/v1/observation/exits")).json()["scans"][0]
    assert (told["reason"], told["ticket_number"], told["is_watched"]) == ("time_unproved", 1, True)
    assert (await nurse.post(f"/api/v1/visits/{visit_id}/leave")).json()["code"] == "time_unproved"
    vouched = await nurse.post(f"/api/v1/visits/{visit_id}/leave", json={"vouching": "sat here all the time"})
    assert vouched.is_success


async def test_whoever_is_under_care_waits_for_a_nurse_when_the_time_is_over(
    as_role: AsRole, client: Client, house: House, reader: Reader, clock: ManualClock
) -> None:
    visit_id, nurse = await an_injected(as_role, house), await as_role(Role.OBSERVER)
    called = await nurse.post(f"/api/v1/visits/{visit_id}/reaction", json={})
    assert called.status_code == 201, called.text
    clock.pass_time(hours=5)
    assert said(await scanned(house, client, reader, code_of(house.db, visit_id))) == "nurse_comes"
    assert stage_of(house, visit_id) is Stage.OBSERVED
