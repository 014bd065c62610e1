"""Permits, who sits at a bench, and people sent back; the doses given are the spine's (``visits/doses.py``)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.injection.rules import IdentityCheck, SentBackReason
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


class IdentityChecked(Record, table=True):
    """Whether whoever came to a bench is the one of a visit; the latest of a visit at a bench counts.

    ``delivery_id`` is what the bench's reader read, and ``shown_visit_id`` the open visit of whoever it belongs to.
    """

    __tablename__ = "identity_checked"
    __table_args__ = (Index(None, "visit_id", "station", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    station: str = text(32)
    how: IdentityCheck = one_of(IdentityCheck)
    is_called: bool
    delivery_id: UUID | None = Field(default=None, unique=True)
    shown_visit_id: UUID | None = Field(default=None, foreign_key="visit.id")
    checked_by: UUID = Field(foreign_key="staff.id")
    checked_at: datetime = instant()


class SentBack(Record, table=True):
    """A person the bench did not vaccinate and sent back to the questions."""

    __tablename__ = "sent_back"

    visit_id: UUID = Field(foreign_key="visit.id", index=True)
    reason: SentBackReason = one_of(SentBackReason)


permit = table_of(Permit)
bench_check = table_of(BenchCheck)
identity_checked = table_of(IdentityChecked)
sent_back = table_of(SentBack)
