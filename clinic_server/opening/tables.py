"""Openings, what was said about the safeguards, what paused injections when, and closings."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.opening.rules import Safeguard, Variant


class Opening(Record, table=True):
    """The site opened for a clinic day, the ``number``-th time, under terms that hold until ``ends_at``."""

    __tablename__ = "opening"
    __table_args__ = (
        UniqueConstraint("business_on", "number"),
        Index(None, "journal_seq"),
        CheckConstraint("minimum_physicians >= 1", name="minimum_physicians"),
    )

    business_on: date
    number: int
    variant: Variant = one_of(Variant)
    checklist_code: str = text(40)
    checklist_version: int
    minimum_physicians: int
    absent_after_minutes: int
    opened_by: UUID = Field(foreign_key="staff.id")
    opened_at: datetime = instant()
    ends_at: datetime = instant()


class SafeguardStatement(Record, table=True):
    """A safeguard stated with its names, or withdrawn with a reason; the latest of an opening counts."""

    __tablename__ = "safeguard_statement"

    opening_id: UUID = Field(foreign_key="opening.id", index=True)
    safeguard: Safeguard = one_of(Safeguard)
    stands: bool
    said_sealed: bytes = sealed()
    stated_at: datetime = instant()


class Closing(Record, table=True):
    """The site closed before its clinic day was over."""

    __tablename__ = "closing"

    opening_id: UUID = Field(foreign_key="opening.id", unique=True)
    closed_by: UUID = Field(foreign_key="staff.id")
    closed_at: datetime = instant()


class DayClosed(Record, table=True):
    """A clinic day was closed: its figures as they were then, as JSON (``closing``)."""

    __tablename__ = "day_closed"

    business_on: date = Field(unique=True)
    figures: bytes = Field(sa_type=LargeBinary)
    closed_by: UUID = Field(foreign_key="staff.id")
    closed_at: datetime = instant()


class OpenedRegardless(Record, table=True):
    """An opening although the day before was never closed, and why."""

    __tablename__ = "opened_regardless"

    opening_id: UUID = Field(foreign_key="opening.id", unique=True)
    unclosed_on: date
    reason: str = text(200)


class PausesTold(Record, table=True):
    """What paused injections changed: the lapses that stand from now on, none when they may go on again."""

    __tablename__ = "pauses_told"

    opening_id: UUID = Field(foreign_key="opening.id", index=True)
    lapses: str = text(400)
    told_at: datetime = instant()


opening = table_of(Opening)
safeguard_statement = table_of(SafeguardStatement)
closing = table_of(Closing)
day_closed = table_of(DayClosed)
opened_regardless = table_of(OpenedRegardless)
pauses_told = table_of(PausesTold)
