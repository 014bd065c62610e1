"""How a fridge is judged: strict limits in event time, and silence above everything."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from clinic_server.cold_chain.judging import ProfileUnknown
from clinic_server.cold_chain.rules import (
    LATE_AFTER,
    MOST_CLOCK_AHEAD,
    PROFILES,
    Condition,
    Fault,
    Measurement,
    ProbeNow,
    condition_at,
    event_time,
    limits_of,
    worst_first,
    worst_of,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LIMITS = PROFILES["cn-clinic-2-8"]


def measured(milli_celsius: int | None, *, minutes_ago: float = 1, fault: Fault | None = None) -> Measurement:
    return Measurement(NOW - timedelta(minutes=minutes_ago), milli_celsius, fault)


@pytest.mark.parametrize(
    ("milli_celsius", "condition"),
    [
        (1_999, Condition.TOO_COLD),
        (2_000, Condition.IN_RANGE),
        (5_000, Condition.IN_RANGE),
        (8_000, Condition.IN_RANGE),
        (8_001, Condition.TOO_WARM),
        (8_040, Condition.TOO_WARM),
        (0, Condition.TOO_COLD),
        (-500, Condition.TOO_COLD),
    ],
)
def test_exactly_two_and_exactly_eight_degrees_are_in_range(milli_celsius: int, condition: Condition) -> None:
    """Strict comparison of raw milli-Celsius; 8.04 is not rounded to 8.0."""
    assert condition_at(NOW, [measured(milli_celsius)], LIMITS) is condition


@pytest.mark.parametrize(
    ("silent_for", "condition"),
    [
        (timedelta(minutes=10), Condition.TOO_WARM),
        (timedelta(minutes=10, milliseconds=1), Condition.SILENT),
        (timedelta(days=400), Condition.SILENT),
    ],
)
def test_a_probe_is_silent_after_ten_minutes_whatever_it_said_last(silent_for: timedelta, condition: Condition) -> None:
    assert condition_at(NOW, [Measurement(NOW - silent_for, 20_000)], LIMITS) is condition


def test_a_place_nobody_ever_heard_of_was_never_seen() -> None:
    assert condition_at(NOW, [], LIMITS) is Condition.NEVER_SEEN
    assert worst_of([]) is Condition.NEVER_SEEN


def test_what_a_broker_only_remembered_is_no_reading() -> None:
    remembered = Measurement(NOW, 5_000, is_last_known=True)
    assert condition_at(NOW, [remembered], LIMITS) is Condition.NEVER_SEEN


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.CLOCK_WRONG])
@pytest.mark.parametrize("milli_celsius", [None, 0, 5_000, 85_000])
def test_a_faulty_sample_is_never_judged(fault: Fault, milli_celsius: int | None) -> None:
    assert condition_at(NOW, [measured(milli_celsius, fault=fault)], LIMITS) is Condition.FAULT


def test_a_good_reading_stands_beside_a_newer_faulty_one_until_its_ten_minutes_are_over() -> None:
    faulty = measured(85_000, minutes_ago=0, fault=Fault.POWER_ON_VALUE)
    assert condition_at(NOW, [measured(5_000, minutes_ago=9), faulty], LIMITS) is Condition.IN_RANGE
    assert condition_at(NOW, [measured(5_000, minutes_ago=11), faulty], LIMITS) is Condition.FAULT


def test_a_wrong_clock_makes_no_temperature_wrong() -> None:
    assert condition_at(NOW, [measured(9_000, fault=Fault.CLOCK_WRONG)], LIMITS) is Condition.TOO_WARM


def test_the_condition_is_the_same_in_whatever_order_the_measurements_come() -> None:
    known = [measured(9_000, minutes_ago=3), measured(5_000, minutes_ago=2), measured(1_000, minutes_ago=1)]
    assert {condition_at(NOW, order, LIMITS) for order in permutations(known)} == {Condition.TOO_COLD}


def test_silence_outranks_every_other_condition_of_a_place() -> None:
    assert worst_of(Condition) is Condition.SILENT
    assert worst_of([Condition.IN_RANGE, Condition.TOO_WARM]) is Condition.TOO_WARM


def test_a_probe_shows_its_last_good_reading_and_a_newer_trouble() -> None:
    good, old_fault = measured(5_000, minutes_ago=2), measured(None, minutes_ago=4, fault=Fault.SENSOR_ERROR)
    new_fault = measured(-127_000, minutes_ago=1, fault=Fault.DISCONNECTED)
    assert ProbeNow.at(NOW, "p1", [good, old_fault], LIMITS) == ProbeNow("p1", Condition.IN_RANGE, good, None)
    assert ProbeNow.at(NOW, "p1", [new_fault, good], LIMITS) == ProbeNow("p1", Condition.IN_RANGE, good, new_fault)
    assert ProbeNow.at(NOW, "p1", [new_fault]) == ProbeNow("p1", None, None, new_fault)


def test_a_sample_counts_from_when_it_was_measured_unless_its_clock_runs_ahead() -> None:
    hours_ago, soon = NOW - timedelta(hours=5), NOW + MOST_CLOCK_AHEAD
    assert event_time(None, NOW) == NOW
    assert event_time(hours_ago, NOW) == hours_ago
    assert event_time(soon, NOW) == soon
    assert event_time(soon + timedelta(seconds=1), NOW) == NOW


def test_the_shipped_limits_are_those_of_a_vaccine_fridge() -> None:
    """2-8 °C, no data after 10 minutes; late is what the page had already called silent."""
    limits = limits_of("cn-clinic-2-8")
    assert (limits.low_milli_celsius, limits.high_milli_celsius) == (2_000, 8_000)
    assert limits.no_data_after == timedelta(minutes=10) == LATE_AFTER
    with pytest.raises(ProfileUnknown):
        limits_of("none-such")


def test_whoever_looks_sees_the_worst_probe_first() -> None:
    probes = [
        ProbeNow(name, condition, None, None)
        for name, condition in (("good", Condition.IN_RANGE), ("new", None), ("gone", Condition.SILENT))
    ]
    assert [one.probe_id for one in worst_first(probes)] == ["gone", "new", "good"]
