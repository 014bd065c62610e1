"""Two probes that changed places are told apart from everything else that moves a fridge."""

from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_server.cold_chain.judging import Point
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.swaps import (
    MINUTE_MS,
    STEP_MS,
    Band,
    Levels,
    band_of,
    exchanges,
    fit_each_other,
    is_swapped,
)

HOURS = 12
MINUTES = 60 * HOURS
ROOM = 24_000
UNHURRIED = settings(deadline=None, max_examples=50)  # an example is two half days
seeds = st.integers(0, 2**32)
Course = list[int]


def points(course: Course, *, every: int = 1) -> list[Point]:
    return [Point(minute * MINUTE_MS, value) for minute, value in enumerate(course) if not minute % every]


def cycling(random: Random, level: int, swing: int) -> Course:
    """A compressor's saw-tooth around a level."""
    period, phase = random.randint(15, 50), random.randint(0, 49)
    return [level - swing + 2 * swing * ((minute + phase) % period) // period for minute in range(MINUTES)]


def door(random: Random, course: Course) -> None:
    at = random.randrange(MINUTES)
    for minute in range(at, min(MINUTES, at + random.randint(2, 10))):
        course[minute] += random.randint(2_000, 9_000)


def defrost(random: Random, course: Course) -> None:
    at, lasts = random.randrange(MINUTES), random.randint(20, 40)
    for minute in range(at, min(MINUTES, at + lasts)):
        course[minute] += random.randint(3_000, 6_000)


def restock(random: Random, course: Course) -> None:
    at, warmer = random.randrange(MINUTES), random.randint(1_000, 4_000)
    for minute in range(at, MINUTES):
        course[minute] += int(warmer * 0.985 ** (minute - at))


def thermostat(random: Random, course: Course) -> None:
    at, change = random.randrange(MINUTES), random.randint(-3_000, 3_000)
    for minute in range(at, MINUTES):
        course[minute] += int(change * min(1.0, (minute - at) / 60))


HARMLESS: Sequence[Callable[[Random, Course], None]] = (door, door, door, defrost, restock, thermostat)


def power_cut(random: Random, *courses: Course) -> None:
    at, lasts = random.randrange(MINUTES), random.randint(30, 400)
    for course in courses:
        for minute in range(at, min(MINUTES, at + lasts)):
            course[minute] += (ROOM - course[minute]) * (minute - at) // 600


def carried(random: Random, one: Course, other: Course, at: int) -> tuple[Course, Course]:
    """Two probes taken out, held in the room, and set into each other's place, where they settle."""
    held = random.randint(1, 10)
    return _moved(one, other, at, held), _moved(other, one, at, held)


def _moved(before: Course, then: Course, at: int, held: int) -> Course:
    out = [before[at] + (ROOM - before[at]) * minute // 15 for minute in range(held)]
    away = out[-1] - then[at + held]
    settling = [value + int(away * 0.8**minute) for minute, value in enumerate(then[at + held :])]
    return [*before[:at], *out, *settling]


@UNHURRIED
@given(seed=seeds, levels=st.sampled_from([(3_000, 6_500), (4_000, -20_000), (5_000, 22_000), (3_500, 5_500)]))
def test_nothing_that_happens_to_fridges_is_taken_for_an_exchange(seed: int, levels: tuple[int, int]) -> None:
    random = Random(seed)  # noqa: S311  # keeps no secret
    one, other = (cycling(random, level, random.randint(100, 1_500)) for level in levels)
    for _ in range(random.randint(0, 8)):
        random.choice(HARMLESS)(random, random.choice((one, other)))
    if random.random() < 0.3:  # every third site
        power_cut(random, one, other)
    assert exchanges(Levels(points(one)), Levels(points(other))) == []


@UNHURRIED
@given(
    seed=seeds,
    levels=st.sampled_from([(3_000, 6_500), (4_000, -20_000), (5_000, 22_000), (-20_000, -70_000)]),
    at=st.integers(90, MINUTES - 150),
    every=st.sampled_from([1, 2, 5]),
)
def test_an_exchange_is_found_once_and_when_it_was(seed: int, levels: tuple[int, int], at: int, every: int) -> None:
    random = Random(seed)  # noqa: S311  # keeps no secret
    one, other = carried(random, *(cycling(random, level, random.randint(50, 600)) for level in levels), at)
    (found,) = exchanges(Levels(points(one, every=every)), Levels(points(other, every=every)))
    assert -STEP_MS <= found - at * MINUTE_MS <= 6 * STEP_MS
    assert exchanges(Levels(points(other, every=every)), Levels(points(one, every=every))) == [found]


@UNHURRIED
@given(seed=seeds)
def test_an_exchange_and_the_way_back_are_two(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # keeps no secret
    courses = (cycling(random, level, 300) for level in (4_000, -20_000))
    there = carried(random, *courses, 200)
    back = carried(random, *there, 450)
    assert len(exchanges(*(Levels(points(one)) for one in back))) == 2  # there and back


def test_fridges_on_one_level_cannot_be_told_apart_and_are_left_alone() -> None:
    random = Random(1)  # noqa: S311  # keeps no secret
    one, other = carried(random, cycling(random, 4_800, 500), cycling(random, 5_200, 500), 300)
    assert exchanges(Levels(points(one)), Levels(points(other))) == []


@pytest.mark.parametrize(
    ("one", "other", "fits"),
    [
        ((-21_000, -19_000), (3_000, 6_000), True),
        ((-21_000, -19_000), (7_500, 9_000), False),
        ((-21_000, -14_000), (3_000, 6_000), False),
        ((3_000, 6_000), (-21_000, -19_000), False),
        ((9_000, 12_000), (-21_000, -19_000), False),
        (None, (3_000, 6_000), False),
    ],
)
def test_two_levels_that_are_wholly_right_for_each_other_alone(
    one: tuple[int, int] | None, other: tuple[int, int], fits: bool
) -> None:
    fridge, freezer = profile_of("cn-clinic-2-8"), profile_of("freezer-20")
    assert fit_each_other(Band(*one) if one else None, fridge, Band(*other), freezer) is fits


def test_a_level_leaves_out_a_tenth_at_each_end_and_needs_six_readings() -> None:
    course = [4_000] * 8 + [12_000, -3_000]
    assert band_of(points(course)) == Band(4_000, 4_000)
    assert band_of(points(course[:5])) is None


@pytest.mark.parametrize(
    ("was_swapped", "turns", "is_misfit", "now"),
    [
        (False, 0, False, False),
        (False, 1, False, True),
        (False, 2, False, False),
        (True, 0, False, True),
        (True, 1, False, False),
        (True, 1, True, True),
        (False, 0, True, True),
    ],
)
def test_each_exchange_turns_what_was_said_over(*, was_swapped: bool, turns: int, is_misfit: bool, now: bool) -> None:
    assert is_swapped(was_swapped=was_swapped, turns=turns, is_misfit=is_misfit) is now
