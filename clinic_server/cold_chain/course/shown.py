"""A course as people see it: drawn, in lines of a table that holds the same figures, and as a file."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from clinic_server.cold_chain.course import calendar, lookup
from clinic_server.cold_chain.course.breaches import CourseBreach, breaches_in
from clinic_server.cold_chain.course.calendar import Unit
from clinic_server.cold_chain.course.drawing import FRAME, Drawing, Mark, line_of, sheet_of, stripe_of
from clinic_server.cold_chain.course.lookup import Asked, Series
from clinic_server.cold_chain.course.rules import DAY_MS, Bounds, Grain, Piece, Span, joined, length_of
from clinic_server.cold_chain.rules import Limits
from clinic_server.cold_chain.tables import from_unix_ms, to_unix_ms
from clinic_server.cold_chain.upkeep.hand_readings import HandReadingLine, hand_readings_between
from clinic_server.cold_chain.upkeep.in_force import in_force
from clinic_server.stock import places
from clinic_server.stock.whereabouts import PlaceFacts

BY_HAND_SHOWN_MS = 31 * DAY_MS
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: from when, and its figures; None where nobody spoke."""

    from_unix_ms: int
    figures: Piece | None


@dataclass(frozen=True, slots=True)
class Table:
    """What one probe said, in figures; ``whole`` is all of it in one."""

    series: Series
    whole: Piece | None
    silent_ms: int
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Course:
    """How the temperature of a place went."""

    place: PlaceFacts
    limits: Limits
    span: Span
    grain: Grain
    unit: Unit
    drawing: Drawing
    breaches: Sequence[CourseBreach]
    by_hand: Sequence[HandReadingLine]
    tables: Sequence[Table]


def asked_of(connection: Connection, place_code: str, span: Span, zone: ZoneInfo) -> tuple[PlaceFacts, Limits, Asked]:
    """Return what a question about a place's course rests on, or raise PlaceUnknown."""
    place = places.require_place(connection, place_code)
    profile = in_force(connection)[place.place_id].at(span.until_unix_ms)
    return place, Limits.of(profile), Asked.drawn(span, Bounds.of(profile), zone)


def course_of(connection: Connection, place_code: str, span: Span, zone: ZoneInfo) -> Course:
    """Return the course of a place, or raise PlaceUnknown."""
    place, limits, asked = asked_of(connection, place_code, span, zone)
    series = lookup.series_in(connection, place_code, asked)
    breaches = breaches_in(connection, place_code, span)
    unit = calendar.unit_of(span)
    by_hand = _by_hand(connection, place, span)
    tables = [_table(one, unit, zone) for one in series]
    drawing = _drawing(series, breaches, by_hand, asked)
    return Course(place, limits, span, asked.grain, unit, drawing, breaches, by_hand, tables)


def _by_hand(connection: Connection, place: PlaceFacts, span: Span) -> Sequence[HandReadingLine]:
    """Return the readings by hand of a span in which one can be told from the next."""
    if span.length_ms > BY_HAND_SHOWN_MS:
        return ()
    instants = (from_unix_ms(span.from_unix_ms), from_unix_ms(span.until_unix_ms))
    return hand_readings_between(connection, place.place_id, *instants)


def _drawing(
    series: Sequence[Series], breaches: Sequence[CourseBreach], by_hand: Sequence[HandReadingLine], asked: Asked
) -> Drawing:
    pieces = [piece for one in series for piece in (*one.pieces, *one.aside)]
    others = [one.milli_celsius for one in by_hand]
    sheet = sheet_of(asked.span, asked.width_ms, pieces, asked.bounds, others)
    marks = [Mark(sheet.x(to_unix_ms(one.read_at)), sheet.y(one.milli_celsius)) for one in by_hand]
    lines = [line_of(number, one.stay.probe_id, one.pieces, sheet, one.aside) for number, one in enumerate(series, 1)]
    gaps = [stripe_of(gap.from_unix_ms, gap.until_unix_ms, sheet) for one in series for gap in one.gaps]
    bands = [stripe_of(one.from_unix_ms, one.until_unix_ms, sheet) for one in breaches]
    return Drawing(FRAME, sheet, lines, gaps, bands, marks, calendar.ticks_of(asked.span, asked.zone))


def _table(series: Series, unit: Unit, zone: ZoneInfo) -> Table:
    begins = calendar.lines_of(series.stay.span, unit, zone)
    within = groupby(series.pieces, lambda piece: begins[bisect_right(begins, piece.first_unix_ms) - 1])
    found = {begin: joined(list(same)) for begin, same in within}
    whole = joined(list(found.values())) if found else None
    silent_ms = sum(length_of(gap) for gap in series.gaps)
    return Table(series, whole, silent_ms, [Line(begin, found.get(begin)) for begin in begins])
