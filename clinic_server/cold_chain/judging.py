"""The words of the judgement of temperatures: limits with their delays, points in event time, and what came of them.

Everything is an integer: milliseconds since 1970, seconds, milli-Celsius.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated

import msgspec

from clinic_server.alerts.rules import Severity
from clinic_server.kit.errors import Refused

MilliCelsius = Annotated[int, msgspec.Meta(ge=-200_000, le=100_000)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=2_592_000)]  # up to thirty days


class BreachKind(StrEnum):
    """In which way vaccine suffers; each is a breach of its own, and each has its own decision."""

    TOO_WARM = "too_warm"
    TOO_COLD = "too_cold"
    FROZEN = "frozen"

    @property
    def sign(self) -> int:
        """The direction in which it gets worse."""
        return 1 if self is BreachKind.TOO_WARM else -1


class ProfileUnknown(Refused):
    """No limits have this name."""

    code = "profile_unknown"


class LimitRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Readings beyond a limit, for long enough, at one go or added up over a rolling window (``within_s``).

    The limit itself is in range, except where ``at_limit`` says otherwise (freezing).
    """

    kind: BreachKind
    severity: Severity
    beyond_milli_celsius: MilliCelsius
    for_s: Seconds
    at_limit: bool = False
    within_s: Seconds | None = None

    def is_beyond(self, milli_celsius: int) -> bool:
        """Tell whether a reading counts against this rule."""
        excess = self.kind.sign * (milli_celsius - self.beyond_milli_celsius)
        return excess > 0 or (self.at_limit and excess == 0)

    @property
    def is_warning(self) -> bool:
        """Whether it tells of a fridge that drifts, and of no harm to vaccine yet."""
        return self.severity is Severity.WARNING


class Bound(msgspec.Struct, frozen=True):
    """A limit with a course of its own: where the alarms of one kind begin, or its warnings; and its rules."""

    kind: BreachKind
    is_warning: bool
    milli_celsius: int
    at_limit: bool
    rules: tuple[LimitRule, ...]

    def excess(self, milli_celsius: int) -> int:
        """Return how far a reading lies beyond, negative inside."""
        return self.kind.sign * (milli_celsius - self.milli_celsius)

    def is_beyond(self, milli_celsius: int) -> bool:
        """Tell whether a reading is out of range here."""
        excess = self.excess(milli_celsius)
        return excess > 0 or (self.at_limit and excess == 0)


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """How one kind of place is judged, as dated and sourced data (``profiles/``).

    Two readings further apart than ``gap_after_s`` have a gap between them. An excursion ends when readings were
    inside the range by ``deadband_milli_celsius`` for ``clears_after_s``.
    """

    profile: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
    version: Annotated[int, msgspec.Meta(ge=1, le=9_999)]
    valid_from: date
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    low_milli_celsius: MilliCelsius
    high_milli_celsius: MilliCelsius
    interval_s: Seconds
    gap_after_s: Seconds
    no_data_after_s: Seconds
    deadband_milli_celsius: Annotated[int, msgspec.Meta(ge=0, le=10_000)]
    clears_after_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)]
    rules: Annotated[tuple[LimitRule, ...], msgspec.Meta(min_length=1, max_length=20)]

    @property
    def edition(self) -> str:
        """What a verdict says it was reached by: name and version in one word."""
        return f"{self.profile}/{self.version}"

    @cached_property
    def bounds(self) -> tuple[Bound, ...]:
        """Every limit that readings are held against, alarms before warnings."""
        groups = [(kind, is_warning) for is_warning in (False, True) for kind in BreachKind]
        return tuple(
            self._bound(kind, rules)
            for kind, is_warning in groups
            if (rules := tuple(rule for rule in self.rules if rule.kind is kind and rule.is_warning is is_warning))
        )

    def _bound(self, kind: BreachKind, rules: tuple[LimitRule, ...]) -> Bound:
        is_warning = rules[0].is_warning
        ends_of_range = {BreachKind.TOO_WARM: self.high_milli_celsius, BreachKind.TOO_COLD: self.low_milli_celsius}
        if kind in ends_of_range and not is_warning:
            return Bound(kind, is_warning, ends_of_range[kind], at_limit=False, rules=rules)
        mildest = min(rules, key=lambda rule: (kind.sign * rule.beyond_milli_celsius, not rule.at_limit))
        return Bound(kind, is_warning, mildest.beyond_milli_celsius, mildest.at_limit, rules)


class Point(msgspec.Struct, frozen=True, order=True):
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

    ``began_unix_ms`` is the first reading out of range (of the rolling window, where that is what alarmed),
    ``alarmed_unix_ms`` the reading that showed the delay to be over, ``ended_unix_ms`` the first of those readings
    inside that showed it to have ended, None while it lasts; all in event time. ``out_ms`` counts only between
    readings that were both out; ``unknown_ms`` is what gaps inside it may add. ``area`` is in milli-Celsius seconds
    beyond the limit; coldest, warmest and the count are of the readings out of range.
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
