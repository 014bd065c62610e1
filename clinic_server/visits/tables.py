"""A visit, its steps, and the cache of where it stands."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from clinic_server.kit.tables import Record, State, code, instant, table_of, text
from clinic_server.visits.flow import Outcome, Stage


class Visit(Record, table=True):
    """One person's way through the site on one clinic day."""

    __tablename__ = "visit"
    __table_args__ = (UniqueConstraint("business_on", "ticket_number"),)

    person_id: UUID = Field(foreign_key="person.id")
    business_on: date
    ticket_number: int
    opened_at: datetime = instant()


class VisitStep(Record, table=True):
    """One step taken; ``record_id`` names what was recorded at it, in the table of its stage."""

    __tablename__ = "visit_step"
    __table_args__ = (Index(None, "visit_id", "id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    outcome: Outcome = code(Outcome)
    stage: Stage = code(Stage)
    record_id: UUID | None = None
    taken_at: datetime = instant()


class VisitNow(State, table=True):
    """Where each visit stands: the fold of its steps, kept by the transaction that takes a step."""

    __tablename__ = "visit_now"
    __table_args__ = (
        Index(
            "uq_visit_now_one_open_visit",
            "person_id",
            unique=True,
            sqlite_where=sql("is_open"),
            postgresql_where=sql("is_open"),
        ),
        Index("ix_visit_now_day", "business_on", "stage"),
    )

    visit_id: UUID = Field(primary_key=True, foreign_key="visit.id")
    person_id: UUID = Field(foreign_key="person.id")
    business_on: date
    ticket_number: int
    stage: Stage = code(Stage)
    is_open: bool
    since_at: datetime = instant()
    since_seq: int = Field(sa_type=BigInteger)


class Call(Record, table=True):
    """A ticket called to a station; it stands until the visit's next step or the next call."""

    __tablename__ = "visit_call"
    __table_args__ = (Index(None, "visit_id", "id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    station: str = text(32)
    called_at: datetime = instant()


visit = table_of(Visit)
visit_step = table_of(VisitStep)
visit_now = table_of(VisitNow)
visit_call = table_of(Call)
