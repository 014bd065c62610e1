"""One key from help: the file, the page, the log, the end."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import select

from clinic_server.adverse_events.care.lookup import call_of_visit
from clinic_server.adverse_events.care.shown import mapped_hospital
from clinic_server.adverse_events.care.tables import care_line, care_line_struck, emergency_call
from clinic_server.adverse_events.lookup import event_by_number, open_events, suspect_doses
from clinic_server.adverse_events.rules import CareEnd, FoundHow
from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.alerts.duties import add_duty
from clinic_server.alerts.ladders import TEAM
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.roster import Shift, Weekly
from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.alerts.tables import page_due
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.journal import head_of, journal, verify
from clinic_server.kit.tx import Tx
from clinic_server.opening.emergency_kit.lookup import standing_kit
from clinic_server.opening.emergency_kit.rules import KitThing
from clinic_server.opening.hospitals.actions import designate_hospital, list_hospital
from clinic_server.opening.hospitals.rules import Hospital, HospitalKind
from clinic_server.opening.lookup import injections_paused
from clinic_server.opening.rules import Lapse, Variant
from clinic_server.screening.actions import record_screening
from clinic_server.screening.rules import Measurements
from clinic_server.settings import PagingSettings, Settings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.watch import due_at, start_watch
from tests.api.callers import AsRole, SignedIn
from tests.api.gateways import Gateway, gateway, until
from tests.api.test_corrections import a_dose
from tests.api.test_injection import CODE, consent_to
from tests.api.test_ladder import MIDNIGHT
from tests.api.test_paging import a_channel
from tests.api.visitors import (
    LEAVES_EARLY,
    SYSTEM,
    a_colleague,
    a_lot,
    a_product,
    a_visit,
    an_open_site,
    answers,
    rows_in,
)

WELL = {"systolic_mmhg": 120, "diastolic_mmhg": 80, "spo2_percent": 99, "consciousness": "alert"}
ADRENALINE = {
    "drug": "adrenaline",
    "concentration": "1:1000",
    "dose_ug": 500,
    "route": "intramuscular",
    "site": "left_outer_thigh",
}


@pytest.fixture(name="settings")
def _settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"paging": PagingSettings(may_reach=("127.0.0.0/8",))})


@pytest_asyncio.fixture(name="pager")
async def _pager() -> AsyncIterator[Gateway]:
    async with gateway() as made:
        yield made


@pytest.fixture(name="vaccinator")
def _vaccinator(house: House) -> Actor:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, f"{CODE}2", bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


def measured_visit(house: House, born_on: date = date(1980, 5, 1)) -> UUID:
    """Somebody whose pressure was 140/90 at the questions, waiting for the needle."""
    visit_id = a_visit(house.db, born_on)
    given = answers(house.db, visit_id)
    measured = Measurements(36_500, 138, 88)
    asked = house.db.write_now(lambda tx: record_screening(tx, visit_id, given, measured), SYSTEM)
    consent_to(house.db, visit_id, asked.screening_id)
    return visit_id


@pytest.fixture(name="visit_id")
def _visit_id(house: House, vaccinator: Actor) -> UUID:
    """Somebody under observation two minutes after the dose."""
    visit_id = measured_visit(house)
    a_dose(house.db, visit_id, vaccinator)
    house.db.clock.pass_time(minutes=2)  # type: ignore[attr-defined]
    return visit_id


@pytest_asyncio.fixture(name="observer")
async def _observer(as_role: AsRole, visit_id: UUID) -> SignedIn:  # noqa: ARG001  # the site is open first
    return await as_role(Role.OBSERVER)


async def pressed(who: SignedIn, visit_id: UUID, seat: str = "a3") -> int | None:
    answer = await who.post(f"/api/v1/visits/{visit_id}/reaction", json={"seat_code": seat})
    assert answer.status_code == 201, answer.text
    number: int | None = answer.json()["number"]
    return number


async def written(who: SignedIn, number: int | None, kind: str, said: dict[str, Any], **more: str) -> UUID:
    answer = await who.post(f"/api/v1/adverse-events/{number}/care/{kind}", json={"said": said, **more})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["line_id"])


async def refused(who: SignedIn, number: int | None, kind: str, said: dict[str, Any], **more: str) -> tuple[str, Any]:
    answer = await who.post(f"/api/v1/adverse-events/{number}/care/{kind}", json={"said": said, **more})
    return answer.json()["code"], [one["code"] for one in answer.json()["findings"]]


async def ended(who: SignedIn, number: int | None, how: CareEnd, **named: str) -> Any:
    return await who.post(f"/api/v1/adverse-events/{number}/care/end", json={"how": how.value, **named})


def reactions(house: House) -> list[tuple[str, str, Severity]]:
    opened = house.db.read_now(open_alerts)
    return [(one.place_code, one.summary, one.severity) for one in opened if one.kind is AlertKind.ADVERSE_EVENT]


def a_team_member(house: House, step: int, *addresses: tuple[str, str]) -> UUID:
    new = NewContact("急救组", tuple(Address(*one) for one in addresses), "en")
    contact_id = house.db.write_now(lambda tx: add_contact(tx, new), SYSTEM).contact_id
    shift = Shift(contact_id, step, MIDNIGHT, MIDNIGHT)
    house.db.write_now(lambda tx: add_duty(tx, Weekly(frozenset(range(7)), shift)), SYSTEM)
    return contact_id


def stage(house: House, visit_id: UUID) -> Stage:
    return house.db.read_now(lambda connection: standing(connection, visit_id)).stage


async def test_one_key_opens_the_file_and_pages_the_team_in_one_transaction(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    team = {a_team_member(house, TEAM), a_team_member(house, TEAM)}
    keepers = {a_team_member(house, 1) for _ in range(3)}
    before = house.db.read_now(head_of).seq
    number = await pressed(observer, visit_id)
    assert number is not None
    event = house.db.read_now(lambda connection: event_by_number(connection, number))
    assert (event.visit_id, event.found_how, event.seat_code, event.is_under_care) == (
        visit_id,
        FoundHow.SEAT,
        "a3",
        True,
    )
    assert event.onset_at == event.discovered_at == house.db.clock.now()
    assert len(house.db.read_now(lambda connection: suspect_doses(connection, event.event_id))) == 1
    ((place, words, severity),) = reactions(house)
    assert (place, words.startswith("TICKET "), words.endswith("SEAT A3"), severity) == (
        "a3",
        True,
        True,
        Severity.CRITICAL,
    )
    rows = await house.db.read(lambda at: at.execute(select(page_due.c.contact_id, page_due.c.due_at)).all())
    assert {row.contact_id for row in rows} == team | keepers
    assert {row.due_at for row in rows} == {house.db.clock.now()}
    kinds = select(journal.c.kind).where(journal.c.seq > before, journal.c.kind != "alerts_called")
    assert await house.db.read(lambda at: at.execute(kinds).scalars().all()) == ["team_called"]


async def test_the_page_reaches_a_pager_with_seat_and_ticket_and_nobodys_name(
    house: House, visit_id: UUID, observer: SignedIn, pager: Gateway
) -> None:
    a_channel(house, "hook", pager)
    a_team_member(house, TEAM, ("hook", "team"))
    await pressed(observer, visit_id)
    await until(lambda: bool(pager.received))
    said = str(pager.received)
    ticket = house.db.read_now(lambda connection: standing(connection, visit_id)).ticket_number
    assert f"TICKET {ticket} SEAT A3" in said
    assert "王小明" not in said


async def test_pressed_twice_it_is_the_same_file_and_no_second_alarm(
    house: House, visit_id: UUID, observer: SignedIn, as_role: AsRole
) -> None:
    first, doctor = await pressed(observer, visit_id), await as_role(Role.PHYSICIAN)
    before = rows_in(house.db)
    assert (await pressed(doctor, visit_id, ""), rows_in(house.db)) == (first, before)
    assert len(reactions(house)) == 1
    assert len(house.db.read_now(open_events)) == 1


async def test_pressed_at_the_bench_the_station_is_the_place(house: House, visit_id: UUID, as_role: AsRole) -> None:
    nurse = await as_role(Role.VACCINATOR)
    number = await pressed(nurse, visit_id, "")
    assert number is not None
    event = house.db.read_now(lambda connection: event_by_number(connection, number))
    assert (event.found_how, event.seat_code) == (FoundHow.BENCH, "bench-1")
    assert reactions(house)[0][1].endswith("AT BENCH-1")


@pytest.mark.usefixtures("vaccinator")
async def test_a_faint_before_the_needle_calls_the_team_and_opens_no_file(house: House, as_role: AsRole) -> None:
    visit_id, nurse = measured_visit(house), await as_role(Role.VACCINATOR)
    assert await pressed(nurse, visit_id, "") is None
    assert await pressed(nurse, visit_id, "") is None
    assert (len(reactions(house)), house.db.read_now(open_events)) == (1, [])
    page = (await nurse.get(f"/visits/{visit_id}/reaction")).text
    assert "No dose was given" in page
    over = await nurse.post(f"/api/v1/visits/{visit_id}/reaction/end", json={"words": "CANARY fainted"})
    assert over.status_code == 201
    assert reactions(house) == []
    again = await nurse.post(f"/api/v1/visits/{visit_id}/reaction/end", json={"words": "once more"})
    assert again.json()["code"] == "emergency_call_unknown"


async def test_a_clock_set_back_since_the_dose_does_not_keep_the_team_away(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    house.db.clock.pass_time(minutes=-10)  # type: ignore[attr-defined]
    assert await pressed(observer, visit_id) is None
    assert len(reactions(house)) == 1


async def test_two_people_at_one_place_are_two_calls_and_the_alarm_lasts_until_both_are_helped(
    house: House, visit_id: UUID, observer: SignedIn, as_role: AsRole
) -> None:
    other_id = measured_visit(house)
    first, nurse = await pressed(observer, visit_id, "a3"), await as_role(Role.VACCINATOR)
    assert await pressed(nurse, other_id, "a3") is None
    assert len(reactions(house)) == 1
    await written(observer, first, "vitals", WELL)
    assert (await ended(observer, first, CareEnd.WELL_AGAIN)).status_code == 201
    assert len(reactions(house)) == 1
    await nurse.post(f"/api/v1/visits/{other_id}/reaction/end", json={"words": "fainted"})
    assert reactions(house) == []


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.VOLUNTEER, Role.COLD_CHAIN_KEEPER, Role.AUDITOR])
async def test_who_cares_for_nobody_neither_presses_nor_reads(as_role: AsRole, visit_id: UUID, role: Role) -> None:
    other = await as_role(role)
    assert (await other.post(f"/api/v1/visits/{visit_id}/reaction", json={})).status_code == 403
    assert (await other.get("/api/v1/adverse-events/1/care")).status_code == 403


async def test_the_log_keeps_everything_sealed_in_its_order_with_who_did_it(
    house: House, visit_id: UUID, observer: SignedIn, as_role: AsRole
) -> None:
    number, doctor = await pressed(observer, visit_id), await as_role(Role.PHYSICIAN)
    await written(observer, number, "vitals", {**WELL, "systolic_mmhg": 84, "diastolic_mmhg": 50})
    await written(doctor, number, "drug", ADRENALINE)
    await written(observer, number, "symptoms", {"codes": ["stridor"]})
    await written(observer, number, "position", {"position": "lying_legs_raised"})
    await written(observer, number, "oxygen", {"ml_per_min": 10_000})
    await written(observer, number, "ambulance", {"step": "called"})
    earlier = (house.db.clock.now() - timedelta(minutes=1)).isoformat()
    await written(observer, number, "note", {"words": "CANARY-WORDS"}, happened_at=earlier)
    log = (await observer.get(f"/api/v1/adverse-events/{number}/care")).json()
    assert [one["kind"] for one in log] == ["note", "vitals", "drug", "symptoms", "position", "oxygen", "ambulance"]
    assert log[2]["entered_by"] == str(doctor.staff_id)
    assert log[2]["said"]["table_name"] == "cn-site/2"
    stored = str(await house.db.read(lambda at: at.execute(select(care_line)).all()))
    assert [word for word in ("CANARY", "stridor", "adrenaline") if word in stored] == []
    page = (await observer.get(f"/adverse-events/{number}/care")).text
    for words in ("CANARY-WORDS", "84/50", "138/88", "adrenaline 0.5 mg", "stridor"):
        assert words in page
    assert "Systolic pressure far below the one before the needle" in page


async def test_a_dose_above_the_reference_is_recorded_only_with_a_reason(
    visit_id: UUID, observer: SignedIn, house: House
) -> None:
    number = await pressed(observer, visit_id)
    before = rows_in(house.db)
    above = {**ADRENALINE, "dose_ug": 1_000}
    assert await refused(observer, number, "drug", above) == ("drug_doubted", ["dose_above_reference"])
    assert await refused(observer, number, "drug", {**above, "reason": " "}) == (
        "drug_doubted",
        ["dose_above_reference"],
    )
    assert rows_in(house.db) == before
    await written(observer, number, "drug", {**above, "reason": "second ampoule, as the physician said"})
    (line,) = (await observer.get(f"/api/v1/adverse-events/{number}/care")).json()
    assert line["said"]["findings"] == ["dose_above_reference"]
    page = (await observer.get(f"/adverse-events/{number}/care")).text
    assert "The dose is above the reference for this age and weight." in page


async def test_a_drug_by_any_of_its_names_is_judged_and_watched_on_as_that_drug(
    visit_id: UUID, observer: SignedIn, house: House
) -> None:
    number = await pressed(observer, visit_id)
    named = {**ADRENALINE, "drug": "肾上腺素"}
    assert (await refused(observer, number, "drug", {**named, "dose_ug": 1_000}))[0] == "drug_doubted"
    await written(observer, number, "drug", named)
    await written(observer, number, "drug", {**ADRENALINE, "drug": "地塞米松", "dose_ug": 5_000})
    known, strange = (await observer.get(f"/api/v1/adverse-events/{number}/care")).json()
    assert (known["said"]["drug"], strange["said"]["drug"]) == ("adrenaline", "地塞米松")
    assert (await observer.get(f"/adverse-events/{number}/care")).text.count("not in the reference table") == 1
    await written(observer, number, "vitals", WELL)
    assert (await ended(observer, number, CareEnd.WELL_AGAIN)).status_code == 201
    due = house.db.read_now(lambda connection: due_at(connection, visit_id))
    assert due == house.db.clock.now() + timedelta(minutes=240)


async def test_an_ampoule_of_another_strength_is_found_by_what_was_drawn_up(visit_id: UUID, observer: SignedIn) -> None:
    number = await pressed(observer, visit_id)
    weak = {**ADRENALINE, "concentration": "1:10000", "volume_ul": 500}
    said = await refused(observer, number, "drug", weak)
    assert said == ("drug_doubted", ["volume_contradicts_dose", "strength_not_referenced"])
    await written(observer, number, "drug", {**weak, "dose_ug": 50, "reason": "the only one left"})


async def test_the_weight_told_lowers_the_reference(visit_id: UUID, observer: SignedIn) -> None:
    number = await pressed(observer, visit_id)
    await written(observer, number, "vitals", {"weight_g": 90_000})
    line = await written(observer, number, "vitals", {"weight_g": 40_000})
    assert (await refused(observer, number, "drug", ADRENALINE))[0] == "drug_doubted"
    struck = {"words": "somebody else's weight"}
    await observer.post(f"/api/v1/adverse-events/{number}/care/lines/{line}/strike", json=struck)
    await written(observer, number, "drug", ADRENALINE)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (("vitals", {}), "nothing_measured"),
        (("vitals", {"systolic_mmhg": 400, "diastolic_mmhg": 80}), "vitals_implausible"),
        (("vitals", {"mood": 1}), "malformed"),
        (("vitals", {"pulse_per_min": "80"}), "malformed"),
        (("symptoms", {"codes": ["unknown"]}), "symptom_unknown"),
        (("note", {"words": " "}), "nothing_said"),
    ],
)
async def test_a_line_that_cannot_be_meant_changes_nothing(
    house: House, visit_id: UUID, observer: SignedIn, line: tuple[str, dict[str, Any]], code: str
) -> None:
    number = await pressed(observer, visit_id)
    before = rows_in(house.db)
    assert (await refused(observer, number, *line))[0] == code
    assert rows_in(house.db) == before


async def test_nothing_is_in_the_log_that_has_not_happened(visit_id: UUID, observer: SignedIn, house: House) -> None:
    number = await pressed(observer, visit_id)
    later = (house.db.clock.now() + timedelta(minutes=5)).isoformat()
    assert (await refused(observer, number, "vitals", WELL, happened_at=later))[0] == "care_in_future"


async def test_a_wrong_line_is_struck_out_with_a_reason_and_stays(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    number = await pressed(observer, visit_id)
    line = await written(observer, number, "vitals", {"pulse_per_min": 300})
    strike = f"/api/v1/adverse-events/{number}/care/lines/{line}/strike"
    assert (await observer.post(strike, json={"words": " "})).json()["code"] == "care_reason_needed"
    assert (await observer.post(strike, json={"words": "CANARY typing"})).status_code == 201
    assert (await observer.post(strike, json={"words": "again"})).json()["code"] == "care_entry_struck"
    unknown = strike.replace(str(line), str(uuid4()))
    assert (await observer.post(unknown, json={"words": "x"})).json()["code"] == "care_entry_unknown"
    (entry,) = (await observer.get(f"/api/v1/adverse-events/{number}/care")).json()
    assert (entry["said"]["pulse_per_min"], entry["struck"]["reason"]) == (300, "CANARY typing")
    stored = str(await house.db.read(lambda at: at.execute(select(care_line_struck)).all()))
    assert "CANARY" not in stored


async def test_nobody_leaves_who_is_being_cared_for(house: House, visit_id: UUID, observer: SignedIn) -> None:
    """Invariant 31."""
    number = await pressed(observer, visit_id)
    house.db.clock.pass_time(minutes=60)  # type: ignore[attr-defined]
    for way, body in (("leave", {}), ("early-leave", LEAVES_EARLY)):
        answer = await observer.post(f"/api/v1/visits/{visit_id}/{way}", json=body)
        assert answer.json()["code"] == "still_under_care"
    assert stage(house, visit_id) is Stage.OBSERVED
    await written(observer, number, "vitals", WELL)
    assert (await ended(observer, number, CareEnd.WELL_AGAIN)).status_code == 201
    house.db.clock.pass_time(minutes=30)  # type: ignore[attr-defined]
    assert (await observer.post(f"/api/v1/visits/{visit_id}/leave")).json()["code"] == "check_due"
    looked = await observer.post(
        f"/api/v1/visits/{visit_id}/checks", json={"vitals": {**WELL, "pulse_per_min": 80}, "how": "well"}
    )
    assert looked.json()["lets_go"], "after a reaction, nobody goes who was not looked at"
    assert (await observer.post(f"/api/v1/visits/{visit_id}/leave")).status_code == 201


@pytest.mark.parametrize("severe", [True, False])
async def test_somebody_well_again_is_watched_on_never_shorter_than_before(
    house: House, visit_id: UUID, observer: SignedIn, *, severe: bool
) -> None:
    """CDC: 4 h after anaphylaxis."""
    number = await pressed(observer, visit_id)
    if severe:
        await written(observer, number, "drug", ADRENALINE)
    assert (await ended(observer, number, CareEnd.WELL_AGAIN)).json()["code"] == "not_yet_well"
    await written(observer, number, "vitals", {**WELL, "systolic_mmhg": 100 if severe else 120})
    assert (await ended(observer, number, CareEnd.WELL_AGAIN)).status_code == 201
    due = house.db.read_now(lambda connection: due_at(connection, visit_id))
    assert due == house.db.clock.now() + timedelta(minutes=240 if severe else 30)
    assert (stage(house, visit_id), reactions(house)) == (Stage.OBSERVED, [])


async def test_who_was_to_be_watched_longer_still_is(house: House, visit_id: UUID, observer: SignedIn) -> None:
    number = await pressed(observer, visit_id)

    def extend(tx: Tx) -> None:
        start_watch(tx, visit_id, tx.now, 90)
        tx.journal("extended", visit_id)

    house.db.write_now(extend, SYSTEM)
    await written(observer, number, "vitals", WELL)
    await ended(observer, number, CareEnd.WELL_AGAIN)
    due = house.db.read_now(lambda connection: due_at(connection, visit_id))
    assert due == house.db.clock.now() + timedelta(minutes=90)


@pytest.mark.parametrize(
    "vitals",
    [{**WELL, "systolic_mmhg": 89}, {**WELL, "spo2_percent": 90}, {**WELL, "consciousness": "voice"}],
)
async def test_vitals_out_of_bounds_keep_the_care_going(
    visit_id: UUID, observer: SignedIn, vitals: dict[str, Any]
) -> None:
    """Invariant 31: outside the release band."""
    number = await pressed(observer, visit_id)
    await written(observer, number, "vitals", WELL)
    await written(observer, number, "vitals", vitals)
    assert (await ended(observer, number, CareEnd.WELL_AGAIN)).json()["code"] == "not_yet_well"


def a_hospital(house: House, code: str, whose: Variant, lead: Actor) -> None:
    listed = Hospital(code, f"Hospital {code}", HospitalKind.SECONDARY, "120", f"Dr {code}", "", 2, 9)
    house.db.write_now(lambda tx: list_hospital(tx, listed), lead)
    house.db.write_now(lambda tx: designate_hospital(tx, whose, code), lead)


async def test_the_sheet_names_the_hospital_of_the_persons_age_else_the_openings(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    number, lead = await pressed(observer, visit_id), a_colleague(house.db, Role.SITE_LEAD)

    def taken_to(years: int) -> str:
        db = house.db
        return db.read_now(lambda at: mapped_hospital(at, db.keyring, 12 * years)).name

    assert {taken_to(13), taken_to(46)} == {"made up"}, "the opening's green channel"
    a_hospital(house, "CHILDREN", Variant.PAEDIATRIC, lead)
    assert (taken_to(13), taken_to(14), taken_to(46)) == ("Hospital CHILDREN", "made up", "made up")
    a_hospital(house, "COUNTY", Variant.ADULT, lead)
    assert (taken_to(13), taken_to(14)) == ("Hospital CHILDREN", "Hospital COUNTY")
    sheet = (await observer.get(f"/adverse-events/{number}/handover")).text
    assert "Hospital COUNTY 120 Dr COUNTY" in sheet
    assert 'value="Hospital COUNTY"' in (await observer.get(f"/adverse-events/{number}/care")).text


async def test_somebody_taken_to_hospital_leaves_the_flow_with_a_sheet(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    number = await pressed(observer, visit_id)
    await written(observer, number, "drug", ADRENALINE)
    for step in ("called", "arrived", "left"):
        await written(observer, number, "ambulance", {"step": step})
    assert (await ended(observer, number, CareEnd.TRANSFERRED)).json()["code"] == "hospital_needed"
    named = {"hospital": "County Hospital", "hospital_phone": "120", "taken_over_by": "Dr CANARY"}
    assert (await ended(observer, number, CareEnd.TRANSFERRED, **named)).status_code == 201
    assert (stage(house, visit_id), reactions(house)) == (Stage.TRANSFERRED, [])
    again = await ended(observer, number, CareEnd.TRANSFERRED, **named)
    assert again.json()["code"] == "care_ended"
    sheet = (await observer.get(f"/adverse-events/{number}/handover")).text
    for words in ("王小明", "County Hospital", "Dr CANARY", "Vaccine A", "L-2027-01-01", "Ambulance left", "0.5 mg"):
        assert words in sheet
    assert "Strike out" not in sheet


async def test_who_declines_is_named_and_may_then_leave_early(house: House, visit_id: UUID, observer: SignedIn) -> None:
    number = await pressed(observer, visit_id)
    assert (await ended(observer, number, CareEnd.DECLINED)).json()["code"] == "decliner_needed"
    assert (await ended(observer, number, CareEnd.DECLINED, declined_by="CANARY")).status_code == 201
    assert stage(house, visit_id) is Stage.OBSERVED
    left = await observer.post(f"/api/v1/visits/{visit_id}/early-leave", json=LEAVES_EARLY)
    assert left.status_code == 201


async def test_a_death_ends_the_visit(house: House, visit_id: UUID, observer: SignedIn) -> None:
    number = await pressed(observer, visit_id)
    assert number is not None
    assert (await ended(observer, number, CareEnd.DIED)).status_code == 201
    event = house.db.read_now(lambda connection: event_by_number(connection, number))
    assert (event.care_ended, stage(house, visit_id)) == (CareEnd.DIED, Stage.TRANSFERRED)


async def test_what_is_used_leaves_the_kit_and_the_last_of_it_is_a_shortfall(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    number = await pressed(observer, visit_id)
    adrenaline = next(one for one in house.db.read_now(standing_kit) if one.thing is KitThing.ADRENALINE)
    for _ in range(adrenaline.quantity):
        assert "The kit has no more" not in (await observer.get(f"/adverse-events/{number}/care")).text
        await written(observer, number, "drug", ADRENALINE, kit_item_id=str(adrenaline.item_id))
    assert KitThing.ADRENALINE not in {one.thing for one in house.db.read_now(standing_kit)}
    assert "The kit has no more" in (await observer.get(f"/adverse-events/{number}/care")).text
    pauses = house.db.read_now(lambda connection: injections_paused(connection, house.db.clock.now(), UTC))
    assert [one.lapse for one in pauses] == [Lapse.KIT_SHORT]


async def test_the_seat_shows_the_minutes_since_the_key_and_the_way_to_the_log(
    house: House, visit_id: UUID, observer: SignedIn
) -> None:
    assert f"/visits/{visit_id}/reaction" in (await observer.get("/observation")).text
    number = await pressed(observer, visit_id)
    house.db.clock.pass_time(minutes=3)  # type: ignore[attr-defined]
    area = (await observer.get("/observation/now")).text
    assert f"/adverse-events/{number}/care" in area
    assert "Reaction · 3 min" in area
    assert f"/visits/{visit_id}/leave" not in area


async def test_the_pages_forms_write_the_same_lines(visit_id: UUID, observer: SignedIn) -> None:
    at = await observer.post(f"/visits/{visit_id}/reaction", data={"seat_code": "a3"})
    assert at.status_code == 303
    log = at.headers["location"]
    forms: Sequence[tuple[str, dict[str, str]]] = (
        ("vitals", {"systolic_mmhg": "120", "diastolic_mmhg": "80", "celsius": "36.8", "pulse_per_min": ""}),
        ("symptoms", {"symptom-nausea": "on", "symptom-fainting": "on", "minutes_ago": "2"}),
        ("position", {"position": "sitting"}),
        ("oxygen", {"litres_per_min": "5"}),
        ("note", {"words": "lay down"}),
        ("ambulance", {"step": "called"}),
        ("drug", {**{k: str(v) for k, v in ADRENALINE.items() if k != "dose_ug"}, "dose_mg": "0.3", "kit_item_id": ""}),
    )
    for kind, data in forms:
        answer = await observer.post(f"{log}/{kind}", data=data)
        assert (answer.status_code, answer.headers["location"]) == (303, log)
    said = {one["kind"]: one["said"] for one in (await observer.get(f"/api/v1{log}")).json()}
    assert said["vitals"]["milli_celsius"] == 36_800
    assert said["vitals"]["pulse_per_min"] is None
    assert (said["symptoms"]["codes"], said["symptoms"]["list_name"]) == (["fainting", "nausea"], "reaction-symptoms/1")
    assert (said["drug"]["dose_ug"], said["oxygen"]["ml_per_min"]) == (300, 5_000)


async def test_a_lead_who_presses_sees_the_alerts_and_no_log(visit_id: UUID, as_role: AsRole) -> None:
    lead = await as_role(Role.SITE_LEAD)
    at = await lead.post(f"/visits/{visit_id}/reaction", data={"seat_code": "a3"})
    assert (at.status_code, at.headers["location"]) == (303, "/alerts")
    assert (await lead.get("/alerts")).status_code == 200
    assert (await lead.get("/api/v1/adverse-events/1/care")).status_code == 403


async def test_a_physician_states_the_protocol_and_signs_the_table_once(
    visit_id: UUID, observer: SignedIn, as_role: AsRole
) -> None:
    doctor = await as_role(Role.PHYSICIAN)
    stated = {"words": "Lay flat.\nAdrenaline first."}
    assert (await observer.post("/adverse-events/references/protocol", data=stated)).status_code == 403
    assert (await doctor.post("/adverse-events/references/protocol", data={"words": " "})).status_code == 422
    assert (await doctor.post("/adverse-events/references/protocol", data=stated)).status_code == 303
    assert (await doctor.post("/adverse-events/references/drug-table")).status_code == 303
    assert (await doctor.post("/adverse-events/references/drug-table")).status_code == 409
    number = await pressed(observer, visit_id)
    page = (await observer.get(f"/adverse-events/{number}/care")).text
    assert "Adrenaline first." in page
    assert "No physician of the site has signed" not in page


async def test_a_played_reaction_leaves_books_that_verify(house: House, visit_id: UUID, observer: SignedIn) -> None:
    number = await pressed(observer, visit_id)
    await written(observer, number, "vitals", WELL)
    await ended(observer, number, CareEnd.WELL_AGAIN)
    assert house.db.read_now(lambda at: call_of_visit(at, visit_id)) is None
    assert len(await house.db.read(lambda at: at.execute(select(emergency_call)).all())) == 1
    house.db.read_now(lambda connection: verify(connection, house.db.keyring.journal_key))
