"""The file of an adverse event: what it must hold, and when it may be closed. On both engines."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from clinic_server.adverse_events.actions import close_file, end_care, file_event
from clinic_server.adverse_events.lookup import event_by_number, open_events, suspect_doses, under_care
from clinic_server.adverse_events.rules import (
    ADVERSE_EVENTS,
    CareEnd,
    CareEnded,
    DoseOfAnother,
    EventClosed,
    EventRef,
    FoundHow,
    NewEvent,
    OnsetBeforeDose,
    OnsetInFuture,
    StillUnderCare,
    SuspectDoseNeeded,
    SuspectElsewhere,
    TooManySuspects,
)
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
