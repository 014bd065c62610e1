"""The file of an adverse event: what it must hold, and when it may be closed."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.actions import classify, close_file, end_care, file_event, take_event_step
from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.lookup import (
    class_of,
    event_by_number,
    open_events,
    steps_taken,
    suspect_doses,
    under_care,
)
from clinic_server.adverse_events.rules import (
    ADVERSE_EVENTS,
    CareEnd,
    CareEnded,
    Classed,
    DoseOfAnother,
    EventClosed,
    EventRef,
    EventStepKind,
    FoundHow,
    KindUnknown,
    NewEvent,
    OnsetBeforeDose,
    OnsetInFuture,
    Seriousness,
    StepBeforeEvent,
    StepInFuture,
    StepTaken,
    StillUnderCare,
    SuspectDoseNeeded,
    SuspectElsewhere,
    TooManySuspects,
)
from clinic_server.adverse_events.tables import event_classed
from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.visits.lookup import standing
from tests.api.test_corrections import a_dose
from tests.api.test_injection import CODE, a_consented_visit
from tests.api.visitors import a_colleague, a_lot, a_product, an_open_site, rows_in

ELSEWHERE = SuspectElsewhere("made-up vaccine", "2026-02-20")


@pytest.fixture(name="nurse")
def _nurse(house: House) -> Actor:
    an_open_site(house.db)
    a_product(house.db)
    a_lot(house.db, CODE, bench="desk-1")
    return a_colleague(house.db, Role.VACCINATOR, QualificationKind.VACCINATOR)


@pytest.fixture(name="seen")
def _seen(house: House, nurse: Actor) -> NewEvent:
    """A reaction in the observation area a minute after the dose."""
    visit_id = a_consented_visit(house.db)
    dose_id = a_dose(house.db, visit_id, nurse)
    house.db.clock.pass_time(minutes=1)  # type: ignore[attr-defined]
    now = house.db.clock.now()
    person_id = house.db.read_now(lambda connection: standing(connection, visit_id)).person_id
    return NewEvent(person_id, visit_id, FoundHow.SEAT, now, now, (dose_id,), seat_code="a3")


def filed(house: House, new: NewEvent, actor: Actor) -> EventRef:
    def act(tx: Tx) -> EventRef:
        ref = file_event(tx, new)
        tx.journal("adverse_event_opened", ref.event_id, ADVERSE_EVENTS)
        return ref

    return house.db.write_now(act, actor)


def ended(house: House, event_id: UUID, actor: Actor) -> None:
    def act(tx: Tx) -> None:
        end_care(tx, event_id, CareEnd.WELL_AGAIN)
        tx.journal("care_ended", event_id, ADVERSE_EVENTS)

    house.db.write_now(act, actor)


def test_a_file_names_its_doses_and_the_person_is_under_care(house: House, nurse: Actor, seen: NewEvent) -> None:
    ref = filed(house, replace(seen, elsewhere=(ELSEWHERE,)), nurse)
    facts = house.db.read_now(lambda connection: event_by_number(connection, ref.number))
    assert (facts.event_id, facts.is_under_care, facts.seat_code) == (ref.event_id, True, "a3")
    assert house.db.read_now(lambda connection: suspect_doses(connection, ref.event_id)) == list(seen.dose_ids)
    visit_id = facts.visit_id
    assert visit_id is not None
    assert house.db.read_now(lambda connection: under_care(connection, visit_id)) == facts


def test_a_file_is_closed_after_the_care_and_only_once(house: House, nurse: Actor, seen: NewEvent) -> None:
    ref = filed(house, seen, nurse)
    with pytest.raises(StillUnderCare):
        house.db.write_now(lambda tx: close_file(tx, ref.event_id), nurse)
    ended(house, ref.event_id, nurse)
    with pytest.raises(CareEnded):
        ended(house, ref.event_id, nurse)
    assert len(house.db.read_now(open_events)) == 1
    house.db.write_now(lambda tx: close_file(tx, ref.event_id), nurse)
    with pytest.raises(EventClosed):
        house.db.write_now(lambda tx: close_file(tx, ref.event_id), nurse)
    assert house.db.read_now(open_events) == []


def test_what_cannot_be_is_refused_and_leaves_no_row(house: House, nurse: Actor, seen: NewEvent) -> None:
    before = rows_in(house.db)
    hour = timedelta(hours=1)
    faults: list[tuple[NewEvent, type[ClinicError]]] = [
        (replace(seen, dose_ids=()), SuspectDoseNeeded),
        (replace(seen, elsewhere=(ELSEWHERE,) * 3), TooManySuspects),
        (replace(seen, dose_ids=(UUID(int=7),)), DoseOfAnother),
        (replace(seen, onset_at=seen.onset_at - hour), OnsetBeforeDose),
        (replace(seen, onset_at=seen.onset_at + hour), OnsetInFuture),
        (replace(seen, elsewhere=(replace(ELSEWHERE, given_on="2026-03-03"),)), OnsetBeforeDose),
    ]
    for new, refusal in faults:
        with pytest.raises(refusal):
            filed(house, new, nurse)
    assert rows_in(house.db) == before


def classed(house: House, event: EventRef, told: Classed, actor: Actor) -> None:
    def act(tx: Tx) -> None:
        classify(tx, event.event_id, told)
        tx.journal("test_event_classed", event.event_id, ADVERSE_EVENTS)

    house.db.write_now(act, actor)


def stepped(house: House, event: EventRef, step: EventStepKind, after: timedelta, actor: Actor) -> None:
    taken_at = house.db.read_now(lambda c: event_by_number(c, event.number)).discovered_at + after

    def act(tx: Tx) -> None:
        take_event_step(tx, event.event_id, step, taken_at)
        tx.journal("test_event_step", event.event_id, ADVERSE_EVENTS)

    house.db.write_now(act, actor)


def test_what_an_event_was_said_to_be_last_counts_and_is_sealed(house: House, nurse: Actor, seen: NewEvent) -> None:
    event = filed(house, seen, nurse)
    mild = Classed("urticaria")
    grave = Classed("anaphylactic_shock", (Seriousness.DEATH,), (UrgentGround.DEATH,))
    for told in (mild, grave):
        classed(house, event, told, nurse)
    said = house.db.read_now(lambda c: class_of(c, house.db.keyring, event.event_id))
    assert said == replace(grave, list_name=kinds.shipped().name)
    stored = house.db.read_now(lambda c: c.execute(select(event_classed.c.class_sealed)).scalars().all())
    assert [b"shock" in one for one in stored] == [False, False]


def test_a_kind_that_no_list_has_is_refused(house: House, nurse: Actor, seen: NewEvent) -> None:
    event = filed(house, seen, nurse)
    with pytest.raises(KindUnknown):
        classed(house, event, Classed("made_up"), nurse)
    assert house.db.read_now(lambda c: class_of(c, house.db.keyring, event.event_id)) is None


def test_a_step_is_noted_once_and_is_past(house: House, nurse: Actor, seen: NewEvent) -> None:
    event = filed(house, seen, nurse)
    house.db.clock.pass_time(minutes=30)  # type: ignore[attr-defined]
    for after, error in ((timedelta(minutes=-1), StepBeforeEvent), (timedelta(minutes=31), StepInFuture)):
        with pytest.raises(error):
            stepped(house, event, EventStepKind.REPORTED, after, nurse)
    stepped(house, event, EventStepKind.REPORTED, timedelta(minutes=20), nurse)
    with pytest.raises(StepTaken):
        stepped(house, event, EventStepKind.REPORTED, timedelta(minutes=25), nurse)
    taken = house.db.read_now(lambda c: steps_taken(c, event.event_id))
    assert taken == {EventStepKind.REPORTED: seen.discovered_at + timedelta(minutes=20)}


def test_nothing_is_said_of_a_closed_file(house: House, nurse: Actor, seen: NewEvent) -> None:
    event = filed(house, replace(seen, visit_id=None), nurse)
    house.db.write_now(lambda tx: close_file(tx, event.event_id), nurse)
    with pytest.raises(EventClosed):
        classed(house, event, Classed("urticaria"), nurse)
    with pytest.raises(EventClosed):
        stepped(house, event, EventStepKind.REPORTED, timedelta(0), nurse)
