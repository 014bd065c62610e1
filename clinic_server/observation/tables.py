"""How people left."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of
from clinic_server.observation.rules import DepartureKind, EarlyReason, ExtensionReason


class Departure(Record, table=True):
    """The end of a visit's observation."""

    __tablename__ = "departure"

    visit_id: UUID = Field(foreign_key="visit.id", unique=True)
    kind: DepartureKind = one_of(DepartureKind)
    reason: EarlyReason | None = one_of(EarlyReason, default=None, nullable=True)
    minutes_short: int
    left_at: datetime = instant()


class Extension(Record, table=True):
    """An observation was made longer; the watch of the same journal line says until when."""

    __tablename__ = "extension"
    __table_args__ = (Index(None, "visit_id"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    minutes: int
    reason: ExtensionReason = one_of(ExtensionReason)


departure = table_of(Departure)
extension = table_of(Extension)
