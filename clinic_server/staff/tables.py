"""Staff, what they were granted, their certificates, their PINs, and who is signed in where."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary
from sqlmodel import Field

from clinic_server.kit.tables import AppendOnly, Record, State, instant, one_of, sealed, table_of, text
from clinic_server.staff.rules import QualificationKind, Role, StationKind


class Staff(Record, table=True):
    """Someone who works here; ``number`` is what they type to sign in and is never given again."""

    __tablename__ = "staff"

    number: str = text(12, unique=True)
    name_sealed: bytes = sealed()
    added_at: datetime = instant()


class StaffPin(Record, table=True):
    """A PIN set for someone; the latest counts."""

    __tablename__ = "staff_pin"
    __table_args__ = (Index(None, "staff_id", "journal_seq"),)

    staff_id: UUID = Field(foreign_key="staff.id")
    pin_hash: str = text(160)
    set_at: datetime = instant()


class RoleGrant(Record, table=True):
    """A role granted, or revoked when ``granted`` is false; the latest of a role counts."""

    __tablename__ = "role_grant"
    __table_args__ = (Index(None, "staff_id", "journal_seq"),)

    staff_id: UUID = Field(foreign_key="staff.id")
    role: Role = one_of(Role)
    granted: bool
    decided_at: datetime = instant()


class Qualification(Record, table=True):
    """A certificate, valid on both dates and between; the latest entry of a certificate counts."""

    __tablename__ = "qualification"
    __table_args__ = (Index(None, "staff_id", "journal_seq"),)

    staff_id: UUID = Field(foreign_key="staff.id")
    kind: QualificationKind = one_of(QualificationKind)
    certificate_number: str = text(40)
    valid_from: date
    valid_until: date
    recorded_at: datetime = instant()


class StaffEnded(Record, table=True):
    """Someone no longer works here."""

    __tablename__ = "staff_ended"

    staff_id: UUID = Field(foreign_key="staff.id", unique=True)
    ended_at: datetime = instant()


class PinAttempt(AppendOnly, table=True):
    """One try to sign in; the number is kept as a blind index, because people type PINs into the wrong field."""

    __tablename__ = "pin_attempt"
    __table_args__ = (Index(None, "number_index", "id"),)

    id: UUID = Field(primary_key=True)
    number_index: bytes = Field(sa_type=LargeBinary)
    succeeded: bool
    at: datetime = instant()


class Station(State, table=True):
    """A place where someone signs in; devices deliver to it by its code."""

    __tablename__ = "station"

    kind: StationKind = one_of(StationKind)
    code: str = text(32, primary_key=True)


class Session(State, table=True):
    """Someone signed in at a station; of the token only the digest is kept."""

    __tablename__ = "staff_session"
    __table_args__ = (Index(None, "signed_in_at"),)

    id: UUID = Field(primary_key=True)
    token_digest: bytes = Field(sa_type=LargeBinary, unique=True)
    staff_id: UUID = Field(foreign_key="staff.id", index=True)
    station: str = text(32, foreign_key="station.code")
    signed_in_at: datetime = instant()
    last_seen_at: datetime = instant()
    ended_at: datetime | None = instant(default=None)


staff = table_of(Staff)
staff_pin = table_of(StaffPin)
role_grant = table_of(RoleGrant)
qualification = table_of(Qualification)
staff_ended = table_of(StaffEnded)
pin_attempt = table_of(PinAttempt)
station = table_of(Station)
staff_session = table_of(Session)
