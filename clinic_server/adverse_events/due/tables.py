"""The calls of the clocks that were made."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from clinic_server.adverse_events.rules import EventStepKind
from clinic_server.kit.tables import Record, instant, one_of, table_of, text


class ClockCalled(Record, table=True):
    """The clock of a step called for the ``calls``-th time, by these deadlines; what is urgent counts for itself."""

    __tablename__ = "clock_called"
    __table_args__ = (UniqueConstraint("event_id", "step", "is_urgent", "calls"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    step: EventStepKind = one_of(EventStepKind)
    is_urgent: bool
    calls: int
    deadlines: str = text(50)
    due_at: datetime = instant()
    called_at: datetime = instant()


clock_called = table_of(ClockCalled)
