"""What is wrong with a probe, apart from the temperature it tells. Pure."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Final

from clinic_server.alerts.rules import AlertKind
from clinic_server.cold_chain.judge import Watch
from clinic_server.cold_chain.judging import Point, Profile

FLAT_AFTER_MS: Final = 3 * 3_600_000
_LIVELY_PART: Final = 3  # a probe that otherwise moves never rested a third as long
LEAST_REPEATS: Final = 2
LEAST_LEAPS: Final = 3  # one is a glitch, and a second that agreed would have counted
MOST_AHEAD_MS: Final = 5 * 60_000
LEAST_BEHIND_MS: Final = 10 * 60_000
LEAST_TOLD: Final = 3
_SAME_LAG_MS: Final = 60_000


class ProbeCondition(StrEnum):
    """In which way a probe cannot be relied on."""

    SILENT = "silent"
    CHECK_PROBE = "check_probe"
    IMPOSSIBLE_RATE = "impossible_rate"
    FLAT_LINE = "flat_line"
    CLOCK_WRONG = "clock_wrong"

    @property
    def alert(self) -> AlertKind:
        """As what somebody hears of it."""
        return _ALERTS[self]


_ALERTS: Final = {
    ProbeCondition.SILENT: AlertKind.NO_DATA,
    ProbeCondition.CHECK_PROBE: AlertKind.PROBE_FAULT,
    ProbeCondition.IMPOSSIBLE_RATE: AlertKind.PROBE_FAULT,
    ProbeCondition.FLAT_LINE: AlertKind.FLAT_LINE,
    ProbeCondition.CLOCK_WRONG: AlertKind.CLOCK_WRONG,
}


def conditions_of(watch: Watch, profile: Profile, until_unix_ms: int) -> frozenset[ProbeCondition]:
    """Return what a probe's watch alone tells at an instant: silence, a broken probe's value, leaps."""
    told = (
        (silent_since(watch, profile, until_unix_ms) is not None, ProbeCondition.SILENT),
        (watch.trust.repeats >= LEAST_REPEATS, ProbeCondition.CHECK_PROBE),
        (watch.trust.repeats == 0 and watch.trust.doubted >= LEAST_LEAPS, ProbeCondition.IMPOSSIBLE_RATE),
    )
    return frozenset(condition for holds, condition in told if holds)


def silent_since(watch: Watch, profile: Profile, until_unix_ms: int) -> int | None:
    """Return since when there was no reading that counts, None while that is not too long.

    Suspects do not count: a probe that tells only what cannot be is as good as silent.
    """
    last = watch.trust.good
    if last is None or until_unix_ms - last.at_unix_ms <= profile.no_data_after_s * 1_000:
        return None
    return last.at_unix_ms


def flat_since(points: Iterable[Point]) -> int | None:
    """Return since when a probe repeats one value for hours that otherwise moves, None when it does not.

    A day of points is enough; without at least as long a time before it, nobody knows how it otherwise is.
    """
    runs = [_span(list(same)) for _, same in groupby(sorted(points), key=attrgetter("milli_celsius"))]
    if not runs:
        return None
    *earlier, (began, last) = runs
    is_lively = all((end - start) * _LIVELY_PART < FLAT_AFTER_MS for start, end in earlier)
    is_known = began - runs[0][0] >= FLAT_AFTER_MS
    return began if last - began >= FLAT_AFTER_MS and is_lively and is_known else None


def is_clock_wrong(told: Sequence[tuple[int, int]]) -> bool:
    """Tell from (measured, received) of a probe's newest messages whether its clock runs ahead or behind.

    A message from the future is proof. One from the past may only be late; several that are late by the same time,
    though received one after another, are not.
    """
    lags = [received - measured for measured, received in told]
    if any(lag < -MOST_AHEAD_MS for lag in lags):
        return True
    newest = sorted(told, key=lambda one: one[1])[-LEAST_TOLD:]
    if len(newest) < LEAST_TOLD or len({received for _, received in newest}) < LEAST_TOLD:
        return False
    lags = [received - measured for measured, received in newest]
    return min(lags) > LEAST_BEHIND_MS and max(lags) - min(lags) <= _SAME_LAG_MS


def _span(same: Sequence[Point]) -> tuple[int, int]:
    return same[0].at_unix_ms, same[-1].at_unix_ms
