"""A check-in as it was recorded."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from clinic_server.check_in.rules import How, TypedReason
from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.people.documents import DocumentKind


class CheckIn(Record, table=True):
    """Somebody came to a registration desk and was given a ticket; ``findings`` are codes between blanks."""

    __tablename__ = "check_in"
    __table_args__ = (CheckConstraint("(how = 'typed') = (typed_reason IS NOT NULL)", name="typed_with_reason"),)

    person_id: UUID = Field(foreign_key="person.id", index=True)
    how: How = one_of(How)
    typed_reason: TypedReason | None = one_of(TypedReason, default=None)
    document_kind: DocumentKind = one_of(DocumentKind)
    station: str | None = text(32, default=None)
    findings: str = text(200)
    admission_version: str = text(32)
    checked_in_at: datetime = instant()


check_in = table_of(CheckIn)
