"""Whether a delivery may come in, what packing lists stand for, what differs."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.cold_chain.rules import PROFILES
from clinic_server.receiving.rules import (
    ArrivalFinding,
    ArrivedUnit,
    DeliveryDifference,
    PackageLevel,
    PackingListContradicts,
    RefusalReason,
    TransportRecord,
    TransportRecordImpossible,
    TransportRecordKind,
    contents_of,
    findings_for_arrival,
    listed_packages,
    refusal_for,
    refuse_impossible,
    unexplained_units,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FRIDGE = PROFILES["cn-clinic-2-8"]
LIST = [("C1", "P1", "U1"), ("C1", "P1", "U2"), ("C1", "P2", "U3"), ("P3", "U4"), ("U5",)]


def a_record(low: int = 3_000, high: int = 6_000, hours: int = 2) -> TransportRecord:
    """A logger's print of a way that ended now."""
    return TransportRecord(TransportRecordKind.LOGGER_PRINT, "LG-1", NOW - timedelta(hours=hours), NOW, low, high)


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [
        (2_000, 8_000, None),
        (1_999, 8_000, RefusalReason.TOO_COLD_ON_THE_WAY),
        (2_000, 8_001, RefusalReason.TOO_WARM_ON_THE_WAY),
        (-500, 12_000, RefusalReason.TOO_COLD_ON_THE_WAY),
    ],
)
def test_both_limits_are_still_in_range_and_a_thousandth_beyond_is_not(
    low: int, high: int, reason: RefusalReason | None
) -> None:
    """疫苗储存和运输管理规范 (2017): 无温度记录或超出规定温度的，不得收货."""
    assert refusal_for(a_record(low, high), [FRIDGE]) is reason


def test_without_a_record_nothing_comes_in_whatever_is_in_the_van() -> None:
    assert refusal_for(None, []) is RefusalReason.NO_TEMPERATURE_RECORD
    assert refusal_for(a_record(-90_000, 80_000), []) is None


@pytest.mark.parametrize(
    "record",
    [a_record(hours=-1), a_record(low=6_001), TransportRecord("paper", "1", NOW, NOW + timedelta(seconds=1), 1, 2)],
)
def test_a_record_that_cannot_be_meant_is_no_reason_to_refuse_the_van(record: TransportRecord) -> None:
    refuse_impossible(a_record(), NOW)
    with pytest.raises(TransportRecordImpossible):
        refuse_impossible(record, NOW)


def test_a_carton_stands_for_its_units_and_a_unit_for_itself() -> None:
    contents = contents_of(listed_packages(LIST))
    assert contents["C1"] == ["U1", "U2", "U3"]
    assert (contents["P1"], contents["P3"], contents["U5"]) == (["U1", "U2"], ["U4"], ["U5"])
    levels = {one.code: one.level for one in listed_packages(LIST)}
    assert (levels["C1"], levels["P3"], levels["U4"]) == (PackageLevel.CARTON, PackageLevel.PACK, PackageLevel.UNIT)


@pytest.mark.parametrize(
    "rows",
    [
        [("P1", "U1"), ("P2", "U1")],
        [("P1", "U1"), ("P1", "U1")],
        [("C1", "P1", "U1"), ("C2", "P1", "U2")],
        [("P1", "U1"), ("U1", "U2")],
        [("A", "B", "C", "D")],
    ],
)
def test_a_code_stands_once_in_a_list_in_one_package_on_one_level(rows: list[tuple[str, ...]]) -> None:
    with pytest.raises(PackingListContradicts):
        listed_packages(rows)


@given(st.lists(st.integers(1, 5), max_size=6))
def test_the_packs_of_a_list_share_out_all_its_units(sizes: list[int]) -> None:
    edges = [0, *(sum(sizes[: n + 1]) for n in range(len(sizes)))]
    rows = [("C", f"P{n}", f"U{at}") for n, (low, high) in enumerate(pairwise(edges)) for at in range(low, high)]
    contents = contents_of(listed_packages(rows))
    packed = [unit for n in range(len(sizes)) for unit in contents[f"P{n}"]]
    assert packed == [row[-1] for row in rows] == list(contents.get("C", []))


def test_what_a_code_does_not_say_contradicts_nothing() -> None:
    expires_on = date(2027, 1, 1)
    assert findings_for_arrival(ArrivedUnit("U"), "L1", expires_on) == ()
    assert findings_for_arrival(ArrivedUnit("U", None, "L1", expires_on), "L1", expires_on) == ()
    other = ArrivedUnit("U", None, "L2", date(2027, 1, 2))
    assert findings_for_arrival(other, "L1", expires_on) == (ArrivalFinding.LOT_DIFFERS, ArrivalFinding.EXPIRY_DIFFERS)


@pytest.mark.parametrize(
    ("arrived", "told", "left"),
    [
        (10, {}, 0),
        (7, {}, -3),
        (7, {DeliveryDifference.SHORT: 2, DeliveryDifference.BROKEN: 1}, 0),
        (12, {DeliveryDifference.SURPLUS: 2}, 0),
        (12, {DeliveryDifference.SHORT: 2}, 4),
        (9, {DeliveryDifference.SURPLUS: 1, DeliveryDifference.BROKEN: 2}, 0),
    ],
)
def test_a_difference_is_explained_to_the_last_unit(
    arrived: int, told: dict[DeliveryDifference, int], left: int
) -> None:
    assert unexplained_units(10, arrived, told) == left


def test_some_refusals_are_seen_by_people_and_all_but_a_slip_are_reported() -> None:
    seen = {RefusalReason.PACKAGE_DAMAGED, RefusalReason.NOT_ORDERED, RefusalReason.ENTERED_WRONGLY}
    assert {reason for reason in RefusalReason if reason.is_told_by_people} == seen
    assert {reason for reason in RefusalReason if not reason.is_reported} == {RefusalReason.ENTERED_WRONGLY}
