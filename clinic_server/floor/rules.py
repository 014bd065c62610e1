"""How a clinic day flows: waits, benches without work, the time from ticket to needle, and when the site can close."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

LATELY: Final = timedelta(hours=1)  # what pace and waits are reckoned from
IDLE_AFTER: Final = timedelta(minutes=5)
QUARTER_S: Final = 900


@dataclass(frozen=True, slots=True)
class Needle:
    """A dose given lately: when its ticket was drawn, when it was given, by whom, and whether after another."""

    vaccinator: str
    opened_at: datetime
    given_at: datetime
    is_further: bool = False


@dataclass(frozen=True, slots=True)
class ToNeedle:
    """Minutes from ticket to needle of those who were given their first dose of the stay lately."""

    median_min: int
    ninth_decile_min: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How many doses were given within the time that just passed."""

    given: int
    within: timedelta


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench somebody is signed in at; ``last_given_at`` is None where nothing was given there lately."""

    station: str
    last_given_at: datetime | None
    is_idle: bool


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour, named by its beginning: who came, who got a dose, whose visit ended."""

    begins_unix_s: int
    came: int = 0
    given: int = 0
    ended: int = 0


def to_needle(needles: Sequence[Needle]) -> ToNeedle | None:
    """Return the median and the ninth decile by nearest rank, in begun minutes, of everybody's first needle.

    None while there was none lately.
    """
    first = [one for one in needles if not one.is_further]
    if not first:
        return None
    waited = sorted(ceil((one.given_at - one.opened_at) / timedelta(minutes=1)) for one in first)
    return ToNeedle(_ranked(waited, 0.5), _ranked(waited, 0.9))


def benches_of(
    vaccinators: Mapping[str, Iterable[str]], needles: Iterable[Needle], now: datetime, *, is_waited_for: bool
) -> Sequence[Bench]:
    """Return every bench with somebody at it; one is idle that has given nothing lately though people wait for it."""
    last: dict[str, datetime] = {}
    for one in needles:
        last[one.vaccinator] = max(one.given_at, last.get(one.vaccinator, one.given_at))
    benches = []
    for station, people in sorted(vaccinators.items()):
        given_at = max((last[person] for person in people if person in last), default=None)
        rests = given_at is None or now - given_at > IDLE_AFTER
        benches.append(Bench(station, given_at, is_waited_for and rests))
    return benches


def over_at(now: datetime, before_needle: int, pace: Pace, seated_until: datetime, watch: timedelta) -> datetime | None:
    """Forecast when the last one may leave: those before the needle at the pace of late, then their observation.

    None while people wait and nothing is given.
    """
    if not before_needle:
        return max(now, seated_until)
    if not pace.given:
        return None
    return max(seated_until, now + before_needle * (pace.within / pace.given) + watch)


def quarters_of(
    came: Mapping[int, int], given: Mapping[int, int], ended: Mapping[int, int], until_unix_s: int
) -> Sequence[Quarter]:
    """Return the day by quarters of an hour, from the first in which anything happened until now, none left out."""
    known = came.keys() | given.keys() | ended.keys()
    if not known:
        return ()
    last = max(until_unix_s // QUARTER_S, *known)
    return [
        Quarter(place * QUARTER_S, came.get(place, 0), given.get(place, 0), ended.get(place, 0))
        for place in range(min(known), last + 1)
    ]


def _ranked(ordered: Sequence[int], share: float) -> int:
    return ordered[ceil(share * len(ordered)) - 1]
