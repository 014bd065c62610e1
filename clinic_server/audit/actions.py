"""Keeping looks, many under one line of the journal, and the result of a walk over it."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Column, select

from clinic_server.adverse_events.tables import adverse_event
from clinic_server.alerts.raising import raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.audit.rules import Look, SearchLimit, Subject
from clinic_server.audit.tables import JournalChecked, LookedAt
from clinic_server.kit.journal import Verification
from clinic_server.kit.tx import Tx
from clinic_server.people.tables import person
from clinic_server.staff.actions import require_signed_in
from clinic_server.staff.lookup import number_of
from clinic_server.visits.tables import dose, visit

AUDIT = "audit"
_PERSON_OF: Final[Mapping[Subject, tuple[Column[UUID], Column[object]]]] = {
    Subject.VISIT: (visit.c.person_id, visit.c.id),
    Subject.PERSON: (person.c.id, person.c.id),
    Subject.DOSE: (dose.c.person_id, dose.c.id),
    Subject.ADVERSE_EVENT: (adverse_event.c.person_id, adverse_event.c.number),
}


def keep_looks(tx: Tx, looks: Sequence[Look]) -> None:
    """Record who looked at whom."""
    for one in looks:
        tx.append(
            LookedAt,
            staff_id=one.staff_id,
            station=one.station,
            subject=one.subject,
            subject_id=one.subject_id,
            person_id=_person_of(tx, one),
            page=one.page,
            looked_at=one.looked_at,
        )
    tx.journal("looks_kept", None, AUDIT)


def tell_many_searches(tx: Tx, limit: SearchLimit) -> UUID:
    """Raise the alarm about whoever searched for too many people; it names them by their number alone."""
    staff_id = require_signed_in(tx)
    told = tell(Phrase.SEARCHES, count=limit.most, minutes=limit.within // timedelta(minutes=1))
    place = f"staff-{number_of(tx.connection, staff_id)}"
    alert_id = raise_alarm(tx, Alarm(AlertKind.MANY_SEARCHES, Severity.ALARM, told, place, staff_id))
    tx.journal("many_searches_told", alert_id, AUDIT)
    return alert_id


def keep_check(tx: Tx, seen: Verification) -> UUID:
    """Record what a walk over the journal found."""
    checked_id = tx.append(
        JournalChecked,
        head_seq=seen.head.seq,
        records=seen.records,
        faults=len(seen.faults),
        checked_by=require_signed_in(tx),
        checked_at=tx.now,
    )
    tx.journal("journal_checked", checked_id, AUDIT)
    return checked_id


def _person_of(tx: Tx, one: Look) -> UUID | None:
    if one.subject is Subject.SEARCH:
        return None
    whose, key = _PERSON_OF[one.subject]
    wanted = int(one.subject_id) if one.subject is Subject.ADVERSE_EVENT else UUID(one.subject_id)
    found: UUID | None = tx.execute(select(whose).where(key == wanted)).scalar()
    return found
