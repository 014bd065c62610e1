"""Whether two probes have changed places: their temperatures jumped to each other's level, or fit each other's limits.

A door, a defrost, a restock or a power cut moves one place, or all of them the same way; none of them moves two places
to where the other was, and keeps them there for an hour. It says where to look and never changes a verdict. Pure.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from clinic_server.cold_chain.judging import Point, Profile

MINUTE_MS: Final = 60_000
STEADY_MS: Final = 60 * MINUTE_MS  # so long a probe was, and is again, on one level
MOST_CARRIED_MS: Final = 60 * MINUTE_MS  # so long it may have been in somebody's hands, and then settling
STEP_MS: Final = 10 * MINUTE_MS
LEAST_POINTS: Final = 6
LEAST_APART_MILLI_CELSIUS: Final = 1_500  # of two bands, edge to edge: nearer ones overlap at the next defrost
NEARLY_MILLI_CELSIUS: Final = 750
_TENTHS: Final = 10


@dataclass(frozen=True, slots=True)
class Band:
    """Between what a probe measured, without the coldest and the warmest tenth: a door opened is no other level."""

    low_milli_celsius: int
    high_milli_celsius: int

    def is_apart_from(self, other: "Band") -> bool:
        """Tell whether two levels cannot be taken for each other."""
        gap = max(self.low_milli_celsius - other.high_milli_celsius, other.low_milli_celsius - self.high_milli_celsius)
        return gap >= LEAST_APART_MILLI_CELSIUS

    def is_nearly_in(self, other: "Band") -> bool:
        """Tell whether this level lies in another."""
        return (
            self.low_milli_celsius >= other.low_milli_celsius - NEARLY_MILLI_CELSIUS
            and self.high_milli_celsius <= other.high_milli_celsius + NEARLY_MILLI_CELSIUS
        )


def band_of(points: Sequence[Point]) -> Band | None:
    """Return the level of points in order, None where they are too few to tell."""
    if len(points) < LEAST_POINTS:
        return None
    values = sorted(point.milli_celsius for point in points)
    aside = len(values) // _TENTHS
    return Band(values[aside], values[-1 - aside])


class Levels:
    """A probe's level in the hour before each of its steps in time, each worked out once."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = sorted(points)
        self._at = [point.at_unix_ms for point in self._points]
        self._bands: dict[int, Band | None] = {}

    @property
    def steps(self) -> range:
        """The instants, ten minutes apart and the same for every probe, by which an hour is over."""
        if not self._at:
            return range(0)
        first = -(-(self._at[0] + STEADY_MS) // STEP_MS) * STEP_MS
        return range(first, self._at[-1] + 1, STEP_MS)

    def before(self, at_unix_ms: int) -> Band | None:
        """Return the level of the hour up to an instant."""
        if at_unix_ms not in self._bands:
            first = bisect_left(self._at, at_unix_ms - STEADY_MS)
            self._bands[at_unix_ms] = band_of(self._points[first : bisect_right(self._at, at_unix_ms)])
        return self._bands[at_unix_ms]

    @property
    def latest(self) -> Band | None:
        """The level of the last hour there is."""
        return self.before(self._at[-1]) if self._at else None


def exchanges(one: Levels, other: Levels) -> Sequence[int]:
    """Return when two probes took each other's level: the instants from which each was where the other had been."""
    found: list[int] = []
    last = None
    for left in _common(one.steps, other.steps):
        if last is not None and left <= last + MOST_CARRIED_MS + STEADY_MS:
            continue  # it would be the same exchange once more
        settled = _settled(one, other, left)
        if settled is not None:
            last = left
            found.append(settled - STEADY_MS)
    return found


def fit_each_other(one: Band | None, profile: Profile, other: Band | None, other_profile: Profile) -> bool:
    """Tell whether each of two levels is right for the other's place and wholly wrong for its own."""
    if one is None or other is None:
        return False
    return (
        _is_outside(one, profile)
        and _is_inside(one, other_profile)
        and _is_outside(other, other_profile)
        and _is_inside(other, profile)
    )


def is_swapped(*, was_swapped: bool, turns: int, is_misfit: bool) -> bool:
    """Tell how two probes stand after so many exchanges since something was said of them last."""
    return is_misfit or was_swapped != (turns % 2 == 1)


def _settled(one: Levels, other: Levels, left: int) -> int | None:
    """Return the end of the first hour in which each is on the level the other had before ``left``."""
    first, second = one.before(left), other.before(left)
    if first is None or second is None or not first.is_apart_from(second):
        return None
    for settled in range(left + STEADY_MS, left + MOST_CARRIED_MS + STEADY_MS + 1, STEP_MS):
        now, then = one.before(settled), other.before(settled)
        if now and then and now.is_nearly_in(second) and then.is_nearly_in(first):
            return settled
    return None


def _common(one: range, other: range) -> Iterator[int]:
    return iter(range(max(one.start, other.start), min(one.stop, other.stop), STEP_MS)) if one and other else iter(())


def _is_inside(band: Band, profile: Profile) -> bool:
    return band.low_milli_celsius >= profile.low_milli_celsius and band.high_milli_celsius <= profile.high_milli_celsius


def _is_outside(band: Band, profile: Profile) -> bool:
    return band.low_milli_celsius > profile.high_milli_celsius or band.high_milli_celsius < profile.low_milli_celsius
