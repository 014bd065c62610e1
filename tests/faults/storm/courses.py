"""What happens in a fridge, minute by minute, by a seed: excursions, and all that must not become one."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

Minutes = Sequence[int | None]  # None: the probe measured nothing

MOST_CHANGE = 2_400  # of a minute: a faster one is not believed at once
CALM = (3_000, 6_500)
BETWEEN = (8_000, 7_990)  # of a door that stands ajar: without these minutes it looks like an excursion


def course(random: Random, excursions: int) -> list[int | None]:
    """Return a fridge's minutes with so many excursions, or one more; it begins and ends in order.

    First its door stands ajar: what looks like an excursion until the minutes between have come is in every storm.
    """
    minutes: list[int | None] = [*_calm(random), *_flapping(random), *_calm(random)]
    planned = 0
    while planned < excursions:
        if random.random() < 0.6:  # more than every other time something harmless before
            minutes += [*random.choice(HARMLESS)(random), *_calm(random)]
        number, happening = random.choice(HARMFUL)
        minutes += [*happening(random), *_calm(random)]
        planned += number
    return _at_a_possible_pace(minutes)


def calm(random: Random) -> int:
    """Return a temperature in order."""
    return random.randint(*CALM)


def _calm(random: Random) -> Minutes:
    return [calm(random) for _ in range(random.randint(8, 14))]


def _warm(random: Random) -> Minutes:
    return [random.randint(8_001, 11_500) for _ in range(random.randint(12, 18))]


def _hot(random: Random) -> Minutes:
    return [random.randint(12_001, 14_000) for _ in range(random.randint(5, 8))]


def _cold(random: Random) -> Minutes:
    return [random.randint(300, 1_999) for _ in range(random.randint(12, 18))]


def _frozen(random: Random) -> Minutes:
    return [random.randint(-3_500, -700) for _ in range(random.randint(12, 16))]


def _warm_around_a_gap(random: Random) -> Minutes:
    return [*_warm(random), *_gap(random), *_warm(random)]


def _door(random: Random) -> Minutes:
    return [random.randint(8_001, 11_500) for _ in range(random.randint(2, 8))]


def _flapping(random: Random) -> Minutes:
    beyond = [[random.randint(8_001, 8_400)] * random.randint(1, 6) for _ in range(4)]
    return [minute for stretch in beyond for minute in (*stretch, random.choice(BETWEEN))]


def _gap(random: Random) -> Minutes:
    return [None] * random.randint(4, 9)


def _silence(random: Random) -> Minutes:
    return [None] * random.randint(12, 16)


Happening = Callable[[Random], Minutes]
HARMFUL: Sequence[tuple[int, Happening]] = (
    (1, _warm),
    (1, _warm),
    (1, _hot),
    (1, _cold),
    (2, _frozen),
    (1, _warm_around_a_gap),
)
HARMLESS: Sequence[Happening] = (_door, _door, _flapping, _gap, _silence)


def _at_a_possible_pace(minutes: Sequence[int | None]) -> list[int | None]:
    """Return a course with minutes put in where it changes faster than a fridge can."""
    paced: list[int | None] = list(minutes[:1])
    for before, after in pairwise(minutes):
        if before is not None and after is not None:
            steps = abs(after - before) // MOST_CHANGE
            paced += [before + (after - before) * step // (steps + 1) for step in range(1, steps + 1)]
        paced.append(after)
    return paced
