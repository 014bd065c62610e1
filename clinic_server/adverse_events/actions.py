"""Opening the file of an adverse event, ending the care on site, closing the file and opening it again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from clinic_server.adverse_events.lookup import (
    class_context,
    closing_stands,
    elsewhere_context,
    event_of,
    reopening_context,
    steps_taken,
)
from clinic_server.adverse_events.rules import (
    ADVERSE_EVENTS,
    MOST_SUSPECTS,
    CareEnd,
    CareEnded,
    Classed,
    DoseOfAnother,
    EventClosed,
    EventFacts,
    EventNotClosed,
    EventRef,
    EventStepKind,
    NewEvent,
    OnsetBeforeDose,
    OnsetInFuture,
    StepBeforeEvent,
    StepInFuture,
    StepTaken,
    StillUnderCare,
    SuspectDoseNeeded,
    TooManySuspects,
    as_listed,
)
from clinic_server.adverse_events.similar.actions import gather
from clinic_server.adverse_events.tables import (
    AdverseEvent,
    CareOver,
    EventClassed,
    EventFileClosed,
    EventFileReopened,
    EventStep,
    SuspectDose,
    adverse_event,
    event_file_closed,
)
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.chain import stay_of
from clinic_server.visits.doses import doses_given
from clinic_server.visits.lookup import Standing


def file_event(tx: Tx, new: NewEvent) -> EventRef:
    """Open a file with the doses the event is suspected to follow; the caller journals."""
    _refuse_impossible(tx, new)
    number = 1 + tx.execute(select(func.coalesce(func.max(adverse_event.c.number), 0))).scalar_one()
    event_id = tx.append(
        AdverseEvent,
        number=number,
        person_id=new.person_id,
        visit_id=new.visit_id,
        found_how=new.found_how,
        seat_code=new.seat_code,
        discovered_at=new.discovered_at,
        onset_at=new.onset_at,
        opened_by=tx.actor.staff_id,
        opened_at=tx.now,
    )
    for position, dose_id in enumerate(new.dose_ids, 1):
        tx.append(SuspectDose, event_id=event_id, position=position, dose_id=dose_id)
    for position, told in enumerate(new.elsewhere, 1 + len(new.dose_ids)):
        row_id = tx.new_id()
        sealed = tx.keyring.seal(msgspec.json.encode(told).decode(), elsewhere_context(row_id))
        tx.append(SuspectDose, id=row_id, event_id=event_id, position=position, elsewhere_sealed=sealed)
    return EventRef(event_id, number)


def suspects_of_visit(tx: Tx, visit: Standing) -> Sequence[UUID]:
    """Return the doses of the visit's stay, the latest suspected first; a clock set back since keeps nobody away."""
    stay = stay_of(tx.connection, visit.visit_id)
    given = [one for one in doses_given(tx.connection, visit.person_id) if one.visit_id in stay]
    return [one.dose_id for one in reversed(given) if one.given_at <= tx.now][:MOST_SUSPECTS]


def end_care(tx: Tx, event_id: UUID, care_end: CareEnd) -> EventRef:
    """Record how the care on site ended; the caller journals, and takes the visit's step where there is one."""
    facts = event_of(tx.connection, event_id)
    if facts.care_ended is not None or facts.visit_id is None:
        raise CareEnded
    tx.append(CareOver, event_id=event_id, care_end=care_end, ended_by=tx.actor.staff_id, ended_at=tx.now)
    gather(tx, event_id)
    return EventRef(event_id, facts.number)


def classify(tx: Tx, event_id: UUID, told: Classed) -> EventRef:
    """Say what an event is, which may make it one of many; what was said before stays. The caller journals."""
    staff_id, facts = require_signed_in(tx), _open_file(tx, event_id)
    class_id = tx.new_id()
    sealed = tx.keyring.seal(msgspec.json.encode(as_listed(told)).decode(), class_context(class_id))
    tx.append(EventClassed, id=class_id, event_id=event_id, class_sealed=sealed, classed_by=staff_id, classed_at=tx.now)
    gather(tx, event_id)
    return EventRef(event_id, facts.number)


def take_event_step(tx: Tx, event_id: UUID, step: EventStepKind, taken_at: datetime) -> EventRef:
    """Note that a step about an event was taken; once. The caller journals."""
    staff_id, facts = require_signed_in(tx), _open_file(tx, event_id)
    if taken_at > tx.now:
        raise StepInFuture
    if taken_at < facts.discovered_at:
        raise StepBeforeEvent
    if step in steps_taken(tx.connection, event_id):
        raise StepTaken(step=step.value)
    tx.append(EventStep, event_id=event_id, step=step, taken_at=taken_at, noted_by=staff_id, noted_at=tx.now)
    return EventRef(event_id, facts.number)


def close_file(tx: Tx, event_id: UUID) -> EventRef:
    """Close the file of an event; refused while the person is being cared for here."""
    staff_id = require_signed_in(tx)
    facts = _open_file(tx, event_id)
    if facts.is_under_care:
        raise StillUnderCare(event=facts.number)
    tx.append(EventFileClosed, event_id=event_id, closed_by=staff_id, closed_at=tx.now)
    tx.journal("event_file_closed", event_id, ADVERSE_EVENTS)
    return EventRef(event_id, facts.number)


def reopen_file(tx: Tx, event_id: UUID, reason: str) -> EventRef:
    """Open a closed file again; the caller has seen to the reason."""
    staff_id, facts = require_signed_in(tx), event_of(tx.connection, event_id)
    closing = select(event_file_closed.c.id).where(event_file_closed.c.event_id == event_id, closing_stands())
    closing_id = tx.execute(closing).scalar()
    if closing_id is None:
        raise EventNotClosed
    reopening_id = tx.new_id()
    sealed = tx.keyring.seal(reason, reopening_context(reopening_id))
    said = {"closing_id": closing_id, "reason_sealed": sealed, "reopened_by": staff_id, "reopened_at": tx.now}
    tx.append(EventFileReopened, id=reopening_id, **said)
    tx.journal("event_file_reopened", event_id, ADVERSE_EVENTS)
    return EventRef(event_id, facts.number)


def _open_file(tx: Tx, event_id: UUID) -> EventFacts:
    facts = event_of(tx.connection, event_id)
    if facts.closed_at is not None:
        raise EventClosed
    return facts


def _refuse_impossible(tx: Tx, new: NewEvent) -> None:
    """Refuse what invariant 42 forbids: an event that follows no dose, or begins before it."""
    count = len(new.dose_ids) + len(new.elsewhere)
    if not count:
        raise SuspectDoseNeeded
    if count > MOST_SUSPECTS:
        raise TooManySuspects(most=MOST_SUSPECTS)
    given = {one.dose_id: one.given_at for one in doses_given(tx.connection, new.person_id)}
    if any(dose_id not in given for dose_id in new.dose_ids):
        raise DoseOfAnother
    if new.onset_at > tx.now:
        raise OnsetInFuture
    if _is_before(new.onset_at, [given[dose_id] for dose_id in new.dose_ids]):
        raise OnsetBeforeDose
    began_on = new.onset_at.astimezone(tx.site.zone).date().isoformat()
    if any(told.given_on > began_on for told in new.elsewhere):
        raise OnsetBeforeDose


def _is_before(onset_at: datetime, given: list[datetime]) -> bool:
    return any(onset_at < at for at in given)
