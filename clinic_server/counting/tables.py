"""Counts, what they found, how it was explained, and by which two people it was settled."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from clinic_server.counting.rules import DifferenceKind, DifferenceReason
from clinic_server.kit.tables import Record, instant, one_of, table_of, text


class StockCount(Record, table=True):
    """Somebody scanned everything that lies in a place."""

    __tablename__ = "stock_count"

    place_id: UUID = Field(foreign_key="place.id")
    units_recorded: int
    units_scanned: int
    counted_by: UUID = Field(foreign_key="staff.id")
    counted_at: datetime = instant()


class CountDifference(Record, table=True):
    """A unit that was not as the records say; ``unit_id`` is None for a code nobody received."""

    __tablename__ = "count_difference"

    count_id: UUID = Field(foreign_key="stock_count.id", index=True)
    kind: DifferenceKind = one_of(DifferenceKind)
    trace_code: str = text(50)
    unit_id: UUID | None = Field(default=None, foreign_key="unit.id")
    recorded_place: str | None = text(32, default=None)


class DifferenceExplained(Record, table=True):
    """Why a unit differs, as the first of two people sees it; the latest explanation counts."""

    __tablename__ = "difference_explained"

    difference_id: UUID = Field(foreign_key="count_difference.id", index=True)
    reason: DifferenceReason = one_of(DifferenceReason)
    note: str | None = text(200, default=None)
    explained_by: UUID = Field(foreign_key="staff.id")
    explained_at: datetime = instant()


class DifferenceSettled(Record, table=True):
    """The second of the two: from here on records and place agree about this unit."""

    __tablename__ = "difference_settled"
    __table_args__ = (CheckConstraint("confirmed_by <> explained_by", name="two_people"),)

    difference_id: UUID = Field(foreign_key="count_difference.id", unique=True)
    explanation_id: UUID = Field(foreign_key="difference_explained.id", unique=True)
    explained_by: UUID = Field(foreign_key="staff.id")
    confirmed_by: UUID = Field(foreign_key="staff.id")
    settled_at: datetime = instant()


stock_count = table_of(StockCount)
count_difference = table_of(CountDifference)
difference_explained = table_of(DifferenceExplained)
difference_settled = table_of(DifferenceSettled)
