"""Adverse events as they stand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BindParameter, ColumnElement, Connection, Select, bindparam, exists, select

from clinic_server.adverse_events.rules import (
    Classed,
    EventFacts,
    EventStepKind,
    EventUnknown,
    StillUnderCare,
    SuspectElsewhere,
)
from clinic_server.adverse_events.tables import (
    adverse_event,
    care_over,
    event_classed,
    event_file_closed,
    event_file_reopened,
    event_step,
    suspect_dose,
)
from clinic_server.kit.crypto import Keyring
from clinic_server.visits.chain import stay_of


def event_of(connection: Connection, event_id: UUID) -> EventFacts:
    """Return one event, or raise EventUnknown."""
    found = events_where(connection, adverse_event.c.id == event_id)
    if not found:
        raise EventUnknown
    return found[0]


def event_by_number(connection: Connection, number: int) -> EventFacts:
    """Return the event people call by this number, or raise EventUnknown."""
    found = events_where(connection, adverse_event.c.number == number)
    if not found:
        raise EventUnknown
    return found[0]


def under_care(connection: Connection, visit_id: UUID) -> EventFacts | None:
    """Return the event for which the person of a visit is being cared for on site, if any.

    It may have begun on a visit before it: a needle that was in when it did has taken the watch over.
    """
    found = map(_facts, connection.execute(_of_stay, {"visit_ids": list(stay_of(connection, visit_id))}))
    return next((one for one in found if one.is_under_care), None)


def refuse_under_care(connection: Connection, visit_id: UUID) -> None:
    """Keep somebody from leaving who is being cared for on site (invariant 31)."""
    cared_for = under_care(connection, visit_id)
    if cared_for is not None:
        raise StillUnderCare(event=cared_for.number)


def open_events(connection: Connection) -> Sequence[EventFacts]:
    """Return every event whose file is not closed, the latest first."""
    return events_where(connection, event_file_closed.c.closed_at.is_(None))


def suspect_doses(connection: Connection, event_id: UUID) -> Sequence[UUID]:
    """Return the doses given here that an event is suspected to follow, the most suspected first."""
    ours = (suspect_dose.c.event_id == event_id, suspect_dose.c.dose_id.is_not(None))
    found = select(suspect_dose.c.dose_id).where(*ours).order_by(suspect_dose.c.position)
    return connection.execute(found).scalars().all()


def suspects_elsewhere(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[SuspectElsewhere]:
    """Return the doses given elsewhere that an event is suspected to follow, the most suspected first."""
    told = (suspect_dose.c.event_id == event_id, suspect_dose.c.elsewhere_sealed.is_not(None))
    rows = connection.execute(
        select(suspect_dose.c.id, suspect_dose.c.elsewhere_sealed).where(*told).order_by(suspect_dose.c.position)
    )
    return [
        msgspec.json.decode(keyring.open(row.elsewhere_sealed, elsewhere_context(row.id)), type=SuspectElsewhere)
        for row in rows
    ]


def class_of(connection: Connection, keyring: Keyring, event_id: UUID) -> Classed | None:
    """Return what an event was said to be last, None while nobody said."""
    said = classes_said(connection, keyring, [event_id])
    return said[event_id][-1] if said else None


def classes_said(
    connection: Connection, keyring: Keyring, event_ids: Collection[UUID]
) -> Mapping[UUID, Sequence[Classed]]:
    """Return everything that was ever said of these events, the latest last; of some nothing was."""
    said = event_classed.c
    rows = connection.execute(
        select(said.id, said.event_id, said.class_sealed)
        .where(said.event_id.in_(event_ids))
        .order_by(said.journal_seq, said.id)
    )
    found: dict[UUID, list[Classed]] = {}
    for row in rows:
        told = msgspec.json.decode(keyring.open(row.class_sealed, class_context(row.id)), type=Classed)
        found.setdefault(row.event_id, []).append(told)
    return found


def steps_taken(connection: Connection, event_id: UUID) -> Mapping[EventStepKind, datetime]:
    """Return when each step about an event was taken that was."""
    found = select(event_step.c.step, event_step.c.taken_at).where(event_step.c.event_id == event_id)
    return {row.step: row.taken_at for row in connection.execute(found)}


def elsewhere_context(suspect_dose_id: UUID) -> str:
    """Return under what a dose elsewhere is sealed."""
    return f"suspect_dose:elsewhere:{suspect_dose_id}"


def reopening_context(reopening_id: UUID) -> str:
    """Return under what is sealed why a file was reopened."""
    return f"event_file_reopened:reason:{reopening_id}"


def class_context(class_id: UUID) -> str:
    """Return under what is sealed what an event was said to be."""
    return f"event_classed:class:{class_id}"


def events_where(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[EventFacts]:
    """Return the events of which all this is true, the latest first."""
    rows = connection.execute(_events().where(*conditions))
    return [_facts(row) for row in rows]


def _facts(row: Any) -> EventFacts:
    return EventFacts(*row)


def _events() -> Select[Any]:
    event = adverse_event.c
    return (
        select(
            event.id,
            event.number,
            event.person_id,
            event.visit_id,
            event.found_how,
            event.seat_code,
            event.discovered_at,
            event.onset_at,
            care_over.c.care_end,
            event_file_closed.c.closed_at,
        )
        .outerjoin_from(adverse_event, care_over, care_over.c.event_id == event.id)
        .outerjoin(event_file_closed, (event_file_closed.c.event_id == event.id) & closing_stands())
        .order_by(event.number.desc())
    )


def closing_stands() -> ColumnElement[bool]:
    """Say of a row of ``event_file_closed`` that the file was not reopened since."""
    return ~exists().where(event_file_reopened.c.closing_id == event_file_closed.c.id)


_any_visit: BindParameter[Any] = bindparam("visit_ids", expanding=True)
_of_stay = _events().where(adverse_event.c.visit_id.in_(_any_visit))
