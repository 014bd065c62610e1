"""Recalls, the calls made for them, and destructions with both signatures."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.recall.rules import CallOutcome
from clinic_server.stock.whereabouts import HoldEnd


class Recall(Record, table=True):
    """What a stop order stopped is called back; ``next_step`` is what everybody is told to do."""

    __tablename__ = "recall"

    stop_id: UUID = Field(foreign_key="stop_order.id", unique=True)
    next_step: str = text(300)
    begun_by: UUID = Field(foreign_key="staff.id")
    begun_at: datetime = instant()


class RecallCall(Record, table=True):
    """Somebody was called, or nobody answered; the latest of a person counts."""

    __tablename__ = "recall_call"
    __table_args__ = (Index(None, "recall_id", "person_id"),)

    recall_id: UUID = Field(foreign_key="recall.id")
    person_id: UUID = Field(foreign_key="person.id")
    outcome: CallOutcome = one_of(CallOutcome)
    note_sealed: bytes | None = sealed(default=None)
    called_by: UUID = Field(foreign_key="staff.id")
    called_at: datetime = instant()


class Destruction(Record, table=True):
    """Units that are to leave the site for good, proposed by the first of two people before a witness."""

    __tablename__ = "destruction"

    end: HoldEnd = one_of(HoldEnd)
    reason: str = text(200)
    witness_sealed: bytes = sealed()
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime = instant()


class DestructionUnit(Record, table=True):
    """One unit of a destruction."""

    __tablename__ = "destruction_unit"

    destruction_id: UUID = Field(foreign_key="destruction.id", index=True)
    unit_id: UUID = Field(foreign_key="unit.id")


class DestructionConfirmed(Record, table=True):
    """The second signature: from here on the units are gone."""

    __tablename__ = "destruction_confirmed"
    __table_args__ = (CheckConstraint("confirmed_by <> proposed_by", name="two_people"),)

    destruction_id: UUID = Field(foreign_key="destruction.id", unique=True)
    proposed_by: UUID = Field(foreign_key="staff.id")
    confirmed_by: UUID = Field(foreign_key="staff.id")
    confirmed_at: datetime = instant()


recall = table_of(Recall)
recall_call = table_of(RecallCall)
destruction = table_of(Destruction)
destruction_unit = table_of(DestructionUnit)
destruction_confirmed = table_of(DestructionConfirmed)
