"""Adverse events as they stand."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select

from clinic_server.adverse_events.rules import EventFacts, EventUnknown, StillUnderCare
from clinic_server.adverse_events.tables import adverse_event, care_over, event_file_closed, suspect_dose


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
    """Return the event for which the person of a visit is being cared for on site, if any."""
    found = map(_facts, connection.execute(_of_visit, {"visit_id": visit_id}))
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
        .outerjoin(event_file_closed, event_file_closed.c.event_id == event.id)
        .order_by(event.number.desc())
    )


_of_visit = _events().where(adverse_event.c.visit_id == bindparam("visit_id"))
