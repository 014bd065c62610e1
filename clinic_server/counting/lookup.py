"""Counts and what of their differences is still open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, select

from clinic_server.counting.rules import CountUnknown, DifferenceKind, DifferenceReason, DifferenceUnknown
from clinic_server.counting.tables import count_difference, difference_explained, difference_settled, stock_count
from clinic_server.stock.tables import place, unit_hold
from clinic_server.stock.unit_rows import still_held

LATEST = 20


@dataclass(frozen=True, slots=True)
class CountFacts:
    """A count of one place."""

    count_id: UUID
    place_code: str
    units_recorded: int
    units_scanned: int
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a unit differs, by the first of two people."""

    explanation_id: UUID
    reason: DifferenceReason
    note: str | None
    explained_by: UUID


@dataclass(frozen=True, slots=True)
class DifferenceFacts:
    """A difference as it stands; ``is_held`` says that its unit was set apart for it and still is."""

    difference_id: UUID
    count_id: UUID
    place_code: str
    counted_at: datetime
    kind: DifferenceKind
    trace_code: str
    unit_id: UUID | None
    recorded_place: str | None
    is_held: bool
    is_settled: bool
    explanation: Explanation | None = None


def latest_counts(connection: Connection) -> Sequence[CountFacts]:
    """Return the last counts, the latest first."""
    rows = connection.execute(_counts().order_by(stock_count.c.journal_seq.desc()).limit(LATEST))
    return [CountFacts(*row) for row in rows]


def require_count(connection: Connection, count_id: UUID) -> CountFacts:
    """Return one count, or raise CountUnknown."""
    row = connection.execute(_counts().where(stock_count.c.id == count_id)).first()
    if row is None:
        raise CountUnknown
    return CountFacts(*row)


def open_differences(connection: Connection) -> Sequence[DifferenceFacts]:
    """Return every difference that two people have not settled, the earliest count first."""
    return _differences(connection, ~_is_settled())


def differences_of(connection: Connection, count_id: UUID) -> Sequence[DifferenceFacts]:
    """Return everything one count found."""
    return _differences(connection, count_difference.c.count_id == count_id)


def require_difference(connection: Connection, difference_id: UUID) -> DifferenceFacts:
    """Return one difference, or raise DifferenceUnknown."""
    found = _differences(connection, count_difference.c.id == difference_id)
    if not found:
        raise DifferenceUnknown
    return found[0]


def _counts() -> Any:
    told = (stock_count.c.units_recorded, stock_count.c.units_scanned, stock_count.c.counted_at)
    return select(stock_count.c.id, place.c.code, *told).join(place, place.c.id == stock_count.c.place_id)


def _differences(connection: Connection, condition: Any) -> Sequence[DifferenceFacts]:
    rows = connection.execute(
        select(
            count_difference.c.id,
            stock_count.c.id,
            place.c.code,
            stock_count.c.counted_at,
            count_difference.c.kind,
            count_difference.c.trace_code,
            count_difference.c.unit_id,
            count_difference.c.recorded_place,
            exists().where(unit_hold.c.cause_id == count_difference.c.id, still_held()),
            _is_settled(),
        )
        .join(stock_count, stock_count.c.id == count_difference.c.count_id)
        .join(place, place.c.id == stock_count.c.place_id)
        .where(condition)
        .order_by(count_difference.c.journal_seq, count_difference.c.id)
    )
    explained = _explanations(connection, condition)
    return [replace(DifferenceFacts(*row), explanation=explained.get(row[0])) for row in rows]


def _explanations(connection: Connection, condition: Any) -> Mapping[UUID, Explanation]:
    rows = connection.execute(
        select(
            difference_explained.c.difference_id,
            difference_explained.c.id,
            difference_explained.c.reason,
            difference_explained.c.note,
            difference_explained.c.explained_by,
        )
        .join(count_difference, count_difference.c.id == difference_explained.c.difference_id)
        .where(condition)
        .order_by(difference_explained.c.journal_seq)
    )
    return {difference_id: Explanation(*told) for difference_id, *told in rows}


def _is_settled() -> Any:
    return exists().where(difference_settled.c.difference_id == count_difference.c.id)
