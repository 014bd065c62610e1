"""The seats as they were listed, and where each person was placed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.observation.seats.rules import FoundBy


class SeatListed(Record, table=True):
    """A seat entered, entered anew, or taken out of use; the latest of a code counts."""

    __tablename__ = "seat"
    __table_args__ = (Index(None, "code"),)

    code: str = text(32)
    zone: str = text(40)
    is_retired: bool
    listed_by: UUID = Field(foreign_key="staff.id")
    listed_at: datetime = instant()


class Placement(Record, table=True):
    """Somebody was led to a seat, or stands; the first of a visit is the arrival, the latest counts."""

    __tablename__ = "placement"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    seat_code: str | None = text(32, default=None)
    found_by: FoundBy = one_of(FoundBy)
    placed_by: UUID = Field(foreign_key="staff.id")
    placed_at: datetime = instant()


seat = table_of(SeatListed)
placement = table_of(Placement)
