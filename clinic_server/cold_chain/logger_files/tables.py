"""Files of loggers as they were attached; a series of their own, never mixed into a probe's readings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlmodel import Field

from clinic_server.cold_chain.logger_files.rules import MOST_BYTES
from clinic_server.kit.tables import Record, instant, table_of, text


class LoggerFile(Record, table=True):
    """A logger's report, byte for byte; what it says is read from it again whenever it is shown."""

    __tablename__ = "logger_file"
    __table_args__ = (
        Index(None, "place_code", "journal_seq"),
        CheckConstraint(f"length(content) <= {MOST_BYTES}", name="content_length"),
    )

    sha256: str = text(64, unique=True)
    file_name: str = text(120)
    content: bytes = Field(sa_type=LargeBinary)
    device: str = text(80)
    serial: str = text(40)
    place_code: str = text(32, foreign_key="place.code")
    attached_by: UUID = Field(foreign_key="staff.id")
    attached_at: datetime = instant()


logger_file = table_of(LoggerFile)
