"""The exit readers that were opened, and what each person at one was told."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, table_of, text
from clinic_server.observation.exit.rules import ExitAnswer, ShownBy


class ExitReader(Record, table=True):
    """A screen at the exit, opened by somebody of the staff; a newer one at the station ends it."""

    __tablename__ = "exit_reader"

    station: str = text(32, foreign_key="station.code")
    opened_by: UUID = Field(foreign_key="staff.id")
    opened_at: datetime = instant()
    valid_until: datetime = instant()


class ExitScan(Record, table=True):
    """One answer at the exit; ``reason`` is the code of what keeps somebody whom a nurse comes to."""

    __tablename__ = "exit_scan"

    reader_id: UUID = Field(foreign_key="exit_reader.id")
    visit_id: UUID | None = Field(default=None, foreign_key="visit.id")
    shown_by: ShownBy = one_of(ShownBy)
    answer: ExitAnswer = one_of(ExitAnswer)
    minutes: int
    reason: str | None = text(64, default=None)
    scanned_at: datetime = instant(index=True)


exit_reader = table_of(ExitReader)
exit_scan = table_of(ExitScan)
