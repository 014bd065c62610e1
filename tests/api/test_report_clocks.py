"""The clocks of adverse events as they run: calls, the reporting officer, restarts, set clocks."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from clinic_server.adverse_events.actions import close_file
from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.due.actions import tell_clocks
from clinic_server.adverse_events.due.lookup import called_first, clocks_now
from clinic_server.adverse_events.due.tables import clock_called
from clinic_server.adverse_events.due.watching import ClocksDue
from clinic_server.adverse_events.rules import Classed, EventRef, EventStepKind, NewEvent
from clinic_server.alerts.calling import take_turns
from clinic_server.alerts.contacts import NewContact, add_contact
from clinic_server.alerts.duties import add_duty
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.roster import Shift, Weekly
from clinic_server.alerts.rules import AlertFacts, AlertKind, Severity
from clinic_server.alerts.tables import page_due
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site
from clinic_server.opening.officer.actions import name_officer
from clinic_server.staff.actions import members
from clinic_server.staff.rules import Role
from tests.api.callers import AsRole
from tests.api.test_adverse_events import _nurse, _seen, classed, ended, filed, stepped  # noqa: F401  # fixtures
from tests.api.test_ladder import MIDNIGHT
from tests.api.visitors import SYSTEM, a_colleague

MILD = Classed("other_mild")
DEATH = Classed("other_serious", grounds=(UrgentGround.DEATH,))


@pytest.fixture(name="event")
def _event(house: House, nurse: Actor, seen: NewEvent) -> EventRef:
    return filed(house, seen, nurse)


def looked(house: House) -> int:
    """How many clocks called since the last look."""
    return house.db.write_now(tell_clocks, SYSTEM)


def passes(house: House, **spans: float) -> None:
    house.db.clock.pass_time(**spans)  # type: ignore[attr-defined]


def standing_alert(house: House) -> AlertFacts | None:
    return next((one for one in house.db.read_now(open_alerts) if one.kind is AlertKind.REPORT_DUE), None)


def running(house: House) -> Sequence[tuple[EventStepKind, timedelta]]:
    db = house.db
    found = db.read_now(lambda connection: clocks_now(connection, db.keyring, db.site.zone))
    return [(one.step, one.left) for one in found]


def a_contact(house: House, staff_id: UUID | None = None, step: int | None = None) -> UUID:
    contact_id = house.db.write_now(
        lambda tx: add_contact(tx, NewContact("值班", staff_id=staff_id)), SYSTEM
    ).contact_id
    if step is not None:
        weekly = Weekly(frozenset(range(7)), Shift(contact_id, step, MIDNIGHT, MIDNIGHT))
        house.db.write_now(lambda tx: add_duty(tx, weekly), SYSTEM)
    return contact_id


def people_called(house: House) -> set[UUID]:
    return set(house.db.read_now(lambda at: at.execute(select(page_due.c.contact_id)).scalars().all()))


async def test_a_clock_calls_at_its_instants_and_ends_with_the_report(
    house: House, nurse: Actor, event: EventRef
) -> None:
    assert (looked(house), standing_alert(house)) == (0, None)
    said = []
    for hours in (36, 10, 2):
        passes(house, hours=hours - 1 / 60)
        assert looked(house) == 0, "not a minute early"
        passes(house, minutes=1)
        assert (looked(house), looked(house)) == (1, 0), "each call is made once"
        alert = standing_alert(house)
        assert alert is not None
        said.append((alert.severity, alert.place_code, alert.summary))
    assert said == [
        (Severity.WARNING, "event-1", "REPORT BY 03-04 09:01"),
        (Severity.ALARM, "event-1", "REPORT BY 03-04 09:01"),
        (Severity.CRITICAL, "event-1", "REPORT LATE SINCE 03-04 09:01"),
    ]
    stepped(house, event, EventStepKind.REPORTED, timedelta(hours=48), nurse)
    assert (looked(house), standing_alert(house)) == (0, None)


async def test_two_hours_call_with_the_word_that_made_them_two_and_at_every_instant_after(
    house: House, nurse: Actor, event: EventRef
) -> None:
    a_contact(house, step=1)
    classed(house, event, DEATH, nurse)
    calls = 0
    for minutes in (0, 60, 30, 20, 10):
        passes(house, minutes=minutes)
        assert looked(house) == 1
        house.db.write_now(take_turns, SYSTEM)
        calls += 1
        alert = standing_alert(house)
        assert alert is not None
    assert alert.severity is Severity.CRITICAL
    rounds = select(func.count(page_due.c.round.distinct())).where(page_due.c.alert_id == alert.alert_id)
    assert house.db.read_now(lambda at: at.execute(rounds).scalar_one()) == calls, "each instant calls anew"


def test_said_to_be_mild_afterwards_it_is_due_no_later(house: House, nurse: Actor, event: EventRef) -> None:
    """Invariant 41, through the records."""
    classed(house, event, DEATH, nurse)
    classed(house, event, MILD, nurse)
    assert running(house) == [(EventStepKind.REPORTED, timedelta(hours=2))]


def test_what_follows_is_due_in_turn_and_warns(house: House, nurse: Actor, event: EventRef) -> None:
    stepped(house, event, EventStepKind.REPORTED, timedelta(0), nurse)
    assert running(house) == [(EventStepKind.INVESTIGATION_BEGUN, timedelta(hours=48))]
    passes(house, hours=49)
    assert looked(house) == 1
    alert = standing_alert(house)
    assert alert is not None
    assert (alert.severity, alert.summary) == (Severity.WARNING, "INVESTIGATION LATE SINCE 03-04 09:01")
    stepped(house, event, EventStepKind.INVESTIGATION_BEGUN, timedelta(hours=49), nurse)
    assert (looked(house), standing_alert(house)) == (0, None)


def test_a_closed_file_awaits_nothing(house: House, nurse: Actor, event: EventRef) -> None:
    passes(house, hours=47)
    assert looked(house) == 1
    ended(house, event.event_id, nurse)
    house.db.write_now(lambda tx: close_file(tx, event.event_id), nurse)
    assert (looked(house), standing_alert(house), running(house)) == (0, None, [])


@pytest.mark.usefixtures("event")
def test_set_forth_and_back_the_clock_gives_and_takes_no_time(house: House) -> None:
    house.db.clock.step(hours=47)  # type: ignore[attr-defined]
    assert looked(house) == 0
    assert running(house) == [(EventStepKind.REPORTED, timedelta(hours=48))]
    house.db.clock.step(hours=-90)  # type: ignore[attr-defined]
    passes(house, hours=36)
    assert looked(house) == 1
    assert running(house) == [(EventStepKind.REPORTED, timedelta(hours=12))]
    house.db.clock.step(hours=43)  # type: ignore[attr-defined]
    assert looked(house) == 0, "a call is not made twice"


@pytest.mark.usefixtures("event")
def test_a_server_that_starts_again_goes_on_where_the_records_stand(house: House) -> None:
    passes(house, hours=47)
    assert looked(house) == 1
    house.db.close()
    clock = house.db.clock
    again = Database(
        house.settings.database.url, site=Site("DEMO"), keyring=house.db.keyring, clock=clock, ids=Ids(clock)
    )
    try:
        assert again.write_now(tell_clocks, SYSTEM) == 0
        clock.pass_time(hours=1)  # type: ignore[attr-defined]
        assert again.write_now(tell_clocks, SYSTEM) == 1
        made = select(func.count()).select_from(clock_called)
        assert again.read_now(lambda at: at.execute(made).scalar_one()) == 2
    finally:
        again.close()


@pytest.mark.usefixtures("event")
async def test_the_reporting_officer_is_called_before_anybody_and_the_others_when_nobody_answers(
    house: House,
) -> None:
    a_contact(house, step=1)
    lead = a_contact(house, step=2)
    officer = a_colleague(house.db, Role.OBSERVER)
    assert officer.staff_id
    staff = house.db.read_now(lambda at: members(at, house.db.keyring))
    number = next(one.number for one in staff if one.staff_id == officer.staff_id)
    house.db.write_now(lambda tx: name_officer(tx, number), officer)
    officer_contact = a_contact(house, officer.staff_id)
    passes(house, hours=47)
    looked(house)
    house.db.write_now(lambda tx: take_turns(tx, called_first), SYSTEM)
    assert people_called(house) == {officer_contact}
    passes(house, minutes=10)
    house.db.write_now(lambda tx: take_turns(tx, called_first), SYSTEM)
    assert people_called(house) == {officer_contact, lead}


@pytest.mark.usefixtures("event")
async def test_the_watcher_tells_by_itself(house: House) -> None:
    passes(house, hours=48)
    await ClocksDue(house).look()
    alert = standing_alert(house)
    assert alert is not None
    assert alert.severity is Severity.CRITICAL


@pytest.mark.usefixtures("event")
async def test_who_may_see_reads_the_time_left_and_nobody_else(
    house: House,
    as_role: AsRole,
) -> None:
    passes(house, hours=46.5)
    doctor = await as_role(Role.PHYSICIAN)
    (clock,) = (await doctor.get("/api/v1/report-clocks")).json()
    assert (clock["number"], clock["step"], clock["urgency"], clock["left"]) == (1, "reported", "last_call", "PT1H30M")
    page = (await doctor.get("/report-clocks")).text
    assert "01:30" in page
    assert "王小明" not in page
    assert 'hx-get="/report-clocks"' in (await doctor.get("/alerts")).text
    keeper = await as_role(Role.COLD_CHAIN_KEEPER)
    assert (await keeper.get("/api/v1/report-clocks")).status_code == 403
    assert 'hx-get="/report-clocks"' not in (await keeper.get("/")).text
