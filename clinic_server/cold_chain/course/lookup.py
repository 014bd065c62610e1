"""Asking for courses: from each reading where the span is short, else from hours; exact at both ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, and_, case, func, literal, select, union_all

from clinic_server.cold_chain.course import calendar
from clinic_server.cold_chain.course.rules import (
    DAY_MS,
    HOUR_MS,
    Bounds,
    Grain,
    Piece,
    Span,
    Stay,
    TimeSpent,
    gaps_between,
    grain_of,
    joined,
    pieces_in,
    stays_in,
    with_ends,
)
from clinic_server.cold_chain.course.tables import IS_JUDGED, IS_TEMPERATURE, reading_hour
from clinic_server.cold_chain.judging import Gap
from clinic_server.cold_chain.tables import IS_SET_ASIDE, aside_span, heard_probe, probe, reading, to_unix_ms

_FIGURES = (
    "readings",
    "total_milli_celsius",
    "min_milli_celsius",
    "max_milli_celsius",
    "first_unix_ms",
    "last_unix_ms",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which course is asked for: a span, the limits of its place, the site's zone, and how fine its pieces are."""

    span: Span
    bounds: Bounds
    zone: ZoneInfo
    grain: Grain
    width_ms: int

    @classmethod
    def drawn(cls, span: Span, bounds: Bounds, zone: ZoneInfo) -> Self:
        """Ask as finely as it can be drawn."""
        return cls(span, bounds, zone, *grain_of(span))

    @classmethod
    def counted(cls, span: Span, bounds: Bounds, zone: ZoneInfo) -> Self:
        """Ask from each reading, so that no gap is overlooked."""
        return cls(span, bounds, zone, Grain.READINGS, HOUR_MS)


@dataclass(frozen=True, slots=True)
class Series:
    """What one probe said while it stood in a place; ``aside`` is what counts for nothing, and in no figure."""

    stay: Stay
    pieces: Sequence[Piece]
    gaps: Sequence[Gap]
    aside: Sequence[Piece] = ()

    @property
    def set_aside(self) -> int:
        """How many readings are dated in it by a clock that was set since, and count for nothing."""
        return sum(piece.readings for piece in self.aside)


def series_in(connection: Connection, place_code: str, asked: Asked) -> Sequence[Series]:
    """Return what every probe said that stood in a place during a span."""
    numbers = numbers_of(connection)
    return [
        _series(connection, stay, numbers.get(stay.probe_id), asked)
        for stay in stays(connection, place_code, asked.span)
    ]


def stays(connection: Connection, place_code: str, span: Span) -> Sequence[Stay]:
    """Return which probes stood in a place during a span, and when."""
    rows = connection.execute(
        select(probe.c.probe_id, probe.c.place_code, probe.c.assigned_at).order_by(probe.c.journal_seq)
    )
    return stays_in(((row.probe_id, row.place_code, to_unix_ms(row.assigned_at)) for row in rows), place_code, span)


def figures_of(connection: Connection, number: int, span: Span, asked: Asked) -> tuple[Sequence[Piece], Sequence[Gap]]:
    """Return a probe's readings added up in pieces of a span, and where nobody spoke for too long.

    A piece without a reading is left out. From hours, only a gap across the end of one is seen.
    """
    gap_after_ms = asked.bounds.gap_after_ms
    if asked.grain is Grain.READINGS:
        said = _said(connection, number, span)
        pieces, inner = pieces_in(said, asked.width_ms), gaps_between(said, gap_after_ms)
    else:
        pieces, inner = (
            _pieces_of_hours(connection, number, span, asked),
            _gaps_of_hours(connection, number, span, asked),
        )
    return pieces, with_ends(inner, pieces, span, gap_after_ms)


def hours_of(connection: Connection, number: int, span: Span) -> Sequence[Piece]:
    """Return the figures of each hour of a span."""
    return [piece for _, piece in _grouped(connection, _hours(number, span), HOUR_MS, 0)]


def time_spent(connection: Connection, number: int, span: Span, bounds: Bounds) -> TimeSpent:
    """Return how a span was spent, from each reading and those next to its ends."""
    wider = Span(span.from_unix_ms - bounds.gap_after_ms, span.until_unix_ms + bounds.gap_after_ms)
    near = _readings(number, wider).subquery().c
    order = (near.at_unix_ms, near.min_milli_celsius)
    after = func.lead(near.at_unix_ms).over(order_by=order).label("after")
    said_after = func.lead(near.min_milli_celsius).over(order_by=order).label("said_after")
    pair = select(near.at_unix_ms, near.min_milli_celsius, after, said_after).subquery().c
    begins = case((pair.at_unix_ms < span.from_unix_ms, span.from_unix_ms), else_=pair.at_unix_ms)
    ends = case((pair.after > span.until_unix_ms, span.until_unix_ms), else_=pair.after)
    counts = and_(ends > begins, pair.after - pair.at_unix_ms <= bounds.gap_after_ms)
    inside = [
        column.between(bounds.low_milli_celsius, bounds.high_milli_celsius)
        for column in (pair.min_milli_celsius, pair.said_after)
    ]
    in_range, out_of_range = connection.execute(
        select(
            func.coalesce(func.sum(case((and_(counts, *inside), ends - begins), else_=0)), 0),
            func.coalesce(func.sum(case((and_(counts, *(~one for one in inside)), ends - begins), else_=0)), 0),
        )
    ).one()
    return TimeSpent(int(in_range), int(out_of_range), span.length_ms - int(in_range) - int(out_of_range))


def histogram(connection: Connection, number: int, span: Span) -> Mapping[int, int]:
    """Return how often each temperature was read."""
    said = reading.c.milli_celsius
    rows = connection.execute(select(said, func.count()).where(*_spoken(number, span)).group_by(said))
    return {row[0]: row[1] for row in rows}


def _series(connection: Connection, stay: Stay, number: int | None, asked: Asked) -> Series:
    if number is None:
        return Series(stay, (), with_ends((), (), stay.span, asked.bounds.gap_after_ms))
    aside = pieces_in(_said_aside(connection, number, stay.span), asked.width_ms)
    return Series(stay, *figures_of(connection, number, stay.span, asked), aside)


def numbers_of(connection: Connection) -> Mapping[str, int]:
    """Return the number that stands for each probe in its readings."""
    return {
        row.probe_id: row.number for row in connection.execute(select(heard_probe.c.probe_id, heard_probe.c.number))
    }


def _spoken(number: int, span: Span) -> Sequence[Any]:
    at = reading.c.at_unix_ms
    return (reading.c.probe == number, IS_JUDGED, at >= span.from_unix_ms, at < span.until_unix_ms)


def _said(connection: Connection, number: int, span: Span) -> Sequence[Any]:
    """Return the time and the temperature of each reading of a span."""
    at = reading.c.at_unix_ms
    return connection.execute(select(at, reading.c.milli_celsius).where(*_spoken(number, span)).order_by(at)).all()


def _said_aside(connection: Connection, number: int, span: Span) -> Sequence[Any]:
    """Return the time and the temperature of each reading of a span that is set aside."""
    at, aside = reading.c.at_unix_ms, aside_span.c
    dated = connection.execute(
        select(func.min(aside.from_unix_ms), func.max(aside.until_unix_ms)).where(
            aside.until_unix_ms > span.from_unix_ms, aside.from_unix_ms < span.until_unix_ms
        )
    ).one()
    within = None if dated[0] is None else span.within(Span(*dated))
    if within is None:
        return ()
    lies_in = (reading.c.probe == number, at >= within.from_unix_ms, at < within.until_unix_ms)
    said = select(at, reading.c.milli_celsius).where(*lies_in, IS_TEMPERATURE, IS_SET_ASIDE)
    return connection.execute(said.order_by(at)).all()


def _pieces_of_hours(connection: Connection, number: int, span: Span, asked: Asked) -> Sequence[Piece]:
    if asked.grain is Grain.HOURS:
        return hours_of(connection, number, span)
    days = [
        day
        for part, offset_ms in calendar.by_offset(span, asked.zone)
        for day in _grouped(connection, _hours(number, part), DAY_MS, offset_ms)
    ]
    return [joined([piece for _, piece in same]) for _, same in groupby(days, key=itemgetter(0))]


def _gaps_of_hours(connection: Connection, number: int, span: Span, asked: Asked) -> Sequence[Gap]:
    row = _hours(number, span).subquery().c
    last_before = func.lag(row.last_unix_ms).over(order_by=row.first_unix_ms).label("last_before")
    spoken = select(last_before, row.first_unix_ms).subquery().c
    far = spoken.first_unix_ms - spoken.last_before > asked.bounds.gap_after_ms
    rows = connection.execute(
        select(spoken.last_before, spoken.first_unix_ms).where(far).order_by(spoken.first_unix_ms)
    )
    return [Gap(*found) for found in rows]


def _readings(number: int, span: Span) -> Select[Any]:
    """Select a span's readings, each as the figures of one."""
    at, said = reading.c.at_unix_ms, reading.c.milli_celsius
    one = (at, literal(1), said, said, said, at, at)
    named = [column.label(name) for column, name in zip(one, ("at_unix_ms", *_FIGURES), strict=True)]
    return select(*named).where(*_spoken(number, span))


def _hours(number: int, span: Span) -> Any:
    """Select the hours wholly inside a span, and each reading of the two it cuts."""
    first, end = -(-span.from_unix_ms // HOUR_MS), span.until_unix_ms // HOUR_MS
    if first >= end:
        return _readings(number, span)
    hour = reading_hour.c
    whole = select((hour.hour * HOUR_MS).label("at_unix_ms"), *(hour[name] for name in _FIGURES)).where(
        hour.probe == number, hour.hour >= first, hour.hour < end
    )
    ends = (Span(span.from_unix_ms, first * HOUR_MS), Span(end * HOUR_MS, span.until_unix_ms))
    return union_all(whole, *(_readings(number, cut) for cut in ends if cut.length_ms))


def _grouped(connection: Connection, source: Any, width_ms: int, offset_ms: int) -> Sequence[tuple[int, Piece]]:
    """Add up what lies in the same piece of the site's time; each comes with the number of its piece."""
    row = source.subquery().c
    place = ((row.at_unix_ms + offset_ms) // width_ms).label("place")
    figures = (
        func.sum(row.readings),
        func.sum(row.total_milli_celsius),
        func.min(row.min_milli_celsius),
        func.max(row.max_milli_celsius),
        func.min(row.first_unix_ms),
        func.max(row.last_unix_ms),
    )
    rows = connection.execute(select(place, *figures).group_by(place).order_by(place))
    return [
        (at, Piece(at * width_ms - offset_ms, int(readings), int(total), *rest)) for at, readings, total, *rest in rows
    ]
