"""Further vaccines that were taken back before their needle. The words are sealed."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, sealed, table_of


class FurtherWithdrawn(Record, table=True):
    """Why the further vaccine of a visit is not given after all."""

    __tablename__ = "further_withdrawn"

    visit_id: UUID = Field(foreign_key="visit.id", unique=True)
    words_sealed: bytes = sealed()
    withdrawn_by: UUID = Field(foreign_key="staff.id")
    withdrawn_at: datetime = instant()


further_withdrawn = table_of(FurtherWithdrawn)
