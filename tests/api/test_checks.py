"""Those at risk are looked at: due, missed, done; and what was found outside the band lets nobody go."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from clinic_server.adverse_events.care.rules import Consciousness, Vitals
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError
from clinic_server.observation.actions import extend, leave
from clinic_server.observation.checks.actions import overrule, record_check
from clinic_server.observation.checks.lookup import check_standings
from clinic_server.observation.checks.rules import CheckDue, CheckStanding, HowIs, NothingOverruled, OutsideReleaseBand
from clinic_server.observation.checks.tables import observation_check
from clinic_server.observation.rules import ExtensionReason
from clinic_server.staff.actions import QualificationMissing
from clinic_server.staff.rules import Role
from clinic_server.visits.flow import Stage
from clinic_server.visits.watch import watched
from tests.api.callers import AsRole
from tests.api.observed import an_observed, watch_again
from tests.api.visitors import a_colleague, a_physician, a_visit, rows_in
from tests.conftest import ManualClock

WELL = Vitals(120, 80, 72, 98, 16, 36_600, Consciousness.ALERT)
RACING = Vitals(120, 80, 140, 98, 16, 36_600, Consciousness.ALERT)


def standing_of(db: Database, visit_id: Any) -> CheckStanding:
    def look(connection: Any) -> CheckStanding:
        watches = {one.visit_id: one for one in watched(connection)}
        return check_standings(connection, db.keyring, watches)[visit_id]

    return db.read_now(look)


def slots(db: Database, visit_id: Any) -> list[tuple[int, str]]:
    return [(one.minute, one.state.value) for one in standing_of(db, visit_id).slots]


def test_whoever_is_watched_for_longer_is_looked_at_and_kept_until_then(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db, minutes=45)
    assert slots(db, visit_id) == [(15, "coming"), (30, "coming")]
    clock.pass_time(minutes=15)
    db.write_now(lambda tx: record_check(tx, visit_id, WELL, HowIs.WELL), nurse)
    clock.pass_time(minutes=30)
    assert slots(db, visit_id) == [(15, "done"), (30, "overdue")]
    before = rows_in(db)
    with pytest.raises(CheckDue):
        db.write_now(lambda tx: leave(tx, visit_id), nurse)
    assert rows_in(db) == before
    assert db.write_now(lambda tx: record_check(tx, visit_id, WELL, HowIs.WELL), nurse).lets_go
    assert db.write_now(lambda tx: leave(tx, visit_id), nurse) is Stage.COMPLETED


def test_a_check_outside_the_band_keeps_anybody_until_a_later_one_is_within(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db)
    assert slots(db, visit_id) == []
    assert not db.write_now(lambda tx: record_check(tx, visit_id, RACING, HowIs.WELL), nurse).lets_go
    clock.pass_time(minutes=30)
    with pytest.raises(OutsideReleaseBand) as kept:
        db.write_now(lambda tx: leave(tx, visit_id), nurse)
    assert tuple(kept.value.findings) == ("pulse_outside",)
    db.write_now(lambda tx: record_check(tx, visit_id, WELL, HowIs.WELL), nurse)
    assert db.write_now(lambda tx: leave(tx, visit_id), nurse) is Stage.COMPLETED


def test_a_physician_answers_for_it_with_a_reason_until_the_next_check(db: Database, clock: ManualClock) -> None:
    nurse, physician, visit_id = a_colleague(db, Role.OBSERVER), a_physician(db), an_observed(db)
    with pytest.raises(NothingOverruled):
        db.write_now(lambda tx: overrule(tx, visit_id, "nothing to overrule"), physician)
    clock.pass_time(minutes=30)
    db.write_now(lambda tx: record_check(tx, visit_id, RACING, HowIs.WELL), nurse)
    refused: tuple[tuple[Any, str, type[ClinicError]], ...] = (
        (nurse, "looks fine to me", QualificationMissing),
        (physician, "  ", ClinicError),
    )
    for actor, reason, error in refused:
        with pytest.raises(error):
            db.write_now(lambda tx, why=reason: overrule(tx, visit_id, why), actor)
    db.write_now(lambda tx: overrule(tx, visit_id, "known tachycardia"), physician)
    db.write_now(lambda tx: record_check(tx, visit_id, RACING, HowIs.WELL), nurse)
    with pytest.raises(OutsideReleaseBand):
        db.write_now(lambda tx: leave(tx, visit_id), nurse)
    db.write_now(lambda tx: overrule(tx, visit_id, "known tachycardia, seen again"), physician)
    assert db.write_now(lambda tx: leave(tx, visit_id), nurse) is Stage.COMPLETED


def test_a_physician_may_let_go_who_was_not_looked_at(db: Database, clock: ManualClock) -> None:
    visit_id = an_observed(db, minutes=40)
    clock.pass_time(minutes=40)
    db.write_now(lambda tx: overrule(tx, visit_id, "refuses to be touched, looks well"), a_physician(db))
    assert db.write_now(lambda tx: leave(tx, visit_id), a_colleague(db, Role.OBSERVER)) is Stage.COMPLETED


def test_the_minutes_of_checks_bend_with_no_clock(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db)
    clock.pass_time(minutes=10)
    clock.step(hours=-5)
    db.write_now(lambda tx: extend(tx, visit_id, 60, ExtensionReason.UNWELL), nurse)
    assert slots(db, visit_id) == [(15, "coming"), (30, "coming"), (90, "coming")]
    clock.pass_time(minutes=6)
    assert slots(db, visit_id)[0] == (15, "due")
    clock.step(days=3)
    assert slots(db, visit_id)[0] == (15, "due")
    db.write_now(lambda tx: record_check(tx, visit_id, WELL, HowIs.WELL), nurse)
    assert slots(db, visit_id)[0] == (15, "done")


def test_a_check_of_an_earlier_watch_counts_no_more(db: Database, clock: ManualClock) -> None:
    nurse, visit_id = a_colleague(db, Role.OBSERVER), an_observed(db, minutes=45)
    clock.pass_time(minutes=30)
    db.write_now(lambda tx: record_check(tx, visit_id, WELL, HowIs.WELL), nurse)
    watch_again(db, visit_id, minutes=45)
    clock.pass_time(minutes=30)
    assert slots(db, visit_id) == [(15, "missed"), (30, "due")]


def test_what_was_found_is_sealed_and_nothing_is_recorded_before_the_needle(db: Database) -> None:
    nurse, visit_id, waiting = a_colleague(db, Role.OBSERVER), an_observed(db), a_visit(db)
    db.write_now(lambda tx: record_check(tx, visit_id, WELL, HowIs.UNWELL, "dizzy"), nurse)
    row = db.read_now(lambda c: c.execute(select(observation_check)).one())
    assert b"dizzy" not in row.said_sealed
    assert b"unwell" not in row.said_sealed
    for measured in (WELL, Vitals(), Vitals(pulse_per_min=999)):
        who = waiting if measured is WELL else visit_id
        with pytest.raises(ClinicError):
            db.write_now(lambda tx, v=measured, w=who: record_check(tx, w, v, HowIs.WELL), nurse)


async def test_the_page_and_the_api_take_a_check_and_the_overdue_come_first(
    as_role: AsRole, house: House, clock: ManualClock
) -> None:
    nurse = await as_role(Role.OBSERVER)
    child = an_observed(house.db, minutes=60, name="李小芳", born_on=date(2023, 6, 1))
    clock.pass_time(minutes=1)
    other = an_observed(house.db)
    clock.pass_time(minutes=20)
    page = (await nurse.get("/observation")).text
    assert page.index(str(child)) < page.index(str(other)), "overdue, though the other's time is over sooner"
    assert "check at 15 min: overdue" in page
    form = {"pulse_per_min": "120", "spo2_percent": "99", "consciousness": "alert", "celsius": "36.8", "how": "well"}
    assert (await nurse.post(f"/visits/{child}/checks", data=form)).status_code == 303
    assert "120" in (await nurse.get(f"/visits/{child}/observation")).text
    record = (await nurse.get(f"/api/v1/visits/{child}/observation")).json()
    assert record["checks"]["done"][0]["said"]["vitals"]["milli_celsius"] == 36_800
    ordered = (await nurse.get("/api/v1/observation/area")).json()
    assert [one["watched"]["visit_id"] for one in ordered] == [str(other), str(child)]
    assert "overdue" not in (await nurse.get("/observation")).text
    body = {"vitals": {"pulse_per_min": 150}, "how": "well"}
    answer = await nurse.post(f"/api/v1/visits/{other}/checks", json=body)
    assert answer.json()["lets_go"] is False
    assert (
        await nurse.post(f"/api/v1/visits/{other}/checks", json={"vitals": {"x": 1}, "how": "well"})
    ).is_client_error
    registrar = await as_role(Role.REGISTRAR)
    for path in (f"/visits/{child}/observation", f"/visits/{child}/observation/now"):
        assert (await registrar.get(path)).status_code == 403
