"""Which station belongs to which lane, who stands in which, who goes first and why, and which batches were let in."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.queue.rules import PriorityReason


class StationLane(Record, table=True):
    """A station put into a lane, or out of all of them; the latest of a station counts."""

    __tablename__ = "station_lane"

    station: str = text(32, foreign_key="station.code", index=True)
    lane: str | None = text(4, default=None)
    decided_by: UUID = Field(foreign_key="staff.id")
    decided_at: datetime = instant()


class VisitLane(Record, table=True):
    """A ticket stands in a lane, and comes in with a batch of it; the latest of a visit counts."""

    __tablename__ = "visit_lane"
    __table_args__ = (Index(None, "visit_id", "journal_seq"), Index(None, "business_on", "lane"))

    visit_id: UUID = Field(foreign_key="visit.id")
    business_on: date
    lane: str = text(4)
    batch: int | None = None
    joined_at: datetime = instant()


class VisitPriority(Record, table=True):
    """Somebody goes first for a reason, or not any more without one; the latest of a visit counts."""

    __tablename__ = "visit_priority"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    reason: PriorityReason | None = one_of(PriorityReason, nullable=True, default=None)
    decided_by: UUID = Field(foreign_key="staff.id")
    decided_at: datetime = instant()


class BatchAdmitted(Record, table=True):
    """A lane's batches up to this one may come in on a clinic day; the first may without it."""

    __tablename__ = "batch_admitted"
    __table_args__ = (Index(None, "business_on", "lane"), CheckConstraint("upto_batch >= 1", name="upto_batch"))

    business_on: date
    lane: str = text(4)
    upto_batch: int
    admitted_by: UUID = Field(foreign_key="staff.id")
    admitted_at: datetime = instant()


class VisitGroup(Record, table=True):
    """People who came together; ``label`` is the name of their class, firm or house, and of nobody."""

    __tablename__ = "visit_group"

    label: str = text(20)
    business_on: date
    formed_by: UUID = Field(foreign_key="staff.id")
    formed_at: datetime = instant()


class VisitInGroup(Record, table=True):
    """A visit belongs to a group."""

    __tablename__ = "visit_in_group"

    visit_id: UUID = Field(foreign_key="visit.id", unique=True)
    group_id: UUID = Field(foreign_key="visit_group.id", index=True)


station_lane = table_of(StationLane)
visit_lane = table_of(VisitLane)
visit_priority = table_of(VisitPriority)
batch_admitted = table_of(BatchAdmitted)
visit_group = table_of(VisitGroup)
visit_in_group = table_of(VisitInGroup)
