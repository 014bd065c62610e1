"""What a logger says: its limits, its days or rows, and what it printed; and whether its own rows bear that out.

The layouts are those of Berlinger's Fridge-tag 2 (daily summaries) and Q-tag CLm doc (rows), as the loggers write them.
Times are local to the logger, which names no zone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from clinic_server.cold_chain.judging import Point
from clinic_server.cold_chain.kinetics import mean_kinetic_temperature
from clinic_server.cold_chain.logger_files.outline import Entry
from clinic_server.kit.errors import Conflict, NotFound, Refused

MOST_BYTES: Final = 1_000_000
_MOST_MILLI_CELSIUS: Final = 300_000


class LoggerFileUnreadable(Refused):
    """This file is no report of a logger this program knows; the finding says what it lacks."""

    code = "logger_file_unreadable"


class LoggerFileAttached(Conflict):
    """This very file is attached already."""

    code = "logger_file_attached"


class LoggerFileUnknown(NotFound):
    """No logger's file was attached under this number."""

    code = "logger_file_unknown"


class AlarmType(StrEnum):
    """How a logger counts: at one go or added up, below or above its limit."""

    LOW_SINGLE = "low_single"
    HIGH_SINGLE = "high_single"
    LOW_ADDED_UP = "low_added_up"
    HIGH_ADDED_UP = "high_added_up"

    @property
    def is_high(self) -> bool:
        """Whether readings above the limit count; the limit itself never does."""
        return self in {AlarmType.HIGH_SINGLE, AlarmType.HIGH_ADDED_UP}

    @property
    def is_single(self) -> bool:
        """Whether the minutes must be at one go."""
        return self in {AlarmType.LOW_SINGLE, AlarmType.HIGH_SINGLE}


_QTAG_TYPES: Final = {
    "1": AlarmType.LOW_SINGLE,
    "2": AlarmType.HIGH_SINGLE,
    "3": AlarmType.LOW_ADDED_UP,
    "4": AlarmType.HIGH_ADDED_UP,
}
_FRIDGE_TAG_TYPES: Final = {"0": AlarmType.LOW_ADDED_UP, "1": AlarmType.HIGH_ADDED_UP}  # of each day anew


@dataclass(frozen=True, slots=True)
class AlarmSetting:
    """When the logger alarms: strictly beyond the limit for so many minutes."""

    number: str
    type: AlarmType
    limit_milli_celsius: int
    minutes: int

    def is_beyond(self, milli_celsius: int) -> bool:
        """Tell whether a reading counts."""
        if self.type.is_high:
            return milli_celsius > self.limit_milli_celsius
        return milli_celsius < self.limit_milli_celsius


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement as the logger kept it, and whether it marked it as out of its limits."""

    at: datetime
    milli_celsius: int
    is_marked: bool


@dataclass(frozen=True, slots=True)
class LoggerDay:
    """One day's summary. ``no_sensor_minutes`` are a gap: neither in range nor out.

    ``minutes_out`` is by alarm number and begins anew at midnight.
    """

    on: date
    min_milli_celsius: int
    max_milli_celsius: int
    mean_milli_celsius: int
    minutes_out: dict[str, int]
    no_sensor_minutes: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Episode:
    """Minutes beyond one limit, and when that became an alarm, as the logger printed it."""

    number: str
    began_at: datetime
    alarmed_at: datetime | None
    minutes: int


@dataclass(frozen=True, slots=True)
class LoggerReport:
    """A logger's file, read. It has rows or days; printed figures are milli-Celsius, None where it printed none."""

    device: str
    serial: str
    made_at: datetime
    interval_minutes: int | None
    mkt_energy_kj: float | None
    settings: Sequence[AlarmSetting]
    days: Sequence[LoggerDay]
    rows: Sequence[Row]
    printed_episodes: Sequence[Episode]
    printed_min: int | None
    printed_max: int | None
    printed_mean: int | None
    printed_mkt: int | None


def read_report(content: bytes) -> LoggerReport:
    """Read a logger's file, or raise LoggerFileUnreadable."""
    try:
        outline = Entry.of(content.decode("utf-8-sig"))
        device = outline.get("Device")
        if device.startswith("Q-tag Fridge-tag"):
            return _fridge_tag(outline, device)
        if device.startswith("Q-tag CLm"):
            return _qtag(outline, device)
    except (ValueError, ArithmeticError, LookupError) as wrong:
        raise LoggerFileUnreadable(findings=("content",)) from wrong
    raise LoggerFileUnreadable(findings=("device",))


def minutes_by_rows(report: LoggerReport, episode: Episode) -> tuple[int, int]:
    """Return the least and the most minutes that the rows allow for what the logger printed.

    The logger measures between its rows too, so that each run of rows may have lasted an interval longer at either end.
    """
    setting = next(one for one in report.settings if one.number == episode.number)
    interval = timedelta(minutes=report.interval_minutes or 0)
    runs = [run for run in _runs(report.rows, setting) if run]
    if setting.type.is_single:
        runs = [run for run in runs if run[0].at - interval <= episode.began_at <= run[-1].at]
    least = sum((run[-1].at - run[0].at for run in runs), timedelta())
    return _minutes(least), _minutes(least + 2 * interval * len(runs))


def wrongly_marked(report: LoggerReport) -> Sequence[Row]:
    """Return the rows whose mark contradicts the logger's own limits."""
    return [
        row for row in report.rows if row.is_marked != any(one.is_beyond(row.milli_celsius) for one in report.settings)
    ]


def mean_milli_celsius(rows: Sequence[Row]) -> float:
    """Return the plain mean of rows."""
    return sum(row.milli_celsius for row in rows) / len(rows)


def mkt_milli_celsius(report: LoggerReport) -> int | None:
    """Return the mean kinetic temperature of a report's rows by the energy it names, None without either."""
    if report.mkt_energy_kj is None:
        return None
    points = (Point(at_unix_ms=0, milli_celsius=row.milli_celsius) for row in report.rows)
    return mean_kinetic_temperature(points, report.mkt_energy_kj)


def printed_decimals(milli_celsius: float) -> int:
    """Return a figure as the logger prints it: cut to one decimal, not rounded."""
    return int(milli_celsius / 100) * 100


def latest_days(reports: Sequence[LoggerReport]) -> Sequence[LoggerDay]:
    """Join the days of several reports of one logger, which overlap; of a day told twice the later report counts."""
    days = {day.on: day for report in sorted(reports, key=lambda one: one.made_at) for day in report.days}
    return [days[on] for on in sorted(days)]


def _runs(rows: Sequence[Row], setting: AlarmSetting) -> Iterator[list[Row]]:
    run: list[Row] = []
    for row in rows:
        if setting.is_beyond(row.milli_celsius):
            run.append(row)
        else:
            yield run
            run = []
    yield run


def _qtag(outline: Entry, device: str) -> LoggerReport:
    settings = [
        AlarmSetting(one.key, _QTAG_TYPES[kind], _milli(one.get("T AL")), int(one.get("t AL")))
        for one in outline.all("Conf", "Alarm")[0].below
        if (kind := one.get("Type")) != "0"
    ]
    printed = outline.all("Res")[0]
    numbers = {setting.number for setting in settings}
    episodes = [episode for one in printed.all("Alarm")[0].below for episode in _printed(one)]
    rows = [
        Row(_local(row[0]), _milli(row[1]), len(row) > 2 and row[2] == "x")  # noqa: PLR2004  # the third cell
        for row in outline.all("Data")[0].rows[1:]
    ]
    if not rows or any(episode.number not in numbers for episode in episodes):
        raise ValueError
    return LoggerReport(
        device=device,
        serial=_serial(outline),
        made_at=_local(printed.get("TS Stop")),
        interval_minutes=int(outline.get("Conf", "Logging Interval")),
        mkt_energy_kj=float(outline.get("Conf", "MKT Energy")),
        settings=settings,
        days=(),
        rows=rows,
        printed_episodes=episodes,
        printed_min=_milli(printed.get("Min T")),
        printed_max=_milli(printed.get("Max T")),
        printed_mean=_milli(printed.get("Avrg T")),
        printed_mkt=_milli(printed.get("MKT")),
    )


def _printed(alarm: Entry) -> Iterator[Episode]:
    for began, minutes, alarmed in zip(alarm.all("TS S"), alarm.all("t A"), alarm.all("TS A"), strict=True):
        yield Episode(
            alarm.key, _local(began.value), _local(alarmed.value) if alarmed.value else None, int(minutes.value)
        )


def _fridge_tag(outline: Entry, device: str) -> LoggerReport:
    settings = [
        AlarmSetting(one.key, _FRIDGE_TAG_TYPES[one.key], _milli(one.get("T AL")), int(one.get("t AL")))
        for one in outline.all("Conf", "Alarm")[0].below
    ]
    history = outline.all("Hist")[0]
    begun_at, made_at = _local(history.get("TS Actv")), _local(history.get("TS Report Creation"))
    days = [_day(one, begun_at, made_at) for one in history.below if one.all("Date")]
    if not days:
        raise ValueError
    return LoggerReport(
        device=device,
        serial=_serial(outline),
        made_at=made_at,
        interval_minutes=None,
        mkt_energy_kj=None,
        settings=settings,
        days=sorted(days, key=lambda day: day.on),
        rows=(),
        printed_episodes=(),
        printed_min=min(day.min_milli_celsius for day in days),
        printed_max=max(day.max_milli_celsius for day in days),
        printed_mean=None,
        printed_mkt=None,
    )


def _day(told: Entry, begun_at: datetime, made_at: datetime) -> LoggerDay:
    on = date.fromisoformat(told.get("Date"))
    return LoggerDay(
        on=on,
        min_milli_celsius=_milli(told.get("Min T")),
        max_milli_celsius=_milli(told.get("Max T")),
        mean_milli_celsius=_milli(told.get("Avrg T")),
        minutes_out={one.key: int(one.get("t Acc")) for one in told.all("Alarm")[0].below},
        no_sensor_minutes=int(told.get("Ext Sensor timeout", "t AccST") or 0),
        is_whole=begun_at.date() < on < made_at.date(),
    )


def _serial(outline: Entry) -> str:
    serial = outline.get("Conf", "Serial")
    if not serial:
        raise ValueError
    return serial


def _local(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007  # the logger names no zone


def _milli(text: str) -> int:
    milli_celsius = int(Decimal(text) * 1000)
    if abs(milli_celsius) > _MOST_MILLI_CELSIUS:
        raise ValueError
    return milli_celsius


def _minutes(lasted: timedelta) -> int:
    return lasted // timedelta(minutes=1)
