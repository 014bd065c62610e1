"""Hospitals as they were listed, and which was designated for whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.opening.hospitals.rules import HospitalKind
from clinic_server.opening.rules import Variant


class HospitalListed(Record, table=True):
    """A hospital entered, or entered anew; the latest of a code counts."""

    __tablename__ = "hospital"
    __table_args__ = (
        Index(None, "code"),
        CheckConstraint("reserved_beds BETWEEN 0 AND 1000", name="reserved_beds"),
        CheckConstraint("minutes_away BETWEEN 1 AND 240", name="minutes_away"),
    )

    code: str = text(32)
    name: str = text(80)
    kind: HospitalKind = one_of(HospitalKind)
    phone: str = text(40)
    green_contact_sealed: bytes = sealed()
    expert_sealed: bytes = sealed()
    reserved_beds: int
    minutes_away: int
    listed_by: UUID = Field(foreign_key="staff.id")
    listed_at: datetime = instant()


class HospitalDesignated(Record, table=True):
    """From now on people of this kind are taken here; the latest of a kind counts."""

    __tablename__ = "hospital_designated"

    variant: Variant = one_of(Variant)
    code: str = text(32)
    designated_by: UUID = Field(foreign_key="staff.id")
    designated_at: datetime = instant()


hospital = table_of(HospitalListed)
hospital_designated = table_of(HospitalDesignated)
