"""Alerts climbing the ladder in the database: called, leased, answered, shelved, over."""

import threading
from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, func, select

from clinic_server.alerts.answering import acknowledge, acknowledge_by_contact
from clinic_server.alerts.calling import standing_alerts, take_turns, turns_due
from clinic_server.alerts.contacts import (
    Address,
    ContactFacts,
    NewContact,
    add_contact,
    contacts,
    end_contact,
    restate_contact,
)
from clinic_server.alerts.due import DuePage, claim, finish, next_due_at, put_back
from clinic_server.alerts.duties import add_duty, end_duty, except_day, roster_of, standing_duties
from clinic_server.alerts.outbox import About, add_due, ask_test_pages
from clinic_server.alerts.raising import close, open_alerts, raise_alarm, recover
from clinic_server.alerts.roster import OtherDay, Shift, Weekly, on_duty
from clinic_server.alerts.rules import (
    Alarm,
    AlertIsClosed,
    AlertKind,
    AlertState,
    AlertUnknown,
    AnswerWay,
    CannotBeShelved,
    CloseReason,
    CommentNeeded,
    ContactUnknown,
    DueKind,
    DueState,
    DutyUnknown,
    PlaceIsShelved,
    PlaceNotShelved,
    Severity,
    ShelvedTooLong,
    StepUnknown,
)
from clinic_server.alerts.shelving import NewShelving, end_shelving, shelve_place
from clinic_server.alerts.tables import alert_answered, alert_called, alert_closed, alert_contact_said, page_due
from clinic_server.alerts.telling import as_written
from clinic_server.kit.db import Database
from clinic_server.kit.journal import head_of, verify
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import Role
from tests.api.visitors import SYSTEM, a_colleague
from tests.conftest import ManualClock

LEASE = timedelta(seconds=45)
PHONE = "+8613800000001"
MIDNIGHT = time(0)


def a_contact(db: Database, name: str = "Wang Duty", *channels: str) -> UUID:
    addresses = tuple(Address(channel, PHONE) for channel in channels or ("sms",))
    return db.write_now(lambda tx: add_contact(tx, NewContact(name, addresses)), SYSTEM).contact_id


def all_day(contact_id: UUID, step: int = 1) -> Shift:
    return Shift(contact_id, step, MIDNIGHT, MIDNIGHT)


def put_on_duty(db: Database, step: int, *whom: UUID) -> None:
    for one in whom:
        db.write_now(
            lambda tx, one=one: add_duty(tx, Weekly(frozenset(range(7)), Shift(one, step, MIDNIGHT, MIDNIGHT))), SYSTEM
        )


@pytest.fixture(name="team")
def _team(db: Database) -> list[UUID]:
    """Nine people, three on each step around the clock."""
    team = [a_contact(db, f"Duty {number}") for number in range(9)]
    for step in (1, 2, 3):
        put_on_duty(db, step, *team[3 * step - 3 : 3 * step])
    return team


def sound(
    db: Database, *kinds: AlertKind, severity: Severity = Severity.ALARM, place: str = "fridge-1", summary: str = "+9C"
) -> None:
    def act(tx: Tx) -> None:
        for kind in kinds or (AlertKind.TOO_WARM,):
            raise_alarm(tx, Alarm(kind, severity, as_written(summary), place))
        tx.journal("something_found", None)

    db.write_now(act, SYSTEM)


def over(db: Database, kind: AlertKind = AlertKind.TOO_WARM, place: str = "fridge-1") -> None:
    def act(tx: Tx) -> None:
        recover(tx, kind, place)
        tx.journal("something_found", None)

    db.write_now(act, SYSTEM)


def look(db: Database) -> int:
    return db.write_now(take_turns, SYSTEM)


def take(db: Database, most: int = 50) -> Sequence[DuePage]:
    return db.write_now(lambda tx: claim(tx, most, LEASE), SYSTEM)


def sent(db: Database) -> Sequence[DuePage]:
    """Send everything that is due, as an office that never fails."""
    pages = take(db)
    for page in pages:
        db.write_now(lambda tx, page=page: finish(tx, page.due_id, is_reached=True), SYSTEM)
    return pages


def whom(pages: Iterable[DuePage]) -> set[UUID]:
    return {page.contact_id for page in pages}


def rows(db: Database, *conditions: Any) -> int:
    counted = select(func.count()).select_from(page_due).where(*conditions)
    return db.read_now(lambda connection: int(connection.execute(counted).scalar_one()))


def test_nobody_answers_and_the_steps_are_called_in_turn_until_everybody_is(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    """Invariant 40, through the database."""
    sound(db)
    called = []
    for _ in range(81):
        look(db)
        clock.pass_time(seconds=30)
        called.append(frozenset(whom(sent(db))))
        clock.pass_time(seconds=30)
    told = [(minute, people) for minute, people in enumerate(called) if people]
    assert told == [
        (0, frozenset(team[:3])),
        (10, frozenset(team[3:6])),
        (20, frozenset(team[6:])),
        (50, frozenset(team)),
        (80, frozenset(team)),
    ]
    assert not verify_faults(db)


def verify_faults(db: Database) -> list[str]:
    return db.read_now(lambda connection: verify(connection, db.keyring.journal_key)).faults


def test_looking_twice_or_after_a_restart_makes_no_row_twice(db: Database, team: list[UUID]) -> None:
    sound(db)
    assert (look(db), look(db), look(db)) == (1, 0, 0)
    assert rows(db) == 3
    assert db.read_now(lambda connection: turns_due(connection, db.clock.now(), db.site.zone)) == []
    assert len(team) == 9


def test_a_page_carries_who_where_what_and_no_secret_in_its_repr(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db, severity=Severity.CRITICAL, summary="+13.0C 1MIN")
    look(db)
    (page,) = [page for page in sent(db) if page.contact_id == team[0]]
    assert (page.short, page.number, page.is_urgent) == ("1 fridge-1 TOO WARM +13.0C 1MIN", "1-1.1", True)
    assert [(one.channel, one.address) for one in page.addresses] == [("sms", PHONE)]
    assert PHONE not in repr(page)
    clock.pass_time(minutes=1)
    assert not take(db)


def test_a_crash_between_claim_and_finish_repeats_that_page_after_the_lease_and_loses_none(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db, severity=Severity.CRITICAL)
    look(db)
    first = take(db, most=1)
    assert len(first) == 1
    assert len(take(db)) == 2, "the other two are not held up"
    assert not take(db)
    clock.pass_time(seconds=46)
    again = take(db)
    assert whom(again) == set(team[:3])
    assert [page.number for page in again] == [first[0].number] * 3
    assert {page.tries for page in again} == {2}


def test_a_page_put_back_is_due_later_and_one_that_was_answered_meanwhile_is_not(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db, severity=Severity.CRITICAL)
    look(db)
    pages = take(db)
    db.write_now(lambda tx: put_back(tx, pages[0].due_id, 20), SYSTEM)
    assert db.read_now(next_due_at) == clock.now() + timedelta(seconds=20)
    clock.pass_time(seconds=21)
    assert whom(take(db)) == {pages[0].contact_id}
    db.write_now(lambda tx: acknowledge_by_contact(tx, 1, team[1], AnswerWay.PAGER), SYSTEM)
    db.write_now(lambda tx: put_back(tx, pages[0].due_id, 20), SYSTEM)
    clock.pass_time(seconds=60)
    assert not take(db)
    assert db.read_now(next_due_at) is None


@pytest.mark.each_engine
def test_two_workers_never_send_the_same_page(db: Database, team: list[UUID], engine: str) -> None:
    """On PostgreSQL two transactions really are open at once; SQLite lets one wait for the other."""
    sound(db, severity=Severity.CRITICAL)
    look(db)
    if engine == "sqlite":
        assert (len(take(db, 2)), len(take(db, 2)), len(take(db, 2))) == (2, 1, 0)
        return
    other = create_engine(db.url.replace("postgresql://", "postgresql+psycopg://"))
    with other.begin() as connection:
        theirs = claim(a_tx(db, connection), 2, LEASE)
        ours: list[Sequence[DuePage]] = []
        thread = threading.Thread(target=lambda: ours.append(take(db)))
        thread.start()
        thread.join(timeout=20)
        assert ours, "the second worker waited for the first"
    other.dispose()
    assert len(theirs) == 2
    assert whom(theirs) | whom(ours[0]) == set(team[:3])
    assert not whom(theirs) & whom(ours[0])


def a_tx(db: Database, connection: Any) -> Tx:
    return Tx(connection, db.clock.now(), SYSTEM, db.site, db.keyring, db.ids.new, head_of(connection))


def test_alerts_of_one_half_minute_make_one_page_that_lists_every_place(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db, place="fridge-1")
    look(db)
    clock.pass_time(seconds=10)
    sound(db, place="fridge-2")
    look(db)
    assert not take(db)
    clock.pass_time(seconds=30)
    pages = sent(db)
    assert len(pages) == 3
    assert {tuple(one.place_code for one in page.alerts) for page in pages} == {("fridge-1", "fridge-2")}
    assert pages[0].short == "2 ALERTS 1 fridge-1 TOO WARM +9C; 2 fridge-2 TOO WARM +9C"
    assert len(team) == 9


def test_a_flood_is_one_page_for_everybody_and_every_place_is_in_it(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    for number in range(20):
        sound(db, place=f"fridge-{number:02}")
    look(db)
    clock.pass_time(minutes=6)
    pages = sent(db)
    assert len(pages) == 3
    assert {len(page.alerts) for page in pages} == {20}
    assert len(pages[0].short) <= 80
    assert pages[0].short.startswith("20 ALERTS")
    assert len(team) == 9


def test_in_a_flood_a_new_place_is_told_of_at_once_and_more_of_a_known_one_waits_for_the_page_of_all(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    for number in range(11):
        sound(db, place=f"fridge-{number:02}")
    look(db)
    clock.pass_time(seconds=31)
    assert len(sent(db)) == 3
    sound(db, AlertKind.PROBE_FAULT, place="fridge-00")
    sound(db, place="fridge-77")
    sound(db, AlertKind.FROZEN, severity=Severity.CRITICAL, place="freezer-1")
    sound(db, AlertKind.FLAT_LINE, severity=Severity.WARNING, place="fridge-78")
    look(db)
    assert {tuple(one.place_code for one in page.alerts) for page in sent(db)} == {("freezer-1",)}
    clock.pass_time(seconds=31)
    assert {tuple(one.place_code for one in page.alerts) for page in sent(db)} == {("fridge-77",)}
    clock.pass_time(minutes=5)
    assert {tuple(one.place_code for one in page.alerts) for page in sent(db)} == {("fridge-00", "fridge-78")}
    assert len(team) == 9


def test_whom_the_worst_is_due_to_is_taken_first_and_then_who_waits_the_longest(
    db: Database, clock: ManualClock
) -> None:
    people = [a_contact(db, f"Duty {number}") for number in range(5)]
    due = [
        (DueKind.RECOVERY, Severity.CRITICAL),
        (DueKind.PAGE, Severity.WARNING),
        (DueKind.PAGE, Severity.ALARM),
        (DueKind.PAGE, Severity.ALARM),
        (DueKind.PAGE, Severity.CRITICAL),
    ]

    def make_due(tx: Tx, person: UUID, kind: DueKind, severity: Severity) -> None:
        alert_id = raise_alarm(
            tx, Alarm(AlertKind.TOO_WARM, severity, as_written("+9C"), f"fridge-{people.index(person)}")
        )
        add_due(tx, About(alert_id, kind, 99), [person], tx.now)
        tx.journal("made_due")

    for person, (kind, severity) in zip(people, due, strict=True):
        db.write_now(partial(make_due, person=person, kind=kind, severity=severity), SYSTEM)
        clock.pass_time(seconds=1)
    order = []
    while pages := take(db, most=1):
        order += [page.contact_id for page in pages]
    assert order == [people[one] for one in (4, 2, 3, 1, 0)]


def test_an_answer_stops_what_waits_and_a_comment_is_asked_for(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db)
    look(db)
    heard = db.write_now(lambda tx: acknowledge_by_contact(tx, 1, team[0], AnswerWay.PAGER), SYSTEM)
    assert (heard.needs_comment, heard.silent_until) == (True, clock.now() + timedelta(minutes=15))
    clock.pass_time(minutes=14)
    assert (look(db), take(db)) == (0, [])
    clock.pass_time(minutes=2)
    assert look(db) == 1
    keeper = a_colleague(db, Role.COLD_CHAIN_KEEPER)
    done = db.write_now(lambda tx: acknowledge(tx, 1, " moved to fridge 2 "), keeper)
    assert not done.needs_comment
    assert db.read_now(open_alerts)[0].state is AlertState.ACKNOWLEDGED
    clock.pass_time(minutes=59)
    assert (look(db), take(db)) == (0, [])
    clock.pass_time(minutes=2)
    assert look(db) == 1
    assert db.read_now(open_alerts)[0].state is AlertState.OPEN


def test_acknowledging_is_by_name_with_a_comment_and_never_ends_an_alert(db: Database, team: list[UUID]) -> None:
    """Invariant 40: what was acknowledged is still there, and so is every answer."""
    sound(db)
    keeper = a_colleague(db, Role.VACCINATOR)
    with pytest.raises(CommentNeeded):
        db.write_now(lambda tx: acknowledge(tx, 1, "  "), keeper)
    with pytest.raises(AlertUnknown):
        db.write_now(lambda tx: acknowledge(tx, 2, "on my way"), keeper)
    db.write_now(lambda tx: acknowledge(tx, 1, "on my way"), keeper)
    db.write_now(lambda tx: acknowledge(tx, 1, "there now"), keeper)
    said = db.read_now(lambda connection: connection.execute(select(alert_answered.c.staff_id)).scalars().all())
    assert said == [keeper.staff_id] * 2
    assert [one.number for one in db.read_now(open_alerts)] == [1]
    assert db.read_now(lambda connection: connection.execute(select(alert_closed)).all()) == []
    over(db)
    with pytest.raises(AlertIsClosed):
        db.write_now(lambda tx: acknowledge(tx, 1, "late"), keeper)
    with pytest.raises(ContactUnknown):
        db.write_now(lambda tx: acknowledge_by_contact(tx, 1, UUID(int=1), AnswerWay.LINK, "x"), SYSTEM)
    assert len(team) == 9


def test_what_grows_worse_or_has_another_cause_calls_again_though_it_was_acknowledged(
    db: Database, team: list[UUID]
) -> None:
    sound(db)
    look(db)
    keeper = a_colleague(db, Role.COLD_CHAIN_KEEPER)
    for severity, cause, calls in (
        (Severity.ALARM, None, 0),
        (Severity.CRITICAL, None, 1),
        (Severity.ALARM, None, 0),
        (Severity.ALARM, UUID(int=7), 1),
        (Severity.ALARM, UUID(int=7), 0),
    ):
        db.write_now(lambda tx: acknowledge(tx, 1, "seen"), keeper)

        def say(tx: Tx, severity: Severity = severity, cause: UUID | None = cause) -> None:
            raise_alarm(tx, Alarm(AlertKind.TOO_WARM, severity, as_written("+13C"), "fridge-1", cause))
            tx.journal("something_found", None)

        db.write_now(say, SYSTEM)
        assert look(db) == calls, (severity, cause)
    assert len(team) == 9


def test_everybody_who_was_paged_hears_that_it_is_over_and_nobody_else(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db)
    look(db)
    clock.pass_time(seconds=31)
    sent(db)
    clock.pass_time(minutes=10)
    look(db)  # step 2 waits, and is over before it is sent
    over(db)
    pages = sent(db)
    assert {page.kind for page in pages} == {DueKind.RECOVERY}
    assert whom(pages) == set(team[:3])
    assert pages[0].short == "OK AGAIN 1 fridge-1 TOO WARM +9C"
    clock.pass_time(hours=2)
    assert (look(db), take(db)) == (0, [])


def test_harm_that_is_over_before_anybody_was_called_is_told_once_to_whom_it_would_have_called(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db)
    sound(db, severity=Severity.WARNING)
    over(db)
    pages = sent(db)
    assert ({page.kind for page in pages}, whom(pages)) == ({DueKind.RECOVERY}, set(team[:3]))
    clock.pass_time(hours=2)
    assert (look(db), take(db)) == (0, [])


def test_what_did_no_harm_or_somebody_knew_of_ends_without_a_word(db: Database, team: list[UUID]) -> None:
    sound(db, severity=Severity.WARNING)
    over(db)
    sound(db, AlertKind.NO_DATA)
    over(db, AlertKind.NO_DATA)
    keeper = a_colleague(db, Role.COLD_CHAIN_KEEPER)
    db.write_now(lambda tx: shelve_place(tx, NewShelving("fridge-1", 30, "restocking")), keeper)
    sound(db)
    over(db)
    assert team
    assert take(db) == []


def test_a_second_alert_of_a_place_is_a_new_number_once_the_first_is_over(db: Database, team: list[UUID]) -> None:
    for _ in range(3):
        sound(db)
        sound(db)
        assert len(db.read_now(open_alerts)) == 1
        over(db)
    sound(db)
    assert [one.number for one in db.read_now(open_alerts)] == [4]
    assert len(team) == 9


def test_a_place_being_worked_on_calls_nobody_until_its_time_is_over(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    keeper = a_colleague(db, Role.COLD_CHAIN_KEEPER)
    with pytest.raises(ShelvedTooLong):
        db.write_now(lambda tx: shelve_place(tx, NewShelving("fridge-1", 31, "restocking")), keeper)
    db.write_now(lambda tx: shelve_place(tx, NewShelving("fridge-1", 30, "restocking")), keeper)
    with pytest.raises(PlaceIsShelved):
        db.write_now(lambda tx: shelve_place(tx, NewShelving("fridge-1", 30, "more")), keeper)
    sound(db)
    assert look(db) == 0
    sound(db, AlertKind.FROZEN, severity=Severity.CRITICAL)
    assert look(db) == 1, "frozen is never silenced"
    clock.pass_time(minutes=30)
    assert look(db) == 2
    assert len(team) == 9


def test_what_is_critical_refuses_the_shelf_and_work_may_end_early(db: Database, team: list[UUID]) -> None:
    keeper = a_colleague(db, Role.COLD_CHAIN_KEEPER)
    sound(db, severity=Severity.CRITICAL)
    with pytest.raises(CannotBeShelved):
        db.write_now(lambda tx: shelve_place(tx, NewShelving("fridge-1", 10, "restocking")), keeper)
    with pytest.raises(PlaceNotShelved):
        db.write_now(lambda tx: end_shelving(tx, "fridge-2"), keeper)
    db.write_now(lambda tx: shelve_place(tx, NewShelving("fridge-2", 10, "restocking")), keeper)
    sound(db, place="fridge-2")
    look(db)
    db.write_now(lambda tx: end_shelving(tx, "fridge-2"), keeper)
    assert look(db) == 1
    assert len(team) == 9


def test_without_power_missing_data_waits_and_is_dropped_where_it_was_about_to_go_out(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db, AlertKind.NO_DATA)
    look(db)
    sound(db, AlertKind.POWER_LOST, place="")
    assert look(db) == 2
    clock.pass_time(seconds=31)
    pages = sent(db)
    assert {tuple(one.kind for one in page.alerts) for page in pages} == {(AlertKind.POWER_LOST,)}
    over(db, AlertKind.POWER_LOST, "")
    assert look(db) == 1, "and it calls once the power is back"
    assert len(team) == 9


def test_without_any_contact_the_call_is_recorded_and_the_alert_stays_open(db: Database) -> None:
    sound(db)
    assert look(db) == 1
    people = db.read_now(lambda connection: connection.execute(select(alert_called.c.people)).scalars().all())
    assert people == [0]
    assert len(db.read_now(standing_alerts)) == 1


def test_a_clock_set_back_by_a_day_keeps_pages_and_leases_going(
    db: Database, clock: ManualClock, team: list[UUID]
) -> None:
    sound(db)
    look(db)
    clock.step(days=-1)
    assert whom(take(db)) == set(team[:3]), "a page due tomorrow was due today"
    clock.pass_time(seconds=46)
    assert whom(take(db)) == set(team[:3])
    clock.step(days=-1)
    assert whom(take(db)) == set(team[:3]), "a lease until tomorrow is over"
    assert look(db) == 1


def test_names_and_addresses_are_sealed_and_the_latest_count(db: Database) -> None:
    contact_id = a_contact(db)
    db.write_now(
        lambda tx: restate_contact(tx, contact_id, NewContact("Li Duty", (Address("pager", "5551212"),), "en")), SYSTEM
    )
    assert db.read_now(lambda connection: contacts(connection, db.keyring)) == [
        ContactFacts(contact_id, None, "Li Duty", (Address("pager", "5551212"),), "en")
    ]
    stored = db.read_now(lambda connection: connection.execute(select(alert_contact_said)).all())
    assert len(stored) == 2
    assert not any(secret in str(stored) for secret in ("Wang", "Li Duty", PHONE, "5551212"))
    db.write_now(lambda tx: end_contact(tx, contact_id), SYSTEM)
    assert db.read_now(lambda connection: contacts(connection, db.keyring)) == []
    with pytest.raises(ContactUnknown):
        db.write_now(lambda tx: restate_contact(tx, contact_id, NewContact("Li Duty")), SYSTEM)


def test_a_contact_who_was_ended_is_sent_nothing_more(db: Database, clock: ManualClock, team: list[UUID]) -> None:
    sound(db)
    look(db)
    db.write_now(lambda tx: end_contact(tx, team[0]), SYSTEM)
    clock.pass_time(seconds=31)
    assert whom(sent(db)) == set(team[1:3])
    assert rows(db, page_due.c.state == DueState.DROPPED) == 1


def test_duties_are_added_ended_and_excepted_by_day(db: Database, clock: ManualClock) -> None:
    anna, bo = a_contact(db, "Anna"), a_contact(db, "Bo")
    put_on_duty(db, 1, anna)
    today = date(2026, 3, 2)
    for day in (
        OtherDay(today, False, Shift(anna, 1, MIDNIGHT, MIDNIGHT)),
        OtherDay(today, True, Shift(bo, 1, MIDNIGHT, MIDNIGHT)),
    ):
        db.write_now(lambda tx, day=day: except_day(tx, day), SYSTEM)
    at = clock.now().replace(tzinfo=None)
    assert on_duty(db.read_now(roster_of), 1, at) == {bo}
    assert on_duty(db.read_now(roster_of), 1, at + timedelta(days=1)) == {anna}
    for duty in db.read_now(standing_duties):
        db.write_now(lambda tx, duty=duty: end_duty(tx, duty.duty_id), SYSTEM)
    assert on_duty(db.read_now(roster_of), 1, at + timedelta(days=1)) == frozenset()
    with pytest.raises(DutyUnknown):
        db.write_now(lambda tx: end_duty(tx, UUID(int=1)), SYSTEM)
    with pytest.raises(StepUnknown):
        db.write_now(lambda tx: add_duty(tx, Weekly(frozenset({0}), all_day(anna, 4))), SYSTEM)


def test_a_test_page_goes_to_everybody_and_is_about_no_alert(db: Database, team: list[UUID]) -> None:
    def ask(tx: Tx) -> None:
        ask_test_pages(tx, team, 1)
        tx.journal("test_pages_asked", None)

    db.write_now(ask, SYSTEM)
    pages = sent(db)
    assert whom(pages) == set(team)
    assert {(page.kind, page.alerts, page.is_urgent) for page in pages} == {(DueKind.TEST, (), False)}


def test_a_rehearsal_says_so_on_every_page_and_ends(db: Database, clock: ManualClock, team: list[UUID]) -> None:
    sound(db, AlertKind.REHEARSAL, place="")
    look(db)
    clock.pass_time(seconds=31)
    pages = sent(db)
    assert {(page.kind, page.short) for page in pages} == {(DueKind.REHEARSAL, "REHEARSAL 1 REHEARSAL +9C")}
    (alert,) = db.read_now(open_alerts)

    def end(tx: Tx) -> None:
        close(tx, alert.alert_id, CloseReason.REHEARSED)
        tx.journal("rehearsed", None)

    db.write_now(end, SYSTEM)
    assert whom(sent(db)) == set(team[:3])
