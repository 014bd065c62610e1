"""What was attached, read again, day by day beside what the place's own probes said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, and_, func, or_, select

from clinic_server.cold_chain.logger_files.rules import (
    LoggerDay,
    LoggerFileUnknown,
    LoggerReport,
    latest_days,
    read_report,
)
from clinic_server.cold_chain.logger_files.tables import logger_file
from clinic_server.cold_chain.placements import placements
from clinic_server.cold_chain.tables import COUNTS, heard_probe, reading, to_unix_ms


@dataclass(frozen=True, slots=True)
class FileLine:
    """One attached file."""

    file_id: UUID
    file_name: str
    device: str
    serial: str
    place_code: str
    attached_at: datetime


@dataclass(frozen=True, slots=True)
class ProbeDay:
    """What the probes that stood in a place said on one day, in milli-Celsius; None where they said nothing."""

    min_milli_celsius: int | None
    max_milli_celsius: int | None
    readings: int


@dataclass(frozen=True, slots=True)
class DayCompared:
    """One day of a logger beside the same day of the place's probes; of a logger with rows only the extremes count."""

    on: date
    logger_min: int
    logger_max: int
    summary: LoggerDay | None
    probe: ProbeDay

    @property
    def widest_difference(self) -> int | None:
        """How far the two are apart at most, in milli-Celsius."""
        if self.probe.min_milli_celsius is None or self.probe.max_milli_celsius is None:
            return None
        return max(
            abs(self.logger_min - self.probe.min_milli_celsius), abs(self.logger_max - self.probe.max_milli_celsius)
        )


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file with what it says; ``days`` join every file of the same logger and place."""

    line: FileLine
    report: LoggerReport
    days: Sequence[DayCompared]


def attached_files(connection: Connection) -> Sequence[FileLine]:
    """Return every attached file, the latest first."""
    return [FileLine(*row) for row in connection.execute(_lines().order_by(logger_file.c.journal_seq.desc()))]


def seen_file(connection: Connection, file_id: UUID, zone: ZoneInfo) -> FileSeen:
    """Return a file with what it says, or raise LoggerFileUnknown. Its clock is taken to show the site's time."""
    row = connection.execute(_lines().where(logger_file.c.id == file_id)).first()
    if row is None:
        raise LoggerFileUnknown
    line = FileLine(*row)
    reports = _reports(connection, line)
    report = read_report(file_content(connection, file_id))
    days = [
        DayCompared(on, low, high, summary, _probe_day(connection, line.place_code, on, zone))
        for on, low, high, summary in _days(report, reports)
    ]
    return FileSeen(line, report, days)


def file_content(connection: Connection, file_id: UUID) -> bytes:
    """Return a file as it was attached, or raise LoggerFileUnknown."""
    content: bytes | None = connection.execute(
        select(logger_file.c.content).where(logger_file.c.id == file_id)
    ).scalar()
    if content is None:
        raise LoggerFileUnknown
    return content


def _lines() -> Select[Any]:
    columns = logger_file.c
    return select(
        columns.id, columns.file_name, columns.device, columns.serial, columns.place_code, columns.attached_at
    )


def _reports(connection: Connection, line: FileLine) -> Sequence[LoggerReport]:
    columns = logger_file.c
    contents = connection.execute(
        select(columns.content).where(columns.serial == line.serial, columns.place_code == line.place_code)
    ).scalars()
    return [read_report(content) for content in contents]


def _days(report: LoggerReport, reports: Sequence[LoggerReport]) -> Sequence[tuple[date, int, int, LoggerDay | None]]:
    if report.days:
        return [(day.on, day.min_milli_celsius, day.max_milli_celsius, day) for day in latest_days(reports)]
    by_day: dict[date, list[int]] = {}
    for row in report.rows:
        by_day.setdefault(row.at.date(), []).append(row.milli_celsius)
    return [(on, min(said), max(said), None) for on, said in by_day.items()]


def _probe_day(connection: Connection, place_code: str, on: date, zone: ZoneInfo) -> ProbeDay:
    begins, ends = (to_unix_ms(datetime.combine(day, time(), zone)) for day in (on, on + timedelta(days=1)))
    stood = [
        and_(
            heard_probe.c.probe_id == one.probe_id,
            reading.c.at_unix_ms >= max(begins, one.from_unix_ms),
            reading.c.at_unix_ms < min(ends, one.until_unix_ms or ends),
        )
        for one in placements(connection)
        if one.place_code == place_code
        and one.from_unix_ms < ends
        and (one.until_unix_ms is None or one.until_unix_ms > begins)
    ]
    if not stood:
        return ProbeDay(None, None, 0)
    row = connection.execute(
        select(func.min(reading.c.milli_celsius), func.max(reading.c.milli_celsius), func.count())
        .join(heard_probe, heard_probe.c.number == reading.c.probe)
        .where(or_(*stood), reading.c.fault.is_(None), COUNTS)
    ).one()
    return ProbeDay(*row)
