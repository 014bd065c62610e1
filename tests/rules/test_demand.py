"""What the coming days need and how far the stock goes."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.demand.rules import (
    Due,
    LotOnHand,
    days_known,
    loss_factor,
    need_on,
    next_doses,
    planned,
    vaccine_for,
    walk_ins_on,
)
from clinic_server.immunisations.terms import Forecast, SeriesStanding, SeriesStatus

MONDAY = date(2026, 3, 2)


def day(number: int) -> date:
    return MONDAY + timedelta(number)


def lot(number: int, expires: int, doses: int) -> LotOnHand:
    return LotOnHand(UUID(int=number), day(expires), doses)


def expected(on: int, status: SeriesStatus = SeriesStatus.UNDER_WAY, *preferable: str) -> SeriesStanding:
    told = Forecast(status, 2, day(on - 1), day(on), day(on + 30), preferable=preferable or ("a",))
    return SeriesStanding(f"series-{on}", "antigen", (), told)


@pytest.mark.parametrize(
    ("written_off", "given_doses", "factor"),
    [(0, 0, "0"), (7, 0, "0"), (0, 90, "0.000"), (1, 90, "0.012"), (10, 100, "0.100"), (30, 20, "1.500")],
)
def test_loss_is_what_was_written_off_for_each_dose_given(written_off: int, given_doses: int, factor: str) -> None:
    """Loss factor = Σ written-off doses ÷ doses administered: requirements, 2.4."""
    assert loss_factor(written_off, given_doses) == Decimal(factor)


@pytest.mark.parametrize(
    ("due", "walk_ins", "loss", "doses"),
    [
        (0, "0", "0", 0),
        (20, "0", "0.05", 21),  # exact: a float would ask for 22
        (20, "0.1", "0.05", 22),
        (12, "3.3", "0.012", 16),
        (0, "0.1", "0", 1),
    ],
)
def test_a_day_needs_its_parts_and_what_is_lost_on_the_way(due: int, walk_ins: str, loss: str, doses: int) -> None:
    assert need_on(MONDAY, due, Decimal(walk_ins), Decimal(loss)).doses == doses


def test_walk_ins_are_the_mean_of_the_same_weekday() -> None:
    past = {day(-28): 4, day(-21): 2, day(-7): 3, day(-6): 90}
    open_days = [day(-28 + count) for count in range(28)]
    assert walk_ins_on(MONDAY, past, open_days) == Decimal("2.3")  # (4 + 2 + 0 + 3) ÷ 4 = 2.25
    assert walk_ins_on(day(1), past, open_days) == Decimal("22.5")
    assert walk_ins_on(day(2), past, open_days) == 0


def test_a_weekday_that_was_never_seen_expects_the_mean_of_the_days_that_were() -> None:
    assert walk_ins_on(MONDAY, {day(-1): 4, day(-2): 7}, [day(-2), day(-1)]) == Decimal("5.5")
    assert walk_ins_on(MONDAY, {}, []) == 0


def test_days_are_known_from_the_first_with_a_dose_and_today_is_not_over() -> None:
    assert list(days_known([day(-1), day(-3), day(0)], MONDAY)) == [day(-3), day(-2), day(-1)]
    assert list(days_known([MONDAY], MONDAY)) == []


def test_a_lot_is_good_through_its_day_of_expiry_and_gone_the_next() -> None:
    needs = [need_on(day(ahead), 2, Decimal(0), Decimal(0)) for ahead in range(3)]
    plan = planned(needs, [lot(1, 1, 9)])
    assert [(one.usable, one.short) for one in plan.days] == [(9, 0), (7, 0), (0, 2)]
    assert plan.left_over == {UUID(int=1): 5}
    assert plan.days_of_cover == 2


def test_what_expires_first_is_used_first() -> None:
    needs = [need_on(day(ahead), 3, Decimal(0), Decimal(0)) for ahead in range(2)]
    plan = planned(needs, [lot(1, 9, 5), lot(2, 1, 4)])
    assert plan.left_over == {UUID(int=1): 3, UUID(int=2): 0}
    assert plan.days_of_cover is None


def test_a_day_that_is_short_takes_what_there_is() -> None:
    needs = [need_on(day(ahead), 3, Decimal(0), Decimal(0)) for ahead in range(2)]
    plan = planned(needs, [lot(1, 9, 2)])
    assert [(one.usable, one.short) for one in plan.days] == [(2, 1), (0, 3)]
    assert plan.days_of_cover == 0


@given(
    doses=st.lists(st.integers(0, 9), min_size=1, max_size=12),
    lots=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 20)), max_size=5),
)
def test_every_dose_is_used_once_left_over_or_missing(doses: Sequence[int], lots: Sequence[tuple[int, int]]) -> None:
    on_hand = [lot(number, *facts) for number, facts in enumerate(lots)]
    needs = [need_on(day(ahead), count, Decimal(0), Decimal(0)) for ahead, count in enumerate(doses)]
    plan = planned(needs, on_hand)
    used = sum(one.doses - plan.left_over[one.lot_id] for one in on_hand)
    assert used + sum(one.short for one in plan.days) == sum(doses)
    assert all(0 <= plan.left_over[one.lot_id] <= one.doses for one in on_hand)
    assert all(one.short == max(0, one.need.doses - one.usable) for one in plan.days)


@pytest.mark.parametrize(
    ("had", "stocked", "chosen"),
    [((), (), "a"), ((), ("b",), "b"), (("b", "c"), ("a",), "c"), (("x",), ("b",), "b"), (("b", "x"), (), "b")],
)
def test_the_next_dose_is_of_what_they_had_else_of_what_is_here(
    had: Sequence[str], stocked: Sequence[str], chosen: str
) -> None:
    told = Forecast(SeriesStatus.UNDER_WAY, preferable=("a", "b", "c"), allowable=("x",))
    assert vaccine_for(told, had, stocked) == chosen


def test_only_what_counts_as_well_is_chosen_where_nothing_is_preferred() -> None:
    assert vaccine_for(Forecast(SeriesStatus.UNDER_WAY, allowable=("x",)), (), ()) == "x"
    assert vaccine_for(Forecast(SeriesStatus.UNDER_WAY), (), ()) is None


def test_a_vaccine_against_several_things_is_needed_once_on_the_first_of_their_days() -> None:
    standings = [expected(30), expected(21), expected(25), expected(9, SeriesStatus.NOT_STARTED)]
    assert next_doses(standings, (), ()) == {"a": Due(day(20), day(21), day(51))}


def test_a_yearly_dose_is_due_again_and_a_series_that_never_began_is_not() -> None:
    standings = [expected(300, SeriesStatus.COMPLETE, "flu"), expected(5, SeriesStatus.NOT_STARTED, "other")]
    assert set(next_doses(standings, (), ())) == {"flu"}
