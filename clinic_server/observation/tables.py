"""How people left."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of
from clinic_server.observation.rules import DepartureKind, EarlyReason


class Departure(Record, table=True):
    """The end of a visit's observation."""

    __tablename__ = "departure"

    visit_id: UUID = Field(foreign_key="visit.id", unique=True)
    kind: DepartureKind = one_of(DepartureKind)
    reason: EarlyReason | None = one_of(EarlyReason, default=None, nullable=True)
    minutes_short: int
    left_at: datetime = instant()


departure = table_of(Departure)
