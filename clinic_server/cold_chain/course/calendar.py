"""The site's calendar over milliseconds: days, months, and clocks that are put forward and back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from clinic_server.cold_chain.course.rules import DAY_MS, HOUR_MS, Span

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_QUARTER_MS = HOUR_MS // 4  # no zone begins or leaves summer time at another minute


class Unit(StrEnum):
    """What one line of a table stands for."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on the axis of time, in the site's time; ``is_day`` where a new date begins and is told."""

    unix_ms: int
    text: str
    is_day: bool = False


def local(unix_ms: int, zone: ZoneInfo) -> datetime:
    """Return an instant as the site's clocks show it."""
    return (_EPOCH + unix_ms * _MS).astimezone(zone)


def unix_ms(at: datetime) -> int:
    """Return an instant in milliseconds; one without a zone is none."""
    return (at - _EPOCH) // _MS


def day_begins(on: date, zone: ZoneInfo) -> int:
    """Return the instant a date begins at the site."""
    return unix_ms(datetime.combine(on, time(), zone))


def month_span(on: date, zone: ZoneInfo) -> Span:
    """Return a calendar month."""
    first = on.replace(day=1)
    return Span(day_begins(first, zone), day_begins(_next_month(first), zone))


def offset_ms(unix_ms: int, zone: ZoneInfo) -> int:
    """Return by how much the site's clocks are ahead of UTC."""
    return (local(unix_ms, zone).utcoffset() or timedelta()) // _MS


def by_offset(span: Span, zone: ZoneInfo) -> Iterator[tuple[Span, int]]:
    """Split a span where the site's clocks are changed."""
    begins, offset = span.from_unix_ms, offset_ms(span.from_unix_ms, zone)
    for day in range(span.from_unix_ms, span.until_unix_ms + DAY_MS, DAY_MS):
        at = min(day, span.until_unix_ms)
        if offset_ms(at, zone) != offset:
            changes = _first_with(offset_ms(at, zone), max(begins, at - DAY_MS), at, zone)
            yield Span(begins, changes), offset
            begins, offset = changes, offset_ms(at, zone)
    if begins < span.until_unix_ms:
        yield Span(begins, span.until_unix_ms), offset


def unit_of(span: Span) -> Unit:
    """Return of what a table of a span has one line each, so that it can be read."""
    if span.length_ms <= 3 * DAY_MS:
        return Unit.HOUR
    return Unit.DAY if span.length_ms <= 367 * DAY_MS else Unit.MONTH


def lines_of(span: Span, unit: Unit, zone: ZoneInfo) -> Sequence[int]:
    """Return where each line of a table begins, the first where or before the span does."""
    begins = list[int]()
    at = _begin_of(span.from_unix_ms, unit, zone)
    while at < span.until_unix_ms:
        begins.append(at)
        at = _after(at, unit, zone)
    return begins


def ticks_of(span: Span, zone: ZoneInfo) -> Sequence[Tick]:
    """Return at most a dozen or so marks on the axis of time, at round times of the site."""
    for hours in (1, 2, 3, 6, 12):
        if span.length_ms <= hours * 12 * HOUR_MS:
            return _hour_ticks(span, hours, zone)
    for days in (1, 2, 7):
        if span.length_ms <= days * 14 * DAY_MS:
            return [Tick(at, f"{local(at, zone):%m-%d}", is_day=True) for at in _midnights(span, zone)[::days]]
    months = next((months for months in (1, 3, 6) if span.length_ms <= months * 14 * 31 * DAY_MS), 12)
    return [
        Tick(at, f"{local(at, zone):%Y-%m}", is_day=True)
        for at in lines_of(span, Unit.MONTH, zone)
        if at >= span.from_unix_ms and (local(at, zone).month - 1) % months == 0
    ]


def _hour_ticks(span: Span, hours: int, zone: ZoneInfo) -> Sequence[Tick]:
    ticks = []
    for at in range(-(-span.from_unix_ms // _QUARTER_MS) * _QUARTER_MS, span.until_unix_ms, _QUARTER_MS):
        shown = local(at, zone)
        if shown.minute == 0 and shown.hour % hours == 0:
            is_day = shown.hour == 0
            ticks.append(Tick(at, f"{shown:%m-%d}" if is_day else f"{shown:%H:%M}", is_day))
    return ticks


def _midnights(span: Span, zone: ZoneInfo) -> Sequence[int]:
    return [at for at in lines_of(span, Unit.DAY, zone) if at >= span.from_unix_ms]


def _begin_of(at: int, unit: Unit, zone: ZoneInfo) -> int:
    shown = local(at, zone)
    if unit is Unit.HOUR:
        return at - (shown.minute * 60 + shown.second) * 1000 - shown.microsecond // 1000
    return day_begins(shown.date().replace(day=1) if unit is Unit.MONTH else shown.date(), zone)


def _after(at: int, unit: Unit, zone: ZoneInfo) -> int:
    if unit is Unit.HOUR:
        return at + HOUR_MS
    on = local(at, zone).date()
    return day_begins(_next_month(on) if unit is Unit.MONTH else on + timedelta(days=1), zone)


def _next_month(on: date) -> date:
    return (on.replace(day=1) + timedelta(days=32)).replace(day=1)


def _first_with(offset: int, earlier: int, later: int, zone: ZoneInfo) -> int:
    """Return the first quarter of an hour after ``earlier`` that has an offset which ``later`` has."""
    quarters = range(-(-earlier // _QUARTER_MS) * _QUARTER_MS, later, _QUARTER_MS)
    return next((at for at in quarters if offset_ms(at, zone) == offset), later)
