"""Who looked at whose data, and what the walks over the journal found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index
from sqlmodel import Field

from clinic_server.audit.rules import Subject
from clinic_server.kit.tables import Record, instant, one_of, table_of, text


class LookedAt(Record, table=True):
    """Somebody saw a page with one person's data; ``person_id`` is None where the subject was unknown."""

    __tablename__ = "look"
    __table_args__ = (
        Index(None, "looked_at"),
        Index(None, "person_id", "looked_at"),
        Index(None, "staff_id", "looked_at"),
    )

    staff_id: UUID = Field(foreign_key="staff.id")
    station: str | None = text(32, default=None)
    subject: Subject = one_of(Subject)
    subject_id: str = text(64)
    person_id: UUID | None = Field(default=None, foreign_key="person.id")
    page: str = text(120)
    looked_at: datetime = instant()


class JournalChecked(Record, table=True):
    """A walk over the whole journal and every record it vouches for, up to a line."""

    __tablename__ = "journal_checked"

    head_seq: int = Field(sa_type=BigInteger)
    records: int = Field(sa_type=BigInteger)
    faults: int
    checked_by: UUID = Field(foreign_key="staff.id")
    checked_at: datetime = instant()


look = table_of(LookedAt)
journal_checked = table_of(JournalChecked)
