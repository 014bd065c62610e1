"""Which vial is taken next, and what an open one comes to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from clinic_server.stock.rules import AtBench, Route, Stop, StopScope, UnitFacts, UnitFinding
from clinic_server.stock.vials import Outlook, minutes_left, open_vial_first, outlooks, seen_in_box

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
AT = AtBench("bench-1", NOW, TODAY)
FRESH = UnitFacts(
    unit_id=UUID(int=1),
    lot_id=UUID(int=21),
    lot_number="L1",
    expires_on=TODAY + timedelta(days=10),
    product_code="vaccine-a",
    product_name="Vaccine A",
    doses_per_unit=5,
    doses_used=0,
    volume_ul=500,
    route=Route.INTRAMUSCULAR,
    vaccine_code="covid19-bbibp-corv",
    trace_code="81000001",
    doses_left=5,
    place_id=UUID(int=9),
    place_code="bench-1-box",
    station="bench-1",
)
OPEN = replace(
    FRESH,
    unit_id=UUID(int=2),
    trace_code="81000002",
    doses_left=2,
    expires_on=TODAY + timedelta(days=90),
    opened_at=NOW - timedelta(minutes=30),
    open_until=NOW + timedelta(minutes=30),
)
LATER = replace(
    FRESH, unit_id=UUID(int=3), lot_id=UUID(int=22), trace_code="81000003", expires_on=TODAY + timedelta(days=60)
)
OTHER = replace(FRESH, unit_id=UUID(int=4), trace_code="81000004", product_code="vaccine-b", product_name="Vaccine B")


def next_of(*units: UnitFacts, in_use: dict[str, UUID] | None = None, stops: tuple[Stop, ...] = ()) -> list[UnitFacts]:
    return [one.unit for one in seen_in_box(units, AT, stops, in_use or {}) if one.is_next]


def test_an_open_vial_is_taken_before_a_fresh_one_and_then_what_expires_first() -> None:
    assert next_of(LATER, FRESH, OPEN) == [OPEN]
    assert next_of(LATER, FRESH) == [FRESH]


def test_each_product_has_one_vial_to_take_next() -> None:
    assert next_of(LATER, OTHER, FRESH) == [FRESH, OTHER]


def test_a_bench_goes_on_with_the_lot_it_gave_last() -> None:
    assert next_of(FRESH, LATER, in_use={"vaccine-a": LATER.lot_id}) == [LATER]
    assert next_of(FRESH, LATER, OPEN, in_use={"vaccine-a": LATER.lot_id}) == [OPEN]
    assert next_of(FRESH, LATER, in_use={"vaccine-b": LATER.lot_id}) == [FRESH]


@pytest.mark.parametrize(
    "bad",
    [
        replace(LATER, expires_on=TODAY - timedelta(days=1)),
        replace(LATER, doses_left=0),
        replace(LATER, is_held=True),
        replace(LATER, station="bench-2"),
        replace(LATER, opened_at=NOW - timedelta(hours=2), open_until=NOW - timedelta(hours=1)),
    ],
)
def test_a_choice_drops_when_it_may_not_be_given(bad: UnitFacts) -> None:
    assert next_of(FRESH, bad, in_use={"vaccine-a": bad.lot_id}) == [FRESH]


def test_a_stopped_lot_is_nobodys_choice_and_the_box_says_why() -> None:
    stop = Stop(UUID(int=5), StopScope.LOT, "vaccine-a/L1", "recall", NOW, UUID(int=6))
    later = replace(LATER, lot_number="L2")
    assert next_of(FRESH, later, stops=(stop,)) == [later]
    (seen,) = seen_in_box([FRESH], AT, [stop], {})
    assert (seen.findings, seen.is_next) == (("lot_stopped",), False)


def test_in_a_bench_that_is_stopped_nothing_is_to_be_taken() -> None:
    here, there = (Stop(UUID(int=5), StopScope.BENCH, at, "faints", NOW, UUID(int=6)) for at in ("bench-1", "bench-2"))
    assert next_of(FRESH, LATER, stops=(here,)) == []
    assert next_of(FRESH, LATER, stops=(there,)) == [FRESH]


def test_minutes_are_whole_and_never_below_none() -> None:
    assert minutes_left(FRESH, NOW) is None
    assert minutes_left(OPEN, NOW) == 30
    assert minutes_left(OPEN, NOW + timedelta(seconds=1)) == 29
    assert minutes_left(OPEN, NOW + timedelta(hours=3)) == 0


def test_an_open_vial_nears_its_end_below_ten_minutes() -> None:
    (seen,) = seen_in_box([OPEN], replace(AT, now=NOW + timedelta(minutes=20)), (), {})
    (soon,) = seen_in_box([OPEN], replace(AT, now=NOW + timedelta(minutes=20, seconds=1)), (), {})
    (closed,) = seen_in_box([FRESH], AT, (), {})
    assert (seen.ends_soon, soon.ends_soon, closed.ends_soon) == (False, True, False)


def test_a_fresh_vial_waits_for_the_open_one() -> None:
    assert open_vial_first(FRESH, [OPEN, FRESH], AT) == (UnitFinding.OPEN_VIAL_FIRST,)
    assert open_vial_first(OPEN, [OPEN, FRESH], AT) == ()
    assert open_vial_first(None, [OPEN], AT) == ()
    assert open_vial_first(FRESH, [FRESH, LATER], AT) == ()


@pytest.mark.parametrize(
    "spent",
    [
        replace(OPEN, doses_left=0),
        replace(OPEN, is_held=True),
        replace(OPEN, open_until=NOW - timedelta(seconds=1)),
        replace(OPEN, station="bench-2"),
        replace(OPEN, product_code="vaccine-b"),
    ],
)
def test_nothing_waits_for_an_open_vial_that_may_not_be_given(spent: UnitFacts) -> None:
    assert open_vial_first(FRESH, [spent], AT) == ()


@pytest.mark.parametrize(
    ("waiting", "left_open", "left_of_next"),
    [(0, 2, 0), (1, 1, 0), (2, 0, 0), (3, 0, 4), (6, 0, 1), (7, 0, 0), (8, 0, 0)],
)
def test_what_will_be_left_when_everybody_who_waits_has_had_theirs(
    waiting: int, left_open: int, left_of_next: int
) -> None:
    expected = Outlook("vaccine-a", "Vaccine A", waiting, left_open, left_of_next)
    assert outlooks([OPEN, FRESH], {"vaccine-a": waiting}, AT) == [expected]


def test_without_a_fresh_vial_nothing_of_a_next_one_is_left() -> None:
    assert outlooks([OPEN], {"vaccine-a": 4}, AT) == [Outlook("vaccine-a", "Vaccine A", 4, 0, 0)]
    assert outlooks([FRESH], {}, AT) == [Outlook("vaccine-a", "Vaccine A", 0, 0, 0)]
    twice = replace(OPEN, unit_id=UUID(int=7))
    assert outlooks([OPEN, twice], {"vaccine-a": 1}, AT) == [Outlook("vaccine-a", "Vaccine A", 1, 3, 0)]


def test_units_of_one_dose_and_what_may_not_be_given_leave_nothing() -> None:
    single = replace(FRESH, doses_per_unit=1, doses_left=1)
    held = replace(OPEN, is_held=True)
    assert outlooks([single, held], {"vaccine-a": 1}, AT) == []
