"""The words of the judgement of temperatures: limits with their delays, points in event time, and what came of them.

Everything is an integer: milliseconds since 1970, seconds, milli-Celsius.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from clinic_server.alerts.rules import Severity


class BreachKind(StrEnum):
    """In which way vaccine suffers; each is a breach of its own, and each has its own decision."""

    TOO_WARM = "too_warm"
    TOO_COLD = "too_cold"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class LimitRule:
    """Readings beyond a limit, for long enough, at one go or added up over a rolling window (``within_s``).

    The limit itself is in range, except where ``at_limit`` says otherwise (freezing).
    """

    kind: BreachKind
    severity: Severity
    beyond_milli_celsius: int
    for_s: int
    at_limit: bool = False
    within_s: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of place is judged, as dated and sourced data (``profiles/``).

    Two readings further apart than ``gap_after_s`` have a gap between them. An excursion ends when readings were
    inside the range by ``deadband_milli_celsius`` for ``clears_after_s``.
    """

    profile: str
    version: int
    valid_from: date
    source: str
    low_milli_celsius: int
    high_milli_celsius: int
    interval_s: int
    gap_after_s: int
    no_data_after_s: int
    deadband_milli_celsius: int
    clears_after_s: int
    rules: tuple[LimitRule, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One reading that may be judged, at its event time."""

    at_unix_ms: int
    milli_celsius: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Time nobody can speak for, between two readings or since the last; it is neither in range nor out."""

    from_unix_ms: int
    until_unix_ms: int | None


@dataclass(frozen=True, slots=True)
class Breach:
    """Vaccine outside its limits for longer than the profile bears: one run of readings, however many.

    ``began_unix_ms`` is the first reading out of range, ``alarmed_unix_ms`` when the delay was over (both in event
    time), ``ended_unix_ms`` None while it lasts. ``out_ms`` counts only between readings that were both out;
    ``unknown_ms`` is what gaps inside it may add. ``area`` is in milli-Celsius seconds beyond the limit.
    """

    kind: BreachKind
    severity: Severity
    began_unix_ms: int
    alarmed_unix_ms: int
    last_out_unix_ms: int
    ended_unix_ms: int | None
    min_milli_celsius: int
    max_milli_celsius: int
    out_ms: int
    unknown_ms: int
    area: int
    readings: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a probe's readings up to an instant: the same whatever order they arrived in."""

    breaches: Sequence[Breach]
    warnings: Sequence[Breach]
    gaps: Sequence[Gap]
