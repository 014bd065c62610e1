"""Notes for the next shift, and who took it over. Words and the list are sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, sealed, table_of


class HandoverNote(Record, table=True):
    """What a nurse wrote for the next shift; without a visit it is about the area."""

    __tablename__ = "handover_note"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID | None = Field(default=None, foreign_key="visit.id")
    words_sealed: bytes = sealed()
    written_by: UUID = Field(foreign_key="staff.id")
    written_at: datetime = instant(index=True)


class ShiftTakenOver(Record, table=True):
    """Somebody took over everybody on the list as it stood; ``list_sealed`` is JSON of it."""

    __tablename__ = "shift_taken_over"

    people: int
    list_sealed: bytes = sealed()
    taken_by: UUID = Field(foreign_key="staff.id")
    taken_at: datetime = instant()


handover_note = table_of(HandoverNote)
shift_taken_over = table_of(ShiftTakenOver)
