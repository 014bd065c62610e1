"""What a count finds: every unit is as recorded, or one difference says how it is not."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.counting.rules import REASONS, DifferenceKind, DifferenceReason, differences
from clinic_server.stock.rules import Doubt, Route, UnitFacts, doubt_about

HERE, THERE = "fridge-1", "fridge-2"
STANDING = UnitFacts(
    unit_id=uuid4(),
    lot_id=uuid4(),
    lot_number="L-1",
    expires_on=date(2027, 1, 1),
    product_code="vaccine-a",
    product_name="Vaccine A",
    doses_per_unit=1,
    doses_used=0,
    volume_ul=500,
    route=Route.INTRAMUSCULAR,
    vaccine_code="covid19-bbibp-corv",
    trace_code="A",
    doses_left=1,
    place_code=HERE,
)
SCANNED = [
    (STANDING, None),
    (replace(STANDING, place_code=THERE), DifferenceKind.ELSEWHERE),
    (replace(STANDING, place_code=None, doses_left=0), DifferenceKind.GONE),
    (replace(STANDING, doses_left=0), DifferenceKind.EMPTY),
    (replace(STANDING, doses_left=0, place_code=THERE), DifferenceKind.EMPTY),
    (None, DifferenceKind.UNKNOWN),
]


@pytest.mark.parametrize(("unit", "kind"), SCANNED)
def test_what_lies_there_is_as_recorded_or_differs_in_one_way(
    unit: UnitFacts | None, kind: DifferenceKind | None
) -> None:
    recorded = [unit] if unit and unit.place_code == HERE and unit.doses_left else []
    assert [one.kind for one in differences(recorded, {"A": unit}, HERE)] == ([kind] if kind else [])


def test_what_was_not_scanned_is_missing() -> None:
    (found,) = differences([STANDING], {}, HERE)
    assert (found.kind, found.unit_id, found.recorded_place) == (DifferenceKind.MISSING, STANDING.unit_id, HERE)


def test_what_lies_there_and_should_not_is_told_with_its_code_and_where_it_stands_by_the_records() -> None:
    (found,) = differences([], {"A": replace(STANDING, place_code=THERE)}, HERE)
    assert (found.trace_code, found.unit_id, found.recorded_place) == ("A", STANDING.unit_id, THERE)


@given(recorded=st.sets(st.sampled_from("ABCDEF")), lying=st.sets(st.sampled_from("ABCDEFGH")))
def test_missing_and_surplus_are_the_two_sides_of_what_is_not_common(recorded: set[str], lying: set[str]) -> None:
    units = {code: replace(STANDING, unit_id=uuid4(), trace_code=code) for code in recorded}
    found = differences(units.values(), {code: units.get(code) for code in lying}, HERE)
    by_kind = {kind: {one.trace_code for one in found if one.kind is kind} for kind in DifferenceKind}
    assert by_kind[DifferenceKind.MISSING] == recorded - lying
    assert by_kind[DifferenceKind.UNKNOWN] == lying - recorded
    assert len(found) == len(recorded ^ lying)


def test_every_reason_explains_some_kind_and_every_kind_may_be_a_miscount() -> None:
    assert {reason for reasons in REASONS.values() for reason in reasons} == set(DifferenceReason)
    assert all(DifferenceReason.COUNTED_WRONG in REASONS[kind] for kind in DifferenceKind)


@pytest.mark.parametrize(
    ("unit", "arriving", "doubt"),
    [
        (None, False, Doubt.UNKNOWN),
        (None, True, None),
        (STANDING, False, None),
        (STANDING, True, Doubt.RECEIVED_BEFORE),
        (replace(STANDING, doses_left=0), False, Doubt.USED_UP),
        (replace(STANDING, doses_left=0, place_code=None), False, Doubt.LEFT_BEFORE),
    ],
)
def test_a_code_is_doubtful_when_it_should_be_known_and_left_or_new(
    unit: UnitFacts | None, arriving: bool, doubt: Doubt | None
) -> None:
    assert doubt_about(unit, arriving=arriving) is doubt
