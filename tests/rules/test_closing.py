"""What stands in the way of closing a day, and what may be signed for."""

from dataclasses import replace

import pytest

from clinic_server.closing.rules import (
    BenchLot,
    Blocker,
    DayFacts,
    DayFinding,
    ProductSums,
    Signed,
    blockers,
    unsigned,
)

LOT = BenchLot("bench-1", "vaccine-a", "L1", brought=10, drawn=6, given=6, wasted=1, taken_back=3, left=0)
SUMS = ProductSums("vaccine-a", ledger=6, doses=6, consents=6)
DAY = DayFacts(
    observed=0,
    under_care=0,
    left_unseen=0,
    on_their_way=0,
    open_vials={},
    units_at_bench={},
    incidents=0,
    differences=0,
    lots=(LOT,),
    sums=(SUMS,),
)


def test_a_day_whose_sums_agree_has_nothing_in_the_way() -> None:
    assert blockers(DAY) == ()
    assert unsigned((), ()) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"observed": 2}, Blocker(DayFinding.PEOPLE_OBSERVED, "", 2)),
        ({"under_care": 1}, Blocker(DayFinding.PEOPLE_UNDER_CARE, "", 1)),
        ({"left_unseen": 2}, Blocker(DayFinding.PEOPLE_LEFT_UNSEEN, "", 2)),
        ({"on_their_way": 3}, Blocker(DayFinding.PEOPLE_ON_THEIR_WAY, "", 3)),
        ({"open_vials": {"bench-1-box": 1}}, Blocker(DayFinding.VIALS_OPEN, "bench-1-box", 1)),
        ({"units_at_bench": {"bench-2-box": 4}}, Blocker(DayFinding.UNITS_AT_BENCH, "bench-2-box", 4)),
        ({"incidents": 1}, Blocker(DayFinding.INCIDENTS_OPEN, "", 1)),
        ({"differences": 2}, Blocker(DayFinding.COUNT_DIFFERS, "", 2)),
        ({"lots": (replace(LOT, given=5),)}, Blocker(DayFinding.DRAWN_NOT_GIVEN, "bench-1 vaccine-a/L1", 1)),
        ({"lots": (replace(LOT, given=8),)}, Blocker(DayFinding.DRAWN_NOT_GIVEN, "bench-1 vaccine-a/L1", -2)),
        ({"sums": (replace(SUMS, ledger=7),)}, Blocker(DayFinding.SUMS_DIFFER, "vaccine-a", 1)),
        ({"sums": (replace(SUMS, doses=4),)}, Blocker(DayFinding.SUMS_DIFFER, "vaccine-a", 2)),
        ({"sums": (replace(SUMS, consents=5),)}, Blocker(DayFinding.SUMS_DIFFER, "vaccine-a", 1)),
    ],
)
def test_each_way_to_unbalance_a_day_is_named(change: dict[str, object], expected: Blocker) -> None:
    assert blockers(replace(DAY, **change)) == (expected,)  # type: ignore[arg-type]  # fields of DayFacts


@pytest.mark.parametrize("finding", DayFinding)
def test_people_under_observation_and_open_vials_are_never_signed_for(finding: DayFinding) -> None:
    blocker = Blocker(finding, "x", 2)
    signed = Signed(finding, "x", 2, "the lead knows why")
    may_be_signed = finding not in {
        DayFinding.PEOPLE_OBSERVED,
        DayFinding.PEOPLE_UNDER_CARE,
        DayFinding.VIALS_OPEN,
    }
    assert blocker.may_be_signed is may_be_signed
    assert unsigned([blocker], [signed]) == (() if may_be_signed else (blocker,))


@pytest.mark.parametrize(
    "change", [{"count": 3}, {"subject": "y"}, {"finding": DayFinding.SUMS_DIFFER}, {"reason": " "}]
)
def test_a_signature_counts_for_what_it_names_and_with_a_reason_alone(change: dict[str, object]) -> None:
    blocker = Blocker(DayFinding.UNITS_AT_BENCH, "x", 2)
    signed = replace(Signed(DayFinding.UNITS_AT_BENCH, "x", 2, "why"), **change)  # type: ignore[arg-type]  # its fields
    assert unsigned([blocker], [signed]) == (blocker,)


def test_the_three_numbers_are_one_or_they_differ() -> None:
    assert SUMS.agree
    for name in ("ledger", "doses", "consents"):
        assert not replace(SUMS, **{name: 5}).agree
