"""What was found when somebody was looked at, and what a physician overruled. Health is sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, sealed, table_of


class ObservationCheck(Record, table=True):
    """One look at somebody under observation; ``given_at`` names the watch it belongs to."""

    __tablename__ = "observation_check"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    given_at: datetime = instant()
    minutes_in: int
    said_sealed: bytes = sealed()
    checked_by: UUID = Field(foreign_key="staff.id")
    checked_at: datetime = instant()


class CheckOverruled(Record, table=True):
    """A physician lets somebody go in spite of what the checks before say, or without one."""

    __tablename__ = "check_overruled"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    given_at: datetime = instant()
    minutes_in: int
    reason_sealed: bytes = sealed()
    physician_id: UUID = Field(foreign_key="staff.id")
    overruled_at: datetime = instant()


observation_check = table_of(ObservationCheck)
check_overruled = table_of(CheckOverruled)
