"""When whose next dose is due, as it was reckoned from their past."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, table_of, text


class DueReckoning(Record, table=True):
    """The server looked at everybody whose past changed up to a line of the journal."""

    __tablename__ = "due_reckoning"

    upto_seq: int = Field(sa_type=BigInteger, unique=True)
    reckoned_at: datetime = instant()


class DoseDue(Record, table=True):
    """A person's next dose of a vaccine; the latest row of both counts, one without days says that none is due."""

    __tablename__ = "dose_due"
    __table_args__ = (
        Index(None, "person_id", "vaccine_code", "journal_seq", unique=True),
        Index(None, "recommended_on"),
        CheckConstraint("(earliest_on IS NULL) = (recommended_on IS NULL)", name="both_days_or_none"),
    )

    reckoning_id: UUID = Field(foreign_key="due_reckoning.id")
    person_id: UUID = Field(foreign_key="person.id")
    vaccine_code: str = text(40)
    earliest_on: date | None = None
    recommended_on: date | None = None
    past_due_on: date | None = None


due_reckoning = table_of(DueReckoning)
dose_due = table_of(DoseDue)
