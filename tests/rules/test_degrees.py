"""A temperature is said to the tenth, and as finely as it takes to tell on which side of a limit it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.rules import Limits, Reach
from clinic_server.kit.degrees import celsius, rounded

FRIDGE = Limits.of(profiles.profile_of("cn-clinic-2-8"))
MILLI_CELSIUS = st.integers(-90_000, 60_000)


@pytest.mark.parametrize(
    ("milli_celsius", "shown", "reach"),
    [
        (8_000, "8.0", Reach.WITHIN),
        (8_001, "8.001", Reach.ABOVE),
        (8_004, "8.004", Reach.ABOVE),
        (8_005, "8.01", Reach.ABOVE),
        (8_040, "8.04", Reach.ABOVE),
        (8_050, "8.1", Reach.ABOVE),
        (7_960, "7.96", Reach.WITHIN),
        (7_940, "7.9", Reach.WITHIN),
        (2_000, "2.0", Reach.WITHIN),
        (1_960, "1.96", Reach.BELOW),
        (-40, "0.0", Reach.BELOW),
        (-50, "\N{MINUS SIGN}0.1", Reach.BELOW),
        (-70_049, "\N{MINUS SIGN}70.0", Reach.BELOW),
    ],
)
def test_rounding_never_hides_where_a_temperature_is(milli_celsius: int, shown: str, reach: Reach) -> None:
    assert FRIDGE.shown(milli_celsius) == shown
    assert FRIDGE.reach_of(milli_celsius) is reach


@given(MILLI_CELSIUS, st.sets(st.integers(-80, 40).map(lambda tenths: tenths * 100), max_size=4))
def test_what_is_said_is_near_and_on_the_same_side_of_every_limit(milli_celsius: int, limits: set[int]) -> None:
    said = rounded(milli_celsius, limits)
    assert abs(said - milli_celsius) <= 50
    for limit in limits:
        assert (said > limit, said < limit) == (milli_celsius > limit, milli_celsius < limit)
    if all(abs(milli_celsius - limit) > 50 for limit in limits):
        assert said % 100 == 0, "finer only where it takes it"


@given(MILLI_CELSIUS)
def test_all_of_a_temperature_is_shown(milli_celsius: int) -> None:
    assert round(float(celsius(milli_celsius)) * 1000) == milli_celsius


def test_a_plus_is_shown_where_it_is_asked_for() -> None:
    assert [celsius(one, "+") for one in (9_400, 8_040, -501)] == ["+9.4", "+8.04", "-0.501"]
