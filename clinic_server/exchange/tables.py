"""Files that came in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from clinic_server.exchange.rules import ImportKind
from clinic_server.kit.tables import Record, instant, one_of, table_of, text


class Imported(Record, table=True):
    """A file whose every row was recorded; the same file comes in once. ``sha256`` is of its bytes."""

    __tablename__ = "imported"
    __table_args__ = (UniqueConstraint("kind", "sha256"),)

    kind: ImportKind = one_of(ImportKind)
    sha256: str = text(64)
    file_name: str = text(120)
    rows: int
    imported_by: UUID = Field(foreign_key="staff.id")
    imported_at: datetime = instant()


imported = table_of(Imported)
