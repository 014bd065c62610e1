"""What a day was closed in spite of; the day itself stands with the openings, which ask for it."""

from uuid import UUID

from sqlmodel import Field

from clinic_server.closing.rules import DayFinding
from clinic_server.kit.tables import Record, one_of, table_of, text


class DaySigned(Record, table=True):
    """A difference that somebody took upon themselves when they closed the day."""

    __tablename__ = "day_signed"

    day_id: UUID = Field(foreign_key="day_closed.id", index=True)
    finding: DayFinding = one_of(DayFinding)
    subject: str = text(120)
    count: int
    reason: str = text(200)


day_signed = table_of(DaySigned)
