"""The care as it stands: whom the team was called to, the log, and how it ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, select

from clinic_server.adverse_events.care.rules import SAID, CareEntry, Ending, Said, Struck, Vitals, that_count
from clinic_server.adverse_events.care.tables import (
    care_ending,
    care_line,
    care_line_struck,
    emergency_call,
    emergency_call_over,
    kit_shortfall,
)
from clinic_server.adverse_events.lookup import closing_stands
from clinic_server.adverse_events.tables import adverse_event, care_over, event_file_closed
from clinic_server.kit.crypto import Keyring
from clinic_server.opening.emergency_kit.rules import KitThing
from clinic_server.visits.tables import visit


@dataclass(frozen=True, slots=True)
class CallFacts:
    """A call of the team that stands; ``number`` is the file's, None where no dose was given before it."""

    call_id: UUID
    visit_id: UUID
    ticket_number: int
    number: int | None
    place_code: str
    called_at: datetime

    def minutes_since(self, now: datetime) -> int:
        """Return the full minutes since the key was pressed."""
        return max(0, (now - self.called_at) // timedelta(minutes=1))


def standing_calls(connection: Connection, *conditions: ColumnElement[bool]) -> Sequence[CallFacts]:
    """Return the calls at which somebody is being helped now, the latest first."""
    call = emergency_call.c
    is_cared_for = care_over.c.id.is_(None) & event_file_closed.c.id.is_(None) & emergency_call_over.c.id.is_(None)
    rows = connection.execute(
        select(call.id, call.visit_id, visit.c.ticket_number, adverse_event.c.number, call.place_code, call.called_at)
        .join_from(emergency_call, visit, visit.c.id == call.visit_id)
        .outerjoin(adverse_event, adverse_event.c.id == call.event_id)
        .outerjoin(care_over, care_over.c.event_id == call.event_id)
        .outerjoin(event_file_closed, (event_file_closed.c.event_id == call.event_id) & closing_stands())
        .outerjoin(emergency_call_over, emergency_call_over.c.call_id == call.id)
        .where(is_cared_for, *conditions)
        .order_by(call.journal_seq.desc())
    )
    return [CallFacts(*row) for row in rows]


def calls_by_visit(connection: Connection) -> Mapping[UUID, CallFacts]:
    """Return the standing call of each visit that has one."""
    return {one.visit_id: one for one in reversed(standing_calls(connection))}


def call_of_visit(connection: Connection, visit_id: UUID) -> CallFacts | None:
    """Return the standing call of a visit."""
    return next(iter(standing_calls(connection, emergency_call.c.visit_id == visit_id)), None)


def log_of(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[CareEntry]:
    """Return an event's log in the order things happened, with what was struck out."""
    rows = connection.execute(
        select(care_line, care_line_struck.c.reason_sealed, care_line_struck.c.struck_by, care_line_struck.c.struck_at)
        .outerjoin_from(care_line, care_line_struck, care_line_struck.c.line_id == care_line.c.id)
        .where(care_line.c.event_id == event_id)
        .order_by(care_line.c.happened_at, care_line.c.journal_seq)
    )
    return [_entry(keyring, row) for row in rows]


def latest_vitals(entries: Sequence[CareEntry]) -> Vitals | None:
    """Return the vitals measured last that count."""
    return next((one.said for one in reversed(that_count(entries)) if isinstance(one.said, Vitals)), None)


def weight_of(entries: Sequence[CareEntry]) -> int | None:
    """Return the weight told last, in grams."""
    told = [one.said.weight_g for one in that_count(entries) if isinstance(one.said, Vitals)]
    return next((grams for grams in reversed(told) if grams), None)


def ending_of(connection: Connection, keyring: Keyring, event_id: UUID) -> Ending | None:
    """Return how the care ended, None while it goes on."""
    row = connection.execute(select(care_ending).where(care_ending.c.event_id == event_id)).first()
    return (
        None
        if row is None
        else msgspec.json.decode(keyring.open(row.ending_sealed, ending_context(row.id)), type=Ending)
    )


def shortfalls_of(connection: Connection, event_id: UUID) -> Sequence[KitThing]:
    """Return what the kit has no more of since this event."""
    found = select(kit_shortfall.c.thing).where(kit_shortfall.c.event_id == event_id)
    return connection.execute(found.order_by(kit_shortfall.c.journal_seq)).scalars().all()


def said_context(line_id: UUID) -> str:
    """Return under what a line is sealed."""
    return f"care_line:said:{line_id}"


def reason_context(line_id: UUID) -> str:
    """Return under what the reason is sealed for which a line was struck out."""
    return f"care_line_struck:reason:{line_id}"


def ending_context(ending_id: UUID) -> str:
    """Return under what an ending is sealed."""
    return f"care_ending:ending:{ending_id}"


def call_over_context(call_id: UUID) -> str:
    """Return under what is sealed what a call without a dose was about."""
    return f"emergency_call_over:words:{call_id}"


def _entry(keyring: Keyring, row: Any) -> CareEntry:
    said: Said = msgspec.json.decode(keyring.open(row.said_sealed, said_context(row.id)), type=SAID[row.kind])
    return CareEntry(row.id, row.kind, row.happened_at, row.entered_by, said, _struck(keyring, row))


def _struck(keyring: Keyring, row: Any) -> Struck | None:
    if row.struck_at is None:
        return None
    return Struck(keyring.open(row.reason_sealed, reason_context(row.id)), row.struck_by, row.struck_at)
