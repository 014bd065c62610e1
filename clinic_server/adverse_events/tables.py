"""Adverse events, the doses they are suspected to follow, how the care on site ended, files closed and reopened."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from clinic_server.adverse_events.rules import CareEnd, EventStepKind, FoundHow
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text


class AdverseEvent(Record, table=True):
    """Something untoward after a dose: one file a case; of a visit where it was seen on site."""

    __tablename__ = "adverse_event"
    __table_args__ = (Index(None, "person_id"), Index(None, "visit_id"))

    number: int = Field(unique=True)
    person_id: UUID = Field(foreign_key="person.id")
    visit_id: UUID | None = Field(default=None, foreign_key="visit.id")
    found_how: FoundHow = one_of(FoundHow)
    seat_code: str = text(32)
    discovered_at: datetime = instant()
    onset_at: datetime = instant()
    opened_by: UUID | None = Field(default=None, foreign_key="staff.id")
    opened_at: datetime = instant()


class SuspectDose(Record, table=True):
    """A dose an event is suspected to follow: ours, or one elsewhere as it was told (sealed JSON)."""

    __tablename__ = "suspect_dose"
    __table_args__ = (
        UniqueConstraint("event_id", "position"),
        Index(None, "dose_id"),
        CheckConstraint("(dose_id IS NULL) <> (elsewhere_sealed IS NULL)", name="here_or_elsewhere"),
    )

    event_id: UUID = Field(foreign_key="adverse_event.id")
    position: int
    dose_id: UUID | None = Field(default=None, foreign_key="dose.id")
    elsewhere_sealed: bytes | None = sealed(default=None, nullable=True)


class CareOver(Record, table=True):
    """The care on site ended."""

    __tablename__ = "care_over"

    event_id: UUID = Field(foreign_key="adverse_event.id", unique=True)
    care_end: CareEnd = one_of(CareEnd)
    ended_by: UUID | None = Field(default=None, foreign_key="staff.id")
    ended_at: datetime = instant()


class EventClassed(Record, table=True):
    """An event was said to be of a kind: sealed JSON; the latest counts."""

    __tablename__ = "event_classed"
    __table_args__ = (Index(None, "event_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    class_sealed: bytes = sealed()
    classed_by: UUID = Field(foreign_key="staff.id")
    classed_at: datetime = instant()


class EventStep(Record, table=True):
    """A step was taken that may begin or end a clock; ``taken_at`` is when, by whoever noted it."""

    __tablename__ = "event_step"
    __table_args__ = (UniqueConstraint("event_id", "step"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    step: EventStepKind = one_of(EventStepKind)
    taken_at: datetime = instant()
    noted_by: UUID = Field(foreign_key="staff.id")
    noted_at: datetime = instant()


class EventFileClosed(Record, table=True):
    """Nothing more is to be done about an event; it stands unless a file was reopened that it closed."""

    __tablename__ = "event_file_closed"
    __table_args__ = (Index(None, "event_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    closed_by: UUID = Field(foreign_key="staff.id")
    closed_at: datetime = instant()


class EventFileReopened(Record, table=True):
    """More is to be done about an event after all, and why."""

    __tablename__ = "event_file_reopened"

    closing_id: UUID = Field(foreign_key="event_file_closed.id", unique=True)
    reason_sealed: bytes = sealed()
    reopened_by: UUID = Field(foreign_key="staff.id")
    reopened_at: datetime = instant()


adverse_event = table_of(AdverseEvent)
suspect_dose = table_of(SuspectDose)
care_over = table_of(CareOver)
event_classed = table_of(EventClassed)
event_step = table_of(EventStep)
event_file_closed = table_of(EventFileClosed)
event_file_reopened = table_of(EventFileReopened)
