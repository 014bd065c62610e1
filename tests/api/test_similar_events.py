"""Similar events gather: one alert for each thing, shorter clocks, and the stop order beside them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from clinic_server.adverse_events.actions import classify, end_care
from clinic_server.adverse_events.care.actions import NewEntry, strike_line, write_line
from clinic_server.adverse_events.care.rules import Symptoms
from clinic_server.adverse_events.due.lookup import clocks_now
from clinic_server.adverse_events.rules import CareEnd, Classed, EventRef, FoundHow, NewEvent, Seriousness
from clinic_server.adverse_events.similar.tables import similar_event_joined, similar_events
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.alerts.tables import alert
from clinic_server.alerts.wording import words_of
from clinic_server.injection.actions import PermitAsked, give_dose, grant_permit
from clinic_server.injection.rules import PermitRefused
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import QualificationKind, Role, StationKind
from clinic_server.stock.rules import BodySite, StopScope
from clinic_server.stock.stops import standing_stops
from clinic_server.visits.lookup import standing
from tests.api.callers import AsRole
from tests.api.test_adverse_events import classed, filed
from tests.api.test_injection import CODE, a_consented_visit
from tests.api.visitors import CHECKED, PRODUCT, SYSTEM, a_colleague, a_lot, a_product, an_open_site

FAINT = Classed("fainting")
SEVERE = Classed("anaphylactic_shock", (Seriousness.LIFE_THREATENING,))
LOT = f"{PRODUCT}/L-2027-01-01"
LOT_NAMED = "Vaccine A · L-2027-01-01"
Happens = Callable[[], EventRef]


@pytest.fixture(name="nurse")
def _nurse(house: House) -> Actor:
    house.db.write_now(lambda tx: add_station(tx, "desk-1", StationKind.INJECTION), SYSTEM)
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, *(f"{CODE}{place}" for place in range(5)), bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


@pytest.fixture(name="happens")
def _happens(house: House, nurse: Actor) -> Happens:
    """Something happens to the next person a minute after the dose at the bench."""
    codes = iter(f"{CODE}{place}" for place in range(5))

    def happen() -> EventRef:
        visit_id = a_consented_visit(house.db)
        asked = PermitAsked(next(codes), CHECKED["check_list"], frozenset(CHECKED["confirmed"]))
        permit = house.db.write_now(lambda tx: grant_permit(tx, SiteSettings(), visit_id, asked), nurse)
        dose_id = house.db.write_now(
            lambda tx: give_dose(tx, SiteSettings(), permit.permit_id, BodySite.LEFT_UPPER_ARM), nurse
        ).dose_id
        house.db.clock.pass_time(minutes=1)  # type: ignore[attr-defined]
        now = house.db.clock.now()
        person_id = house.db.read_now(lambda at: standing(at, visit_id)).person_id
        return filed(house, NewEvent(person_id, visit_id, FoundHow.SEAT, now, now, (dose_id,), seat_code="a3"), nurse)

    return happen


def alerted(house: House) -> dict[str, str]:
    opened = house.db.read_now(open_alerts)
    return {one.place_code: one.summary for one in opened if one.kind is AlertKind.SIMILAR_EVENTS}


def alerts_ever(house: House) -> int:
    ever = select(func.count()).select_from(alert).where(alert.c.kind == AlertKind.SIMILAR_EVENTS)
    return house.db.read_now(lambda at: at.execute(ever).scalar_one())


def report_left(house: House) -> list[timedelta]:
    db = house.db
    return [one.left for one in db.read_now(lambda at: clocks_now(at, db.keyring, db.site.zone))]


def test_however_many_events_one_alert_stands_for_each_thing(house: House, nurse: Actor, happens: Happens) -> None:
    """Invariant 43: round the bench and round the clinic day, and no third."""
    for count in range(1, 6):
        classed(house, happens(), FAINT, nurse)
        assert len(alerted(house)) == (2 if count >= 3 else 0)
    assert set(alerted(house).values()) == {"5 EVENTS ROUND BENCH desk-1", "5 EVENTS ROUND SESSION 2026-03-02"}
    assert alerts_ever(house) == 2
    severities = {one.severity for one in house.db.read_now(open_alerts) if one.kind is AlertKind.SIMILAR_EVENTS}
    assert severities == {Severity.ALARM}


def test_whoever_gathers_is_reported_within_two_hours_and_nobody_else(
    house: House, nurse: Actor, happens: Happens
) -> None:
    classed(house, happens(), SEVERE, nurse)
    classed(house, happens(), FAINT, nurse)
    assert {left > timedelta(hours=47) for left in report_left(house)} == {True}
    classed(house, happens(), SEVERE, nurse)
    assert set(alerted(house).values()) == {"2 EVENTS ROUND BENCH desk-1", f"2 EVENTS ROUND LOT {LOT}"}
    told = {words_of(one.told, {}) for one in house.db.read_now(open_alerts) if one.kind is AlertKind.SIMILAR_EVENTS}
    assert f"2 例相似反应，同一批号：{LOT_NAMED}" in told
    assert [left > timedelta(hours=47) for left in report_left(house)] == [False, False, True]


def test_said_otherwise_afterwards_an_event_stays_a_member(house: House, nurse: Actor, happens: Happens) -> None:
    first, second = happens(), happens()
    classed(house, first, SEVERE, nurse)
    classed(house, second, SEVERE, nurse)
    classed(house, second, Classed("other_mild"), nurse)
    assert all(left <= timedelta(hours=2) for left in report_left(house))


def test_signs_in_the_log_count_before_anybody_says_what_it_is(house: House, nurse: Actor, happens: Happens) -> None:
    lines = []
    for _ in range(2):
        event = happens()
        said = NewEntry(Symptoms(("generalised_urticaria",)))
        lines.append((event, house.db.write_now(lambda tx, e=event, s=said: write_line(tx, e.number, s), nurse)))
        if len(lines) == 1:
            house.db.write_now(lambda tx: strike_line(tx, lines[0][0].number, lines[0][1].line_id, "mistaken"), nurse)
    assert alerted(house) == {}, "a line struck out counts for nothing"
    again = NewEntry(Symptoms(("wheeze_both_sides",)))
    house.db.write_now(lambda tx: write_line(tx, lines[0][0].number, again), nurse)
    assert alerted(house) == {"similar-1": "2 EVENTS ROUND BENCH desk-1"}


def test_whom_the_site_sent_to_hospital_counts_as_severe(house: House, nurse: Actor, happens: Happens) -> None:
    for _ in range(2):
        event = happens()
        said = NewEntry(Symptoms(("stridor",)))
        house.db.write_now(lambda tx, e=event, s=said: write_line(tx, e.number, s), nurse)

        def taken_away(tx: Tx, event: EventRef = event) -> None:
            end_care(tx, event.event_id, CareEnd.TRANSFERRED)
            tx.journal("care_ended", event.event_id)

        house.db.write_now(taken_away, nurse)
    assert f"2 EVENTS ROUND LOT {LOT}" in alerted(house).values()


def test_what_is_refused_lets_nothing_gather(house: House, nurse: Actor, happens: Happens) -> None:
    first, second = happens(), happens()
    classed(house, first, SEVERE, nurse)

    def broken(tx: Tx) -> None:
        classify(tx, second.event_id, SEVERE)
        raise RuntimeError("before the commit")

    with pytest.raises(RuntimeError):
        house.db.write_now(broken, nurse)
    counts = [select(func.count()).select_from(one) for one in (similar_events, similar_event_joined)]
    assert [house.db.read_now(lambda at, c=c: at.execute(c).scalar_one()) for c in counts] == [0, 0]
    assert alerted(house) == {}


async def test_a_lot_is_stopped_where_its_events_are_read(
    house: House, nurse: Actor, happens: Happens, as_role: AsRole
) -> None:
    for _ in range(2):
        classed(house, happens(), SEVERE, nurse)
    doctor, keeper = await as_role(Role.PHYSICIAN), await as_role(Role.COLD_CHAIN_KEEPER)
    (number,) = [one["number"] for one in (await doctor.get("/api/v1/similar-events")).json() if one["scope"] == "lot"]
    page = f"/adverse-events/similar/{number}"
    shown = (await doctor.get(page)).text
    assert shown.index(f"{LOT_NAMED}: 2 of 2 events") < shown.index("Bench desk-1: 2 of 2 events")
    assert "王小明" not in shown
    form = {"scope": "lot", "target": LOT, "reason": "Similar events 1"}
    assert (await doctor.post(f"{page}/stop", data=form)).headers["location"] == page
    (stopped,) = house.db.read_now(standing_stops)
    assert (stopped.scope, stopped.target) == (StopScope.LOT, LOT)
    assert f"{LOT_NAMED}: stopped since" in (await doctor.get(page)).text
    for path in (page, "/api/v1/similar-events"):
        assert (await keeper.get(path)).status_code == 403
    assert (await doctor.get("/adverse-events/similar/77")).status_code == 404


async def test_a_bench_is_closed_where_its_events_are_read(
    house: House, nurse: Actor, happens: Happens, as_role: AsRole
) -> None:
    assert nurse.station == "desk-1"
    for _ in range(3):
        classed(house, happens(), FAINT, nurse)
    lead = await as_role(Role.SITE_LEAD)
    gathered = (await lead.get("/api/v1/similar-events")).json()
    (number,) = [one["number"] for one in gathered if one["scope"] == "bench"]
    page = f"/adverse-events/similar/{number}"
    shown = (await lead.get(page)).text
    assert shown.index("Bench desk-1: 3 of 3 events") < shown.index(f"{LOT_NAMED}: 3 of 3 events")
    form = {"scope": "bench", "target": "desk-1", "reason": "three fainted"}
    assert (await lead.post(f"{page}/stop", data=form)).headers["location"] == page
    assert "Bench desk-1: stopped since" in (await lead.get(page)).text
    with pytest.raises(PermitRefused) as said:
        happens()
    assert said.value.findings == ("bench_stopped",)


async def test_settled_the_alert_is_over_until_another_event_joins(
    house: House, nurse: Actor, happens: Happens, as_role: AsRole
) -> None:
    for _ in range(2):
        classed(house, happens(), SEVERE, nurse)
    lead = await as_role(Role.SITE_LEAD)
    words = "CANARY storage was right"
    for number in (1, 2):
        unsaid = await lead.post(f"/api/v1/similar-events/{number}/settlement", json={"words": " "})
        assert unsaid.json()["code"] == "settling_unsaid"
        said = await lead.post(
            f"/api/v1/similar-events/{number}/settlement", json={"words": "CANARY storage was right"}
        )
        assert said.status_code == 201
    assert alerted(house) == {}
    assert words in (await lead.get("/adverse-events/similar/1")).text
    classed(house, happens(), SEVERE, nurse)
    assert "3 EVENTS ROUND BENCH desk-1" in alerted(house).values()
