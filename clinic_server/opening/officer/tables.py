"""Who reported adverse events for the site, since when."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, table_of


class OfficerNamed(Record, table=True):
    """From now on this person reports adverse events; the latest counts."""

    __tablename__ = "officer_named"

    staff_id: UUID = Field(foreign_key="staff.id")
    named_by: UUID = Field(foreign_key="staff.id")
    named_at: datetime = instant()


officer_named = table_of(OfficerNamed)
