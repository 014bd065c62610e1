"""Which readings count: a leap no fridge can make, and the values of a broken probe, wait for a second reading.

What a value alone can be refused by was refused before it became a point; this is what needs its neighbours. Pure.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from clinic_server.cold_chain.judging import Point

MOST_MILLI_CELSIUS_A_MINUTE: Final = 3_000  # a buffered probe does not change faster
_MINUTE_MS: Final = 60_000

# Values that broken probes repeat, and how far the reading before must be away for the value not to be believed: a
# shorted bus, the register -0.0625 of an unplugged DS18B20 rounded either way, and what it is after a decoder.
SENTINELS: Final[Mapping[int, int]] = MappingProxyType({0: 2_000, -62: 2_001, -63: 2_001, -600: 2_001})


class Trust(msgspec.Struct, frozen=True):
    """Whom to believe: the last reading that counted, and what was doubted since.

    ``repeats`` says how often in a row the newest doubted one was the same sentinel.
    """

    good: Point | None = None
    suspect: Point | None = None
    doubted: int = 0
    doubted_since_unix_ms: int | None = None
    repeats: int = 0

    def doubting(self, point: Point, repeats: int = 0) -> "Trust":
        """Return the state with one more reading that does not count by itself."""
        since = self.doubted_since_unix_ms
        return Trust(self.good, point, self.doubted + 1, point.at_unix_ms if since is None else since, repeats)


def sift(trust: Trust, point: Point, gap_after_ms: int) -> tuple[Trust, tuple[Point, ...]]:
    """Return the state after the next point, and which points count now: none, this one, or the suspect before it."""
    if _is_sentinel(trust, point, gap_after_ms):
        return trust.doubting(point, trust.repeats + 1 if _repeats(trust, point) else 1), ()
    suspect = trust.suspect
    if suspect is not None and trust.repeats <= 1 and _is_near(suspect, point, gap_after_ms) and agree(suspect, point):
        return Trust(point), (suspect, point)
    if trust.good is None or agree(trust.good, point):
        return Trust(point), (point,)
    return trust.doubting(point), ()


def agree(earlier: Point, later: Point) -> bool:
    """Tell whether a probe can have gone from one to the other.

    Readings less than a minute apart may differ by what a minute allows: a sensor's last digit is no leap, and what a
    probe without a clock kept while nobody heard it arrives within one instant.
    """
    change = abs(later.milli_celsius - earlier.milli_celsius)
    return change * _MINUTE_MS <= MOST_MILLI_CELSIUS_A_MINUTE * max(later.at_unix_ms - earlier.at_unix_ms, _MINUTE_MS)


def _is_sentinel(trust: Trust, point: Point, gap_after_ms: int) -> bool:
    leap = SENTINELS.get(point.milli_celsius)
    if leap is None:
        return False
    if _repeats(trust, point):
        return True
    good = trust.good
    return (
        good is not None
        and _is_near(good, point, gap_after_ms)
        and abs(good.milli_celsius - point.milli_celsius) >= leap
    )


def _repeats(trust: Trust, point: Point) -> bool:
    """Whether the reading just before was this sentinel as well; a gap between does not make it true."""
    return trust.repeats > 0 and trust.suspect is not None and trust.suspect.milli_celsius == point.milli_celsius


def _is_near(earlier: Point, later: Point, gap_after_ms: int) -> bool:
    return later.at_unix_ms - earlier.at_unix_ms <= gap_after_ms
