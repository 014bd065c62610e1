"""Temperatures and times as vendors write them, and what names a sample, whatever the vendor."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame
from devices.events import SampleFault
from devices.fridge_probe.context import Delivery
from devices.fridge_probe.echoes import Echoes
from devices.fridge_probe.instants import unix_s_of_iso, unix_s_of_number, unix_s_of_text
from devices.fridge_probe.quality import fault_of_value
from devices.fridge_probe.samples import by_rolling_sequence, by_second
from devices.fridge_probe.temperature import to_milli_celsius, value_in_text, value_of

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NOON_S = 1_772_452_800


def received(at: datetime) -> Delivery:
    return Delivery("any/topic", b"", retained=False, received_at=at, zone=None)


def test_a_tie_is_rounded_to_the_even_millidegree() -> None:
    """32.0009 F is exactly 0.0005 C."""
    assert to_milli_celsius(Decimal("32.0009"), "F") == 0
    assert to_milli_celsius(Decimal("32.0027"), "F") == 2
    assert to_milli_celsius(Decimal("0.0005"), "C") == 0


@given(st.decimals(min_value=-200, max_value=400, allow_nan=False, places=4))
def test_fahrenheit_is_exact_to_half_a_millidegree(degrees: Decimal) -> None:
    exact = (Fraction(degrees) - 32) * 5 / 9 * 1000
    assert abs(to_milli_celsius(degrees, "F") - exact) <= Fraction(1, 2)


@given(st.decimals(min_value=-130, max_value=400, allow_nan=False, places=5))
def test_one_temperature_gives_the_same_millidegrees_in_either_unit(celsius: Decimal) -> None:
    fahrenheit = celsius * 9 / 5 + 32
    assert to_milli_celsius(fahrenheit, "F") == to_milli_celsius(celsius, "C")
    assert value_of(fahrenheit, "F") == value_of(celsius, "C")


@given(st.decimals(min_value=-130, max_value=400, allow_nan=False, places=5))
def test_a_number_is_the_same_bare_quoted_or_plain(celsius: Decimal) -> None:
    text = f"{celsius:f}"
    assert value_in_text(text.encode(), "C") == value_of(text, "C", may_be_text=True) == value_of(celsius, "C")


@pytest.mark.parametrize(
    ("given_value", "fault"),
    [
        (None, SampleFault.SENSOR_ERROR),
        ("None", SampleFault.SENSOR_ERROR),
        ("null", SampleFault.SENSOR_ERROR),
        ("unavailable", SampleFault.SENSOR_ERROR),
        ("unknown", SampleFault.SENSOR_ERROR),
        ("nan", SampleFault.NOT_A_NUMBER),
        ("NaN", SampleFault.NOT_A_NUMBER),
        ("-inf", SampleFault.NOT_A_NUMBER),
        (Decimal("NaN"), SampleFault.NOT_A_NUMBER),
        (Decimal("Infinity"), SampleFault.NOT_A_NUMBER),
    ],
)
def test_a_word_for_no_temperature_is_a_fault_without_a_value(given_value: object, fault: SampleFault) -> None:
    assert value_of(given_value, "C") == (None, fault)


@pytest.mark.parametrize("given_value", ["4.5", "", "4,5", True, [4], {"t": 4}, 10**9, Decimal("1e7"), "x" * 40])
def test_what_is_neither_a_number_nor_such_a_word_is_refused(given_value: object) -> None:
    with pytest.raises(BadFrame, match="temperature_malformed"):
        value_of(given_value, "C")


@pytest.mark.parametrize("payload", [b"", b"4.5C", b"0x10", b"1e3", b"4 5", b"\xd9\xa4", b"4" * 33, b"4.5\x00"])
def test_a_payload_that_is_no_plain_number_is_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame, match="temperature_malformed"):
        value_in_text(payload, "C")


@pytest.mark.parametrize(
    ("celsius", "fault"),
    [
        ("85.0", SampleFault.POWER_ON_VALUE),
        ("-127", SampleFault.DISCONNECTED),
        ("-196.6", SampleFault.DISCONNECTED),
        ("127.9375", SampleFault.DISCONNECTED),
        ("327.67", SampleFault.DISCONNECTED),
        ("60.001", SampleFault.OUT_OF_GATE),
        ("-0.6", None),
        ("-0.0625", None),
        ("0.0", None),
    ],
)
def test_one_sample_alone_tells_these_sentinels_and_not_those_that_need_neighbours(
    celsius: str, fault: SampleFault | None
) -> None:
    """The cold-chain rules: exact sentinels; -0.6, -0.0625 and a sudden 0.0 are temperatures of a fridge as well."""
    assert fault_of_value(to_milli_celsius(Decimal(celsius), "C")) == fault
    assert value_of(Decimal(celsius) * 9 / 5 + 32, "F")[1] == fault


@pytest.mark.parametrize(
    ("text", "unix_s"),
    [
        ("2026-03-02T12:00:00Z", NOON_S),
        ("2026-03-02T20:00:00+08:00", NOON_S),
        ("2026-03-02T12:00:00.999999999+00:00", NOON_S),
        ("1970-01-01T00:00:12Z", 12),
    ],
)
def test_iso_times_down_to_nanoseconds(text: str, unix_s: int) -> None:
    assert unix_s_of_iso(text, None) == unix_s


@pytest.mark.parametrize("text", ["noon", "", "0001-01-01T00:00:00+23:00", "2026-02-30T00:00:00Z", None, 5, "2" * 50])
def test_other_texts_are_no_time(text: object) -> None:
    with pytest.raises(BadFrame, match="time_malformed"):
        unix_s_of_iso(text, UTC)


def test_numeric_times_are_cut_to_whole_seconds() -> None:
    assert unix_s_of_number(Decimal("1772452800.99")) == NOON_S
    assert unix_s_of_number(1_772_452_800_999, per_second=1000) == NOON_S
    assert unix_s_of_text("1772452800") == unix_s_of_text(NOON_S) == NOON_S


@pytest.mark.parametrize(
    "number", [-1, 10**13, True, None, "1772452800.5", "", "٤", Decimal("NaN"), Decimal("Infinity")]
)
def test_other_numbers_are_no_time(number: object) -> None:
    with pytest.raises(BadFrame, match="time_malformed"):
        unix_s_of_text(number)


@given(st.integers(0, 1_577_836_799) | st.integers(4_102_444_800, 253_402_300_799))
def test_a_clock_that_was_never_set_names_no_sample(unix_s: int) -> None:
    sample = by_second(received(NOON), "p", (4000, None), unix_s)
    assert (sample.boot, sample.seq, sample.measured_at) == (0, NOON_S, None)
    assert (sample.milli_celsius, sample.fault) == (4000, SampleFault.CLOCK_WRONG)


def test_a_device_without_a_clock_is_not_at_fault() -> None:
    sample = by_second(received(NOON), "p", (4000, None), None)
    assert (sample.seq, sample.measured_at, sample.fault) == (NOON_S, None, None)


def test_a_sequence_that_starts_over_names_another_sample_in_another_hour() -> None:
    first = by_rolling_sequence(received(NOON), "p", (4000, None), NOON_S, sequence=7)
    again = by_rolling_sequence(received(NOON), "p", (4100, None), NOON_S + 3600, sequence=7)
    assert (first.boot, first.seq) == (492_348, 7)
    assert (again.boot, again.seq) == (492_349, 7)


def test_a_measurement_heard_by_two_gateways_is_told_once() -> None:
    echoes, here, there = Echoes(), received(NOON), received(NOON + timedelta(seconds=2))
    assert not echoes.is_echo(by_rolling_sequence(here, "ruuvi:D0A1B2C3D4E5", (4000, None), NOON_S, sequence=7))
    assert echoes.is_echo(by_rolling_sequence(there, "ruuvi:D0A1B2C3D4E5", (4000, None), NOON_S + 1, sequence=7))


def test_another_value_under_the_same_name_is_no_echo() -> None:
    echoes, here = Echoes(), received(NOON)
    assert not echoes.is_echo(by_rolling_sequence(here, "ruuvi:D0A1B2C3D4E5", (4000, None), NOON_S, sequence=7))
    assert not echoes.is_echo(by_rolling_sequence(here, "ruuvi:D0A1B2C3D4E5", (4100, None), NOON_S, sequence=7))


def test_only_ruuvi_tags_have_echoes() -> None:
    echoes = Echoes()
    assert not echoes.is_echo(by_second(received(NOON), "tasmota:1", (4000, None), NOON_S))
    assert not echoes.is_echo(by_second(received(NOON), "tasmota:1", (4000, None), NOON_S))
