"""What is wrong with a probe apart from its temperature; and the numbers shown beside a verdict."""

from itertools import permutations

import pytest

from clinic_server.alerts.rules import AlertKind
from clinic_server.cold_chain.conditions import (
    ProbeCondition,
    conditions_of,
    flat_since,
    is_clock_wrong,
    silent_since,
)
from clinic_server.cold_chain.judge import Watch, begun, followed, judge
from clinic_server.cold_chain.judging import Point
from clinic_server.cold_chain.kinetics import MinutesOut, mean_kinetic_temperature, minutes_out
from clinic_server.cold_chain.profiles import profile_of

CLINIC = profile_of("cn-clinic-2-8")
MINUTE, HOUR = 60_000, 3_600_000
SAW = [4_000, 4_500, 5_000, 5_500, 5_000, 4_500]


def points(*values: int, from_ms: int = 0) -> list[Point]:
    return [Point(from_ms + place * MINUTE, value) for place, value in enumerate(values)]


def watch_of(*values: int) -> Watch:
    return followed(begun(CLINIC), CLINIC, points(*values))


def test_a_probe_is_silent_after_ten_minutes_without_a_reading_that_counts() -> None:
    watch = watch_of(5_000, 60_000, -60_000)
    assert silent_since(watch, CLINIC, 10 * MINUTE) is None
    assert silent_since(watch, CLINIC, 10 * MINUTE + 1) == 0
    assert conditions_of(watch, CLINIC, 10 * MINUTE + 1) == {ProbeCondition.SILENT}
    assert silent_since(begun(CLINIC), CLINIC, HOUR) is None
    later = followed(begun(CLINIC), CLINIC, points(5_000, from_ms=HOUR))
    assert [silent_since(later, CLINIC, HOUR + 10 * MINUTE + past_ms) for past_ms in (0, 1)] == [None, HOUR]


def test_one_dead_value_is_a_glitch_and_two_are_a_broken_probe() -> None:
    assert conditions_of(watch_of(5_000, 0), CLINIC, 2 * MINUTE) == set()
    assert conditions_of(watch_of(5_000, 0, 0), CLINIC, 2 * MINUTE) == {ProbeCondition.CHECK_PROBE}
    assert conditions_of(watch_of(5_000, *[0] * 30), CLINIC, 30 * MINUTE) == {
        ProbeCondition.CHECK_PROBE,
        ProbeCondition.SILENT,
    }
    assert conditions_of(watch_of(5_000, 0, 0, 5_000), CLINIC, 3 * MINUTE) == set()


def test_three_leaps_in_a_row_that_nobody_follows_are_no_temperature() -> None:
    assert conditions_of(watch_of(5_000, 60_000, -60_000), CLINIC, 2 * MINUTE) == set()
    leaping = watch_of(5_000, 60_000, -60_000, 60_000)
    assert conditions_of(leaping, CLINIC, 3 * MINUTE) == {ProbeCondition.IMPOSSIBLE_RATE}
    assert conditions_of(watch_of(5_000, 60_000, -60_000, 5_000), CLINIC, 3 * MINUTE) == set()


def test_each_condition_is_an_alert_of_its_kind() -> None:
    assert [condition.alert for condition in ProbeCondition] == [
        *(AlertKind.NO_DATA, AlertKind.PROBE_FAULT, AlertKind.PROBE_FAULT),
        *(AlertKind.FLAT_LINE, AlertKind.CLOCK_WRONG),
    ]


def test_a_probe_that_moves_and_then_does_not_for_three_hours_hangs() -> None:
    lively = points(*SAW * 31)
    hangs_from = len(lively) * MINUTE
    hanging = points(*[6_000] * 181, from_ms=hangs_from)
    assert flat_since(lively + hanging) == hangs_from
    assert flat_since([*hanging, *reversed(lively)]) == hangs_from
    assert flat_since(lively + hanging[:-1]) is None
    assert flat_since([*lively, *hanging, Point(hangs_from + 181 * MINUTE, 6_001)]) is None


def test_a_probe_that_is_often_still_does_not_hang() -> None:
    """A buffered probe with one decimal rests for an hour between two steps."""
    restful = [*points(*[5_000] * 60), *points(*[5_100] * 61, from_ms=HOUR), *points(*SAW * 11, from_ms=3 * HOUR)]
    began = 4 * HOUR + 6 * MINUTE
    hanging = points(*[6_000] * 200, from_ms=began)
    assert flat_since(restful + hanging) is None
    livelier = [*restful[:60], *points(*[5_100] * 60, from_ms=HOUR), *restful[121:]]
    assert flat_since(livelier + hanging) == began


def test_without_three_hours_before_it_nobody_knows_how_a_probe_otherwise_is() -> None:
    lively = points(*[4_000, 4_100] * 90)
    assert flat_since(lively + points(*[6_000] * 200, from_ms=3 * HOUR)) == 3 * HOUR
    rested_first = [*points(*[5_000] * 50), *points(*[4_000, 4_100] * 65, from_ms=50 * MINUTE)]
    assert flat_since(rested_first + points(*[6_000] * 200, from_ms=3 * HOUR)) == 3 * HOUR
    assert flat_since(lively[1:] + points(*[6_000] * 200, from_ms=3 * HOUR)) is None
    assert flat_since(points(*[5_000] * 600)) is None
    assert flat_since([]) is None


@pytest.mark.parametrize(
    ("lags_s", "is_wrong"),
    [
        ([], False),
        ([2, 3, 2], False),
        ([-300], False),  # a little ahead, as clocks are
        ([-301], True),
        ([2, 2, -301, 2], True),
        ([601, 601], False),  # two are too few to tell late from behind
        ([600, 601, 601], False),
        ([601, 601, 601], True),
        ([601, 661, 631], True),
        ([601, 662, 631], False),  # a queue that is being emptied
        ([2, 601, 601, 601], True),
        ([601, 601, 601, 2], False),
    ],
)
def test_a_clock_is_wrong_ahead_at_once_and_behind_when_it_stays_so(lags_s: list[int], is_wrong: bool) -> None:
    told = [(place * MINUTE - lag_s * 1_000, place * MINUTE) for place, lag_s in enumerate(lags_s)]
    assert is_clock_wrong(told) is is_wrong
    assert is_clock_wrong(told[::-1]) is is_wrong


def test_a_backlog_that_arrives_at_once_says_nothing_about_a_clock() -> None:
    assert not is_clock_wrong([(0, HOUR), (1_000, HOUR), (2_000, HOUR)])


def test_mean_kinetic_temperature_is_never_below_the_mean_and_exact_where_nothing_moves() -> None:
    assert mean_kinetic_temperature(points(*[5_000] * 100)) == 5_000
    assert mean_kinetic_temperature(points(-80_000, -80_000)) == -80_000
    assert mean_kinetic_temperature([]) is None
    for order in permutations(points(2_000, 5_000, 20_000)):
        assert mean_kinetic_temperature(order) == 12_770  # their mean is 9.0 °C


def test_mean_kinetic_temperature_is_by_the_energy_named() -> None:
    """0 °C and 40 °C by two energies, as forty decimal digits of the formula give them."""
    course = points(0, 40_000)
    assert (mean_kinetic_temperature(course), mean_kinetic_temperature(course, 60.0)) == (33_434, 31_288)


def test_a_breach_was_out_for_at_least_and_at_most_so_many_begun_minutes() -> None:
    course = [*points(*[8_500] * 11), Point(10 * MINUTE + 1, 8_500), Point(20 * MINUTE, 8_500)]
    (breach,) = judge(CLINIC, course[:-1], 19 * MINUTE + 1).breaches
    assert minutes_out(breach) == MinutesOut(least=11, most=20)
    (breach,) = judge(CLINIC, course, 20 * MINUTE).breaches
    assert minutes_out(breach) == MinutesOut(least=11, most=20)
