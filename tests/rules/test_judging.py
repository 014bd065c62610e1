"""How temperatures are judged: strict limits and delays in event time, gaps, doubts, and one answer in any order."""

from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.judge import (
    OutOfOrder,
    Watch,
    advance,
    begun,
    followed,
    is_in_order,
    judge,
    judged,
)
from clinic_server.cold_chain.judging import Breach, BreachKind, Gap, Judged, Point, Profile
from clinic_server.cold_chain.profiles import profile_of
from tests.proof.histories import difference, history

CLINIC = profile_of("cn-clinic-2-8")
WHO = profile_of("who-pqs-2-8")
CDC = profile_of("us-cdc-2-8")
MINUTE = 60_000
HOUR = 60 * MINUTE
GOOD = [5_000] * 10


def points(values: Sequence[int | None], every_ms: int = MINUTE, from_ms: int = 0) -> list[Point]:
    """One reading after another; None is one that never came."""
    return [Point(from_ms + place * every_ms, value) for place, value in enumerate(values) if value is not None]


def told(values: Sequence[int | None], profile: Profile = CLINIC, every_ms: int = MINUTE) -> Judged:
    """What a course is judged to be at the time of its last reading."""
    course = points(values, every_ms)
    return judge(profile, course, course[-1].at_unix_ms)


def only(breaches: Sequence[Breach]) -> Breach:
    (breach,) = breaches
    return breach


@pytest.mark.parametrize("milli_celsius", [2_000, 8_000])
def test_a_day_at_either_limit_is_in_range(milli_celsius: int) -> None:
    assert told([milli_celsius] * 1_440).breaches == ()


@pytest.mark.parametrize(
    ("milli_celsius", "kind"), [(8_001, BreachKind.TOO_WARM), (1_999, BreachKind.TOO_COLD), (-1, BreachKind.TOO_COLD)]
)
def test_one_milli_celsius_beyond_is_out(milli_celsius: int, kind: BreachKind) -> None:
    assert told([milli_celsius] * 11).breaches[0].kind is kind


def test_the_delay_is_from_the_first_to_the_last_reading_out() -> None:
    assert told([8_001] * 10).breaches == ()
    breach = only(told([7_900, *[8_001] * 11]).breaches)
    assert (breach.began_unix_ms, breach.alarmed_unix_ms, breach.out_ms) == (MINUTE, 11 * MINUTE, 10 * MINUTE)
    assert (breach.severity, breach.ended_unix_ms, breach.readings) == (Severity.ALARM, None, 11)


def test_seconds_count_and_readings_do_not() -> None:
    """Four readings a delay apart are as long as ten."""
    course = [Point(at_s * 1_000, 8_500) for at_s in (0, 180, 360, 540, 599)]
    assert judge(CLINIC, course, 600_000).breaches == ()
    assert len(judge(CLINIC, [*course, Point(600_000, 8_500)], 600_000).breaches) == 1


def test_one_reading_inside_ends_what_has_not_alarmed() -> None:
    """Doors are opened: ten minutes with a break are not ten minutes."""
    assert told([*[8_500] * 10, 8_000, *[8_500] * 10]).breaches == ()


def test_a_gap_ends_what_has_not_alarmed_and_is_never_warm() -> None:
    found = told([*[8_500] * 10, None, None, None, *[8_500] * 10])
    assert found.breaches == ()
    assert found.gaps == (Gap(9 * MINUTE, 13 * MINUTE),)


def test_three_intervals_are_no_gap_yet() -> None:
    found = told([*[8_500] * 8, None, None, 8_500])
    assert found.gaps == ()
    assert only(found.breaches).out_ms == 10 * MINUTE
    one_later = judge(CLINIC, [*points([8_500] * 8), Point(10 * MINUTE + 1, 8_500)], 10 * MINUTE + 1)
    assert one_later.breaches == ()
    assert one_later.gaps == (Gap(7 * MINUTE, 10 * MINUTE + 1),)


def test_a_gap_in_a_breach_is_unknown_time_and_no_time_out() -> None:
    breach = only(told([*[8_500] * 11, *[None] * 29, *[8_500] * 3]).breaches)
    assert (breach.out_ms, breach.unknown_ms, breach.last_out_unix_ms) == (12 * MINUTE, 30 * MINUTE, 42 * MINUTE)


def test_a_gap_that_is_still_open_counts_up_to_now() -> None:
    course = points([8_500] * 11)
    still = judge(CLINIC, course, 13 * MINUTE)
    assert (still.gaps, only(still.breaches).unknown_ms) == ((), 0)
    later = judge(CLINIC, course, 13 * MINUTE + 1)
    assert (later.gaps, only(later.breaches).unknown_ms) == ((Gap(10 * MINUTE, None),), 3 * MINUTE + 1)


def test_what_a_breach_tells_is_of_the_readings_out_of_range() -> None:
    """Area by trapezes: 1 °C and 2 °C over for one minute are 90 milli-Celsius seconds times a thousand."""
    breach = only(told([5_000, 7_000, 9_000, *[10_000] * 10, 9_000, 8_000, *[7_700] * 6]).breaches)
    assert (breach.min_milli_celsius, breach.max_milli_celsius) == (9_000, 10_000)
    assert breach.area == 60 * (1_500 + 9 * 2_000 + 1_500)
    assert (breach.out_ms, breach.last_out_unix_ms, breach.readings) == (11 * MINUTE, 13 * MINUTE, 12)


def test_far_too_warm_is_critical_sooner_and_began_when_it_left_the_range() -> None:
    breach = only(told([7_000, 9_500, 12_000, *[12_001] * 4]).breaches)
    assert breach.severity is Severity.CRITICAL
    assert (breach.began_unix_ms, breach.alarmed_unix_ms) == (MINUTE, 6 * MINUTE)
    assert told([7_000, 9_500, 12_000, *[12_001] * 2, 12_000, *[12_001] * 2]).breaches == ()


def test_a_breach_gets_worse_and_stays_as_bad_as_it_was() -> None:
    breach = only(told([*[9_000] * 11, 11_000, *[12_500] * 4, 10_000, *[9_000] * 3]).breaches)
    assert (breach.severity, breach.alarmed_unix_ms) == (Severity.CRITICAL, 10 * MINUTE)


def test_half_a_degree_of_frost_counts_when_touched_and_zero_does_not() -> None:
    """Only the limit of freezing is itself out: -0.5 for an hour, below 0.0 for ten minutes."""
    kinds = [breach.kind for breach in told([500, *[-499] * 11]).breaches]
    assert kinds == [BreachKind.TOO_COLD, BreachKind.FROZEN]
    assert [breach.kind for breach in told([500, *[0] * 100]).breaches] == [BreachKind.TOO_COLD]
    only_touching = msgspec.structs.replace(CLINIC, rules=tuple(r for r in CLINIC.rules if r.at_limit))
    assert told([-500] * 60, only_touching).breaches == ()
    assert only(told([-500] * 61, only_touching).breaches).severity is Severity.CRITICAL
    assert told([-499] * 61, only_touching).breaches == ()


def test_warm_cold_and_frozen_are_breaches_of_their_own() -> None:
    course = [*[8_500] * 11, 6_000, 4_000, *[1_500] * 11, *[-700] * 11]
    kinds = [breach.kind for breach in told(course).breaches]
    assert kinds == [BreachKind.TOO_WARM, BreachKind.TOO_COLD, BreachKind.FROZEN]


def test_a_warning_is_no_breach_whatever_follows() -> None:
    found = told([7_501] * 11)
    assert (found.breaches, only(found.warnings).severity) == ((), Severity.WARNING)
    worse = told([*[7_501] * 11, *[8_500] * 11])
    assert (len(worse.breaches), len(worse.warnings)) == (1, 1)
    assert told([7_500] * 60).warnings == ()


def test_a_breach_ends_at_the_first_reading_that_stayed_well_inside() -> None:
    calm = told([*[8_500] * 11, *[7_700] * 6])
    assert only(calm.breaches).ended_unix_ms == 11 * MINUTE
    assert only(told([*[8_500] * 11, *[7_700] * 5]).breaches).ended_unix_ms is None
    assert only(told([*[8_500] * 11, *[7_701] * 60]).breaches).ended_unix_ms is None


def test_flapping_around_the_limit_stays_one_breach() -> None:
    course = [*[8_500] * 11, *[7_700, 7_700, 7_800, 8_001] * 10]
    breach = only(told(course).breaches)
    assert (breach.ended_unix_ms, breach.out_ms, breach.readings) == (None, 10 * MINUTE, 21)
    over = only(told([*course, *[7_700] * 6]).breaches)
    assert over.ended_unix_ms == 51 * MINUTE


@pytest.mark.parametrize("interruption", [[7_701], [None, None, None], [8_001]])
def test_whatever_breaks_the_calm_starts_it_again(interruption: list[int | None]) -> None:
    course = [*[8_500] * 11, *[7_700] * 5, *interruption]
    assert only(told([*course, *[7_700] * 5]).breaches).ended_unix_ms is None
    assert only(told([*course, *[7_700] * 6]).breaches).ended_unix_ms == len(course) * MINUTE


def test_after_the_end_the_next_is_another_breach() -> None:
    first, second = told([*[8_500] * 11, *[7_700] * 6, *[8_500] * 11]).breaches
    assert (first.ended_unix_ms, second.began_unix_ms, second.ended_unix_ms) == (11 * MINUTE, 17 * MINUTE, None)


def test_ten_hours_in_a_night_alarm_though_midnight_divides_them() -> None:
    """A logger whose counters start again at midnight stays silent here (WHO PQS E006 rule, rolling)."""
    night = [*[5_000] * 264, *[9_000] * 60, *[7_500] * 6, *[9_000] * 63]
    course = points(night, 5 * MINUTE)
    breach = only(judge(WHO, course, course[-1].at_unix_ms).breaches)
    assert breach.began_unix_ms == 264 * 5 * MINUTE
    assert breach.alarmed_unix_ms - breach.began_unix_ms == 10 * HOUR + 7 * 5 * MINUTE
    assert breach.out_ms == (59 + 62) * 5 * MINUTE


def test_what_has_rolled_out_of_the_window_is_not_added_up() -> None:
    """Nine hours yesterday and ninety minutes today are not ten within any day."""
    apart = [*[9_000] * 109, *[7_500] * 200, *[9_000] * 19]
    assert told(apart, WHO, 5 * MINUTE).breaches == ()
    together = [*[9_000] * 109, *[7_500] * 140, *[9_000] * 19]
    assert only(told(together, WHO, 5 * MINUTE).breaches).began_unix_ms == 0


def test_a_window_is_as_long_as_it_says_to_the_millisecond() -> None:
    """Nine hours out, then an hour whose last reading is exactly a day after the first, or later by that much."""
    nine_hours = points([9_000] * 109, 5 * MINUTE)
    for late_ms, breaches in ((0, 1), (1, 0)):
        last_hour = points([9_000] * 13, 5 * MINUTE, from_ms=23 * HOUR + late_ms)
        course = [*nine_hours, Point(10 * HOUR, 7_500), *last_hour]
        assert len(judge(WHO, course, 24 * HOUR + late_ms).breaches) == breaches


def test_gaps_between_what_is_added_up_are_unknown_time() -> None:
    course = [*[9_000] * 61, *[None] * 23, *[9_000] * 61]
    breach = only(told(course, WHO, 5 * MINUTE).breaches)
    assert (breach.out_ms, breach.unknown_ms) == (10 * HOUR, 2 * HOUR)


def test_a_probe_that_speaks_every_five_minutes_is_judged_as_well() -> None:
    assert told([9_000] * 3, CDC, 5 * MINUTE).breaches == ()
    assert only(told([9_000] * 4, CDC, 5 * MINUTE).breaches).out_ms == 15 * MINUTE


def test_three_degrees_a_minute_are_possible_and_more_is_doubted() -> None:
    possible = judge(CLINIC, points([5_000, 8_000, *[8_500] * 10]), 11 * MINUTE)
    assert possible.gaps == ()
    alone = begun(CLINIC)
    for point in points([5_000, 8_001]):
        alone = advance(alone, CLINIC, point)
    assert (alone.trust.good, alone.trust.suspect) == (Point(0, 5_000), Point(MINUTE, 8_001))


def test_what_arrives_within_one_instant_is_believed_as_far_as_a_minute_goes() -> None:
    """A probe without a clock tells its readings of an outage all at once: none of them leapt."""
    kept = [Point(MINUTE, value) for value in (7_000, 9_500, 12_100, 14_900)]
    watch = followed(begun(CLINIC), CLINIC, [Point(0, 5_000), *kept])
    assert (watch.trust.good, watch.trust.doubted) == (Point(MINUTE, 14_900), 0)
    leapt = advance(watch, CLINIC, Point(MINUTE + 1_000, 17_901))
    assert leapt.trust.suspect == Point(MINUTE + 1_000, 17_901)


def test_a_leap_counts_from_its_own_time_once_a_second_agrees() -> None:
    breach = only(told([5_000, *[13_000] * 4]).breaches)
    assert (breach.began_unix_ms, breach.alarmed_unix_ms) == (MINUTE, 4 * MINUTE)


def test_a_leap_that_nobody_follows_never_was() -> None:
    found = told([*GOOD, 25_000, *GOOD, -40_000, *GOOD])
    assert (found.breaches, found.warnings, found.gaps) == ((), (), ())


def test_leaps_to_and_fro_are_no_data() -> None:
    found = told([5_000, *[60_000, -60_000] * 5])
    assert (found.breaches, found.gaps) == ((), (Gap(0, None),))


def test_a_second_reading_too_long_after_does_not_confirm_a_leap() -> None:
    course = [Point(0, 5_000), Point(MINUTE, 12_500), Point(MINUTE + 180_001, 8_200)]
    watch = followed(begun(CLINIC), CLINIC, course)
    assert watch.gaps == (Gap(0, MINUTE + 180_001),)


@pytest.mark.parametrize(
    ("before", "value"), [(2_000, 0), (-2_000, 0), (5_000, 0), (1_939, -62), (1_938, -63), (1_401, -600)]
)
def test_what_a_broken_probe_repeats_never_becomes_a_reading(before: int, value: int) -> None:
    """Shorted bus 0.0, unplugged DS18B20 -0.0625 or -0.6: an hour of it is an hour without data."""
    watch = followed(begun(CLINIC), CLINIC, points([before, before, *[value] * 60]))
    found = judged(watch, CLINIC, 61 * MINUTE)
    assert (watch.trust.repeats, watch.trust.doubted, watch.trust.doubted_since_unix_ms) == (60, 60, 2 * MINUTE)
    assert (found.breaches, found.gaps) == ((), (Gap(MINUTE, None),))


@pytest.mark.parametrize(("before", "value"), [(1_999, 0), (-1_999, 0), (1_938, -62), (1_937, -63), (1_400, -600)])
def test_the_same_value_close_to_the_reading_before_is_a_temperature(before: int, value: int) -> None:
    watch = followed(begun(CLINIC), CLINIC, points([before, value]))
    assert watch.trust.good == Point(MINUTE, value)


def test_a_dead_value_alone_counts_once_the_next_agrees() -> None:
    assert followed(begun(CLINIC), CLINIC, points([2_500, 0])).trust.repeats == 1
    confirmed = followed(begun(CLINIC), CLINIC, points([2_500, 0, -400]))
    assert (confirmed.trust.good, confirmed.trust.doubted) == (Point(2 * MINUTE, -400), 0)
    course = points([2_500, 0, *[-400] * 10])
    cold = only([one for one in judge(CLINIC, course, 11 * MINUTE).breaches if one.kind is BreachKind.TOO_COLD])
    assert cold.began_unix_ms == MINUTE


def test_a_dead_value_that_was_repeated_is_not_believed_later() -> None:
    watch = followed(begun(CLINIC), CLINIC, points([5_000, 0, 0, 0, 200]))
    assert watch.trust.good == Point(4 * MINUTE, 200)
    assert watch.gaps == (Gap(0, 4 * MINUTE),)


def test_another_dead_value_is_no_repetition() -> None:
    assert followed(begun(CLINIC), CLINIC, points([5_000, 0, 0, -600])).trust.repeats == 1


def test_a_dead_value_stays_one_through_a_gap() -> None:
    course = [*points([5_000, 0]), Point(9 * HOUR, 0), Point(10 * HOUR, 0)]
    assert followed(begun(CLINIC), CLINIC, course).trust.repeats == 3


def test_a_dead_value_long_after_the_last_reading_has_no_neighbour() -> None:
    assert followed(begun(CLINIC), CLINIC, [Point(0, 5_000), Point(180_000, -600)]).trust.repeats == 1
    assert followed(begun(CLINIC), CLINIC, [Point(0, 5_000), Point(180_001, -600)]).trust.repeats == 0


def test_the_first_word_of_a_probe_is_believed() -> None:
    assert followed(begun(CLINIC), CLINIC, [Point(0, 0)]).trust.good == Point(0, 0)


def test_nothing_said_is_nothing_judged() -> None:
    assert judge(CLINIC, [], 0) == Judged((), (), ())


def test_what_comes_after_the_instant_is_not_known_yet() -> None:
    course = points([8_500] * 30)
    assert judge(CLINIC, course, 9 * MINUTE).breaches == ()
    assert only(judge(CLINIC, course, 10 * MINUTE).breaches).readings == 11


def test_a_watch_takes_points_in_order_by_its_own_limits_only() -> None:
    watch = followed(begun(CLINIC), CLINIC, points([5_000, 5_100]))
    newest, earlier = Point(MINUTE, 5_100), Point(MINUTE, 5_099)
    assert (is_in_order(watch, newest), is_in_order(watch, earlier)) == (True, False)
    assert advance(watch, CLINIC, newest) is watch
    with pytest.raises(OutOfOrder):
        advance(watch, CLINIC, earlier)
    with pytest.raises(ValueError, match=r"cn-clinic-2-8/1 .* who-pqs-2-8/1"):
        advance(watch, WHO, Point(HOUR, 5_000))


def test_what_is_over_can_be_left_out_and_nothing_else() -> None:
    over = [*[8_500] * 11, *[7_000] * 6, *[None] * 10]
    watch = followed(begun(CLINIC), CLINIC, points([*over, 8_500]))
    assert (len(watch.breaches), len(watch.warnings), len(watch.gaps)) == (1, 1, 1)
    lean = watch.without_the_past()
    assert (lean.breaches, lean.warnings, lean.gaps) == ((), (), ())
    later = points([8_500] * 20, from_ms=28 * MINUTE)
    assert followed(lean, CLINIC, later).tracks == followed(watch, CLINIC, later).tracks


@pytest.mark.parametrize("seed", range(200))
def test_the_slow_twin_agrees(seed: int) -> None:
    profile, course, until = history(seed)
    assert difference(profile, course, until, judge(profile, course, until)) == {}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(200, 10**9), shuffled=st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_changes_anything(seed: int, shuffled: Random) -> None:
    profile, course, until = history(seed)
    told_often = course + shuffled.choices(course, k=len(course)) if course else []
    shuffled.shuffle(told_often)
    assert judge(profile, told_often, until) == judge(profile, course, until)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(200, 10**9), size=st.integers(1, 30))
def test_a_stream_in_batches_that_is_saved_between_them_ends_where_the_whole_does(seed: int, size: int) -> None:
    profile, course, _ = history(seed)
    watch, in_order = begun(profile), sorted(course)
    for batch in (in_order[place : place + size] for place in range(0, len(in_order), size)):
        watch = msgspec.json.decode(msgspec.json.encode(followed(watch, profile, batch)), type=Watch)
    until = max((point.at_unix_ms for point in course), default=0)
    assert judged(watch, profile, until) == judge(profile, course, until)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(200, 10**9), delays=st.randoms(use_true_random=False))
def test_late_readings_judged_from_an_earlier_watch_end_where_the_whole_does(seed: int, delays: Random) -> None:
    """Each message may come up to twenty others late; whoever keeps watches goes back to the last before it."""
    profile, course, _ = history(seed)
    arriving = [
        point for _, point in sorted((place + delays.randint(0, 20), point) for place, point in enumerate(course))
    ]
    saved, arrived = [begun(profile)], set[Point]()
    for point in arriving:
        arrived.add(point)
        while not is_in_order(saved[-1], point):
            saved.pop()
        heard = saved[-1].heard
        saved.append(followed(saved[-1], profile, [one for one in arrived if heard is None or one > heard]))
    until = max((point.at_unix_ms for point in course), default=0)
    assert judged(saved[-1], profile, until) == judge(profile, course, until)
