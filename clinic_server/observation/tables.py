"""How people left."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of
from clinic_server.observation.rules import DepartureKind, EarlyReason, ExtensionReason
from clinic_server.people.tables import Signed, signature_checks


class Departure(Record, table=True):
    """The end of a visit's observation."""

    __tablename__ = "departure"

    visit_id: UUID = Field(foreign_key="visit.id", unique=True)
    kind: DepartureKind = one_of(DepartureKind)
    reason: EarlyReason | None = one_of(EarlyReason, default=None, nullable=True)
    minutes_short: int
    left_at: datetime = instant()


class EarlyLeave(Record, table=True):
    """Who told somebody what leaving early means."""

    __tablename__ = "early_leave"

    departure_id: UUID = Field(foreign_key="departure.id", unique=True)
    informed_by: UUID = Field(foreign_key="staff.id")


class EarlyLeaveSignature(Signed, table=True):
    """The signature of whoever wished to leave early, or of a minor's guardian."""

    __tablename__ = "early_leave_signature"
    __table_args__ = signature_checks()

    departure_id: UUID = Field(foreign_key="departure.id", unique=True)


class TimeVouched(Record, table=True):
    """A nurse answers for time that nobody can prove, having looked at the person."""

    __tablename__ = "time_vouched"

    departure_id: UUID = Field(foreign_key="departure.id", unique=True)
    reason_sealed: bytes = sealed()
    vouched_by: UUID = Field(foreign_key="staff.id")


class Extension(Record, table=True):
    """An observation was made longer; the watch of the same journal line says until when."""

    __tablename__ = "extension"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    minutes: int
    reason: ExtensionReason = one_of(ExtensionReason)


departure = table_of(Departure)
early_leave = table_of(EarlyLeave)
early_leave_signature = table_of(EarlyLeaveSignature)
time_vouched = table_of(TimeVouched)
extension = table_of(Extension)
