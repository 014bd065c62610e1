"""Batteries and mains: the same whatever the order of messages, and no chatter around a limit."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.cold_chain.supply.limits import SupplyLimitsFaulty, parse, shipped
from clinic_server.cold_chain.supply.rules import Supply, SupplyAt, SupplyWord, after, alarms_of, is_of

LIMITS = shipped()
AT = datetime(2026, 3, 2, tzinfo=UTC)
TEXT = """
code = "xy"
version = 1
owner = "o"
sign_off = "s"
source = "s"
low_percent = {low}
well_percent = {well}
least_places = 2
"""
words = st.tuples(
    st.integers(1, 20),
    st.builds(
        SupplyWord,
        part=st.just("p"),
        told_at=st.just(AT),
        battery_percent=st.none() | st.integers(0, 100),
        is_on_mains=st.none() | st.booleans(),
    ),
)


def known_after(told: Sequence[tuple[int, SupplyWord]]) -> Supply:
    supply = Supply()
    for at, word in told:
        supply = after(supply, word, at, LIMITS)
    return supply


def charges(*percent: int) -> Supply:
    return known_after([(at, SupplyWord("p", AT, one, None)) for at, one in enumerate(percent, 1)])


def mains(*is_on: bool) -> Supply:
    return known_after([(at, SupplyWord("p", AT, None, one)) for at, one in enumerate(is_on, 1)])


@given(told=st.lists(words, max_size=12), data=st.data())
def test_any_order_and_any_repetition_of_words_gives_the_same(
    told: list[tuple[int, SupplyWord]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(told))
    again = data.draw(st.lists(st.sampled_from(told), max_size=5)) if told else []
    assert known_after([*shuffled, *again]) == known_after(told)


@given(percent=st.lists(st.integers(0, 100), min_size=1, max_size=20))
def test_a_battery_is_low_from_the_lower_limit_until_the_upper_one(percent: list[int]) -> None:
    is_low = False
    for one in percent:
        is_low = one <= LIMITS.low_percent or (is_low and one < LIMITS.well_percent)
    supply = charges(*percent)
    assert supply.is_low is is_low
    assert supply.battery_percent == percent[-1]


@pytest.mark.parametrize(
    ("percent", "is_low"), [((21,), False), ((20,), True), ((20, 29), True), ((20, 30), False), ((30, 20, 25), True)]
)
def test_the_limits_of_a_battery(percent: tuple[int, ...], is_low: bool) -> None:
    assert charges(*percent).is_low is is_low


def test_mains_are_as_the_newest_word_says_and_of_two_at_once_the_worse_counts() -> None:
    assert mains().is_on_mains is None
    assert mains(True).is_on_mains is True
    assert mains(True, False).is_on_mains is False
    assert mains(False, True).is_on_mains is True
    both = known_after([(5, SupplyWord("p", AT, 100, True)), (5, SupplyWord("p", AT, 3, False))])
    assert (both.is_on_mains, both.is_low, both.battery_percent) == (False, True, 3)


def test_every_place_hears_of_its_worst_battery_and_of_its_mains() -> None:
    places = [
        SupplyAt("a", charges(15)),
        SupplyAt("a", charges(9)),
        SupplyAt("b", charges(80)),
        SupplyAt("b", mains(False)),
        SupplyAt("c", mains(True)),
    ]
    found = alarms_of(places, LIMITS)
    low, lost = found[AlertKind.BATTERY_LOW], found[AlertKind.POWER_LOST]
    assert {code: (one.severity, one.summary) for code, one in low.items()} == {"a": (Severity.WARNING, "BATTERY 9%")}
    assert {code: one.severity for code, one in lost.items()} == {"b": Severity.ALARM}


@pytest.mark.parametrize(
    ("told", "site_is_without"),
    [
        ({"a": False}, False),
        ({"a": False, "b": False}, True),
        ({"a": False, "b": False, "c": True}, False),
        ({"a": False, "b": False, "c": None}, True),
    ],
)
def test_the_site_is_without_mains_where_every_place_that_tells_is(
    told: dict[str, bool | None], site_is_without: bool
) -> None:
    places = [SupplyAt(code, charges(50) if is_on is None else mains(is_on)) for code, is_on in told.items()]
    assert ("" in alarms_of(places, LIMITS)[AlertKind.POWER_LOST]) is site_is_without


def test_a_part_is_a_probe_or_all_that_are_behind_it() -> None:
    assert is_of("shelly:a", "shelly:a")
    assert is_of("shelly:a/temperature:100", "shelly:a")
    assert not is_of("shelly:ab", "shelly:a")


def test_limits_that_cannot_be_meant_are_named() -> None:
    with pytest.raises(SupplyLimitsFaulty, match="a battery is well again above"):
        parse(TEXT.format(low=30, well=30), "x.toml")
    with pytest.raises(SupplyLimitsFaulty, match="low_percent"):
        parse(TEXT.format(low=101, well=30), "x.toml")
