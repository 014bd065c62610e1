"""What a course is made of: a span, who measured in it, figures of pieces of it, and what nobody can speak for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Final, Self

from clinic_server.cold_chain.judging import Gap, Profile
from clinic_server.kit.errors import Refused

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
_MOST_PIECES: Final = 720
_RAW_UP_TO_MS: Final = 8 * DAY_MS
_HOURS_UP_TO_MS: Final = 93 * DAY_MS
_PIECES_MS: Final = tuple(minutes * 60_000 for minutes in (1, 2, 5, 10, 15, 20, 30))


class SpanImpossible(Refused):
    """A span ends before it begins, or is longer than what is kept."""

    code = "span_impossible"


class SpanTooLong(Refused):
    """So many single readings do not go into one file; the hours do."""

    code = "span_too_long"


class Grain(StrEnum):
    """From what a course is drawn: each reading, or what was added up of an hour, or of a day of these hours."""

    READINGS = "readings"
    HOURS = "hours"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between what a place has to stay, both still in range, and how far apart readings may be without a gap."""

    low_milli_celsius: int
    high_milli_celsius: int
    gap_after_ms: int

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Return what a course is held against."""
        return cls(profile.low_milli_celsius, profile.high_milli_celsius, profile.gap_after_s * 1_000)


@dataclass(frozen=True, slots=True)
class Span:
    """From an instant up to, and without, another, in milliseconds since 1970."""

    from_unix_ms: int
    until_unix_ms: int

    @property
    def length_ms(self) -> int:
        """How long it is."""
        return self.until_unix_ms - self.from_unix_ms

    def within(self, other: "Span") -> "Span | None":
        """Return what two spans share, or None."""
        begins, ends = max(self.from_unix_ms, other.from_unix_ms), min(self.until_unix_ms, other.until_unix_ms)
        return Span(begins, ends) if begins < ends else None


@dataclass(frozen=True, slots=True)
class Stay:
    """A probe that stood in a place for a while."""

    probe_id: str
    span: Span


@dataclass(frozen=True, slots=True)
class Piece:
    """Figures of readings that lie together; ``at_unix_ms`` is where their piece of time begins."""

    at_unix_ms: int
    readings: int
    total_milli_celsius: int
    min_milli_celsius: int
    max_milli_celsius: int
    first_unix_ms: int
    last_unix_ms: int

    @property
    def mean_milli_celsius(self) -> int:
        """The mean of its readings, to the nearest thousandth of a degree."""
        return round(self.total_milli_celsius / self.readings)


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """A span, split: what counts is the time between two readings that agree, the rest nobody can speak for."""

    in_range_ms: int
    out_of_range_ms: int
    unknown_ms: int

    @property
    def shares_in_range(self) -> tuple[float, float] | None:
        """The share in range if all the unknown was outside, and if all of it was inside; None of no time."""
        whole = self.in_range_ms + self.out_of_range_ms + self.unknown_ms
        return (self.in_range_ms / whole, (self.in_range_ms + self.unknown_ms) / whole) if whole else None


def grain_of(span: Span) -> tuple[Grain, int]:
    """Return from what a span is drawn, and how long its pieces are; a screen has no more columns than that."""
    if span.length_ms <= _RAW_UP_TO_MS:
        wide = (width for width in _PIECES_MS if span.length_ms <= width * _MOST_PIECES)
        return Grain.READINGS, next(wide, _PIECES_MS[-1])
    return (Grain.HOURS, HOUR_MS) if span.length_ms <= _HOURS_UP_TO_MS else (Grain.DAYS, DAY_MS)


def stays_in(moves: Iterable[tuple[str, str | None, int]], place_code: str, span: Span) -> Sequence[Stay]:
    """Return who stood in a place during a span, from every move (probe, place or none, since when) in order."""
    stays, since = list[Stay](), dict[str, int]()
    for probe_id, code, at_unix_ms in moves:
        if probe_id in since and code != place_code:
            stays += _stay(probe_id, since.pop(probe_id), at_unix_ms, span)
        elif code == place_code:
            since.setdefault(probe_id, at_unix_ms)
    for probe_id, at_unix_ms in since.items():
        stays += _stay(probe_id, at_unix_ms, span.until_unix_ms, span)
    return sorted(stays, key=lambda stay: (stay.probe_id, stay.span.from_unix_ms))


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return the figures of all of one or more pieces, from the earliest beginning on."""
    return Piece(
        min(piece.at_unix_ms for piece in pieces),
        sum(piece.readings for piece in pieces),
        sum(piece.total_milli_celsius for piece in pieces),
        min(piece.min_milli_celsius for piece in pieces),
        max(piece.max_milli_celsius for piece in pieces),
        min(piece.first_unix_ms for piece in pieces),
        max(piece.last_unix_ms for piece in pieces),
    )


def pieces_in(said: Iterable[tuple[int, int]], width_ms: int) -> Sequence[Piece]:
    """Add up readings (time, temperature), in the order of their times, in pieces as long as ``width_ms``."""
    return [_piece(place * width_ms, list(same)) for place, same in groupby(said, lambda one: one[0] // width_ms)]


def gaps_between(said: Iterable[tuple[int, int]], gap_after_ms: int) -> Sequence[Gap]:
    """Return where readings (time, temperature), in the order of their times, are too far apart."""
    return [Gap(before, at) for (before, _), (at, _) in pairwise(said) if at - before > gap_after_ms]


def with_ends(inner: Iterable[Gap], pieces: Sequence[Piece], span: Span, gap_after_ms: int) -> Sequence[Gap]:
    """Return the gaps between a span's readings and those before the first and after the last."""
    if not pieces:
        return [Gap(span.from_unix_ms, span.until_unix_ms)]
    before = Gap(span.from_unix_ms, pieces[0].first_unix_ms)
    after = Gap(pieces[-1].last_unix_ms, span.until_unix_ms)
    return [gap for gap in (before, *inner, after) if length_of(gap) > gap_after_ms]


def _piece(at_unix_ms: int, said: Sequence[tuple[int, int]]) -> Piece:
    values = [milli_celsius for _, milli_celsius in said]
    return Piece(at_unix_ms, len(said), sum(values), min(values), max(values), said[0][0], said[-1][0])


def _stay(probe_id: str, since: int, until: int, span: Span) -> Sequence[Stay]:
    shared = Span(since, until).within(span) if since < until else None
    return [Stay(probe_id, shared)] if shared else []


def percent(share: float) -> str:
    """Show a share in hundredths of a percent, rounded down: only what is whole is 100."""
    hundredths = int(share * 10_000 + 1e-9)
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def length_of(gap: Gap) -> int:
    """Return how long a gap lasted that is over."""
    return (gap.until_unix_ms or gap.from_unix_ms) - gap.from_unix_ms
