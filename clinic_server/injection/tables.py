"""Permits, and people sent back; the doses given under permits are the spine's (``visits/doses.py``)."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.injection.rules import SentBackReason
from clinic_server.kit.tables import Record, instant, one_of, table_of, text


class Permit(Record, table=True):
    """The server's leave to give one dose: this person, this order, this unit, this bench, for minutes."""

    __tablename__ = "permit"

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    order_id: UUID = Field(foreign_key="visit_order.id")
    consent_id: UUID
    unit_id: UUID = Field(foreign_key="unit.id")
    station: str = text(32)
    vaccinator_id: UUID = Field(foreign_key="staff.id")
    granted_at: datetime = instant()
    expires_at: datetime = instant()


class BenchCheck(Record, table=True):
    """What a person at the bench confirmed for a permit: the list's edition, and each confirmation by its code."""

    __tablename__ = "bench_check"

    permit_id: UUID = Field(foreign_key="permit.id", unique=True)
    check_list: str = text(40)
    confirmed: str = text(700)
    confirmed_by: UUID = Field(foreign_key="staff.id")
    confirmed_at: datetime = instant()


class SentBack(Record, table=True):
    """A person the bench did not vaccinate and sent back to the questions."""

    __tablename__ = "sent_back"

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    reason: SentBackReason = one_of(SentBackReason)


permit = table_of(Permit)
bench_check = table_of(BenchCheck)
sent_back = table_of(SentBack)
