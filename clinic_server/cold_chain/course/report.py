"""The report of a month: how long each place was in its range, how far it went, and what nobody can speak for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from clinic_server.cold_chain.course import calendar, lookup
from clinic_server.cold_chain.course.breaches import CourseBreach, breaches_in
from clinic_server.cold_chain.course.lookup import Asked, Series
from clinic_server.cold_chain.course.rules import Bounds, Piece, Span, TimeSpent, joined, length_of
from clinic_server.cold_chain.judging import Point, Profile
from clinic_server.cold_chain.kinetics import mean_kinetic_temperature
from clinic_server.cold_chain.rules import Limits, Reach
from clinic_server.cold_chain.tables import from_unix_ms
from clinic_server.cold_chain.upkeep.hand_readings import Days, settled_rounds
from clinic_server.cold_chain.upkeep.in_force import in_force
from clinic_server.cold_chain.upkeep.rules import Round, RoundState
from clinic_server.kit.spreadsheets import as_csv
from clinic_server.stock.places import places
from clinic_server.stock.whereabouts import PlaceFacts, PlaceKind

_HEADINGS = (
    *("month", "place", "probe", "from", "until", "readings", "min_celsius", "mean_celsius", "max_celsius"),
    *("mkt_celsius", "in_range_s", "out_of_range_s", "unknown_s", "gaps", "set_aside"),
)


@dataclass(frozen=True, slots=True)
class ProbeMonth:
    """What a probe said in a place; ``figures`` is None of one that said nothing.

    ``mkt`` is the mean kinetic temperature in milli-Celsius: it weighs warmth, and hides frost.
    """

    series: Series
    figures: Piece | None
    spent: TimeSpent
    mkt: int | None

    @property
    def silent_ms(self) -> int:
        """How long its gaps were altogether."""
        return sum(length_of(gap) for gap in self.series.gaps)


@dataclass(frozen=True, slots=True)
class PlaceMonth:
    """A place with every probe that stood there; one without was not watched."""

    place: PlaceFacts
    limits: Profile
    probes: Sequence[ProbeMonth]
    breaches: Sequence[CourseBreach]
    rounds: Sequence[Round]

    @property
    def missed(self) -> Sequence[Round]:
        """The readings by hand that nobody made."""
        return [one for one in self.rounds if one.state is RoundState.MISSED]

    def reach_of(self, milli_celsius: int) -> Reach:
        """Return where a temperature is to the place's limits."""
        return Limits.of(self.limits).reach_of(milli_celsius)


@dataclass(frozen=True, slots=True)
class MonthReport:
    """The site's month; ``span`` ends now where it is not over. A bench's box is told of only if a probe was in it."""

    first_day: date
    span: Span
    is_over: bool
    places: Sequence[PlaceMonth]

    @property
    def has_set_aside(self) -> bool:
        """Whether readings dated in it count for nothing, because the clock was set since."""
        return any(probe.series.set_aside for place in self.places for probe in place.probes)


def report_of(connection: Connection, on: date, now_unix_ms: int, zone: ZoneInfo) -> MonthReport:
    """Return the report of the month a date lies in."""
    whole = calendar.month_span(on, zone)
    span = whole.within(Span(0, now_unix_ms)) or Span(whole.from_unix_ms, whole.from_unix_ms)
    months = [_place_month(connection, place, span, now_unix_ms, zone) for place in places(connection)]
    watched = [one for one in months if one.probes or one.place.kind is not PlaceKind.BENCH_BOX]
    return MonthReport(on.replace(day=1), span, span == whole, watched)


def report_file(report: MonthReport, zone: ZoneInfo) -> bytes:
    """Return a report as a text table."""
    return as_csv(_HEADINGS, (_line(report, place, one, zone) for place in report.places for one in place.probes))


def _place_month(connection: Connection, place: PlaceFacts, span: Span, now_unix_ms: int, zone: ZoneInfo) -> PlaceMonth:
    limits = in_force(connection)[place.place_id].at(span.until_unix_ms)
    asked = Asked.counted(span, Bounds.of(limits), zone)
    series = lookup.series_in(connection, place.code, asked) if span.length_ms else ()
    numbers = lookup.numbers_of(connection)
    months = [_month(connection, one, numbers.get(one.stay.probe_id, 0), asked) for one in series]
    rounds = settled_rounds(connection, place, _days_of(span, zone), from_unix_ms(now_unix_ms), zone)
    return PlaceMonth(place, limits, months, breaches_in(connection, place.code, span), rounds)


def _days_of(span: Span, zone: ZoneInfo) -> Days:
    """Return the site's days of a span."""
    first, last = (calendar.local(at, zone).date() for at in (span.from_unix_ms, span.until_unix_ms - 1))
    return Days(first, last)


def _month(connection: Connection, series: Series, number: int, asked: Asked) -> ProbeMonth:
    span = series.stay.span
    said = lookup.histogram(connection, number, span)
    each = (Point(0, milli_celsius) for milli_celsius, times in said.items() for _ in range(times))
    figures = joined(series.pieces) if series.pieces else None
    spent = lookup.time_spent(connection, number, span, asked.bounds)
    return ProbeMonth(series, figures, spent, mean_kinetic_temperature(each))


def _line(report: MonthReport, place: PlaceMonth, one: ProbeMonth, zone: ZoneInfo) -> Sequence[str | float | None]:
    span, figures, spent = one.series.stay.span, one.figures, one.spent
    celsius = (
        [figures.min_milli_celsius, figures.mean_milli_celsius, figures.max_milli_celsius, one.mkt]
        if figures
        else [None] * 4
    )
    return (
        f"{report.first_day:%Y-%m}",
        place.place.code,
        one.series.stay.probe_id,
        *(calendar.local(at, zone).isoformat(timespec="seconds") for at in (span.from_unix_ms, span.until_unix_ms)),
        figures.readings if figures else 0,
        *(None if value is None else value / 1_000 for value in celsius),
        *(value // 1_000 for value in (spent.in_range_ms, spent.out_of_range_ms, spent.unknown_ms)),
        len(one.series.gaps),
        one.series.set_aside,
    )
