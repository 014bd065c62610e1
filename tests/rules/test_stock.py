"""Which unit may be used."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from clinic_server.stock.rules import (
    AtBench,
    Route,
    SecondPersonNeeded,
    Stop,
    StopFinding,
    StopLiftNotProposed,
    StopScope,
    UnitCodeInvalid,
    UnitFacts,
    UnitFinding,
    findings_for_unit,
    lot_code,
    normalised_code,
    passed_over,
    refuse_lift,
    stop_findings,
    stops_on,
    stops_shown_at,
)

TODAY = date(2026, 3, 2)
UNIT = UnitFacts(
    unit_id=UUID(int=1),
    lot_id=UUID(int=2),
    lot_number="202601001",
    expires_on=TODAY,
    product_code="vaccine-a",
    product_name="Vaccine A",
    doses_per_unit=2,
    doses_used=1,
    volume_ul=500,
    route=Route.INTRAMUSCULAR,
    vaccine_code="covid19-bbibp-corv",
    trace_code="81000001",
    doses_left=1,
    place_id=UUID(int=5),
    place_code="bench-1-box",
    station="bench-1",
)
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
AT = AtBench("bench-1", NOW, TODAY)


def test_a_unit_is_good_through_the_end_of_its_day_of_expiry() -> None:
    assert findings_for_unit(UNIT, "vaccine-a", AT) == ()
    assert findings_for_unit(UNIT, "vaccine-a", replace(AT, today=date(2026, 3, 3))) == (UnitFinding.LOT_EXPIRED,)


def test_a_unit_with_every_dose_drawn_is_used_up() -> None:
    assert findings_for_unit(replace(UNIT, doses_left=0), "vaccine-a", AT) == (UnitFinding.UNIT_USED_UP,)


def test_a_unit_of_another_product_is_refused() -> None:
    assert findings_for_unit(UNIT, "vaccine-b", AT) == (UnitFinding.OTHER_PRODUCT,)


def test_a_code_that_was_never_received_is_unknown() -> None:
    assert findings_for_unit(None, "vaccine-a", AT) == (UnitFinding.UNIT_UNKNOWN,)


def test_every_reason_is_given_not_only_the_first() -> None:
    expired_and_empty = replace(UNIT, doses_left=0, expires_on=date(2026, 3, 1))
    assert set(findings_for_unit(expired_and_empty, "vaccine-b", AT)) == {
        UnitFinding.OTHER_PRODUCT,
        UnitFinding.LOT_EXPIRED,
        UnitFinding.UNIT_USED_UP,
    }


def test_a_unit_is_drawn_from_only_at_the_bench_it_was_issued_to() -> None:
    for station in (None, "bench-2"):
        assert findings_for_unit(replace(UNIT, station=station), "vaccine-a", AT) == (UnitFinding.UNIT_ELSEWHERE,)
    assert findings_for_unit(UNIT, "vaccine-a", replace(AT, station=None)) == (UnitFinding.UNIT_ELSEWHERE,)
    nowhere = replace(UNIT, station=None)
    assert findings_for_unit(nowhere, "vaccine-a", replace(AT, station=None)) == (UnitFinding.UNIT_ELSEWHERE,)


def test_an_open_vial_is_good_to_the_last_instant_of_its_minutes() -> None:
    opened = replace(UNIT, opened_at=NOW - timedelta(minutes=30), open_until=NOW)
    assert findings_for_unit(opened, "vaccine-a", AT) == ()
    a_moment_later = replace(AT, now=NOW + timedelta(microseconds=1))
    assert findings_for_unit(opened, "vaccine-a", a_moment_later) == (UnitFinding.UNIT_OPEN_TOO_LONG,)


def test_a_held_unit_is_refused() -> None:
    assert findings_for_unit(replace(UNIT, is_held=True), "vaccine-a", AT) == (UnitFinding.UNIT_ON_HOLD,)


EARLY, LATE = (
    replace(UNIT, unit_id=UUID(int=number), expires_on=TODAY + timedelta(days=days), place_id=UUID(int=9))
    for number, days in ((11, 10), (12, 20))
)


def test_what_expires_first_in_the_same_place_goes_out_first() -> None:
    assert passed_over([LATE], [EARLY, LATE], TODAY) == EARLY
    assert passed_over([EARLY], [EARLY, LATE], TODAY) is None
    assert passed_over([EARLY, LATE], [EARLY, LATE], TODAY) is None
    last_day = replace(EARLY, expires_on=TODAY)
    assert passed_over([LATE], [last_day, LATE], TODAY) == last_day
    latest, between = replace(LATE, unit_id=UUID(int=13), expires_on=TODAY + timedelta(days=30)), LATE
    assert passed_over([latest, EARLY], [EARLY, between, latest], TODAY) == between


@pytest.mark.parametrize(
    "unusable",
    [
        {"doses_left": 0},
        {"is_held": True},
        {"expires_on": TODAY - timedelta(days=1)},
        {"expires_on": LATE.expires_on},
        {"product_code": "vaccine-b"},
        {"place_id": UUID(int=8)},
    ],
)
def test_nothing_waits_for_a_unit_that_could_not_go_out_instead(unusable: dict[str, Any]) -> None:
    assert passed_over([LATE], [replace(EARLY, **unusable), LATE], TODAY) is None


@pytest.mark.parametrize("scanned", ["", "123", "8100 0001", "八一", "8" * 51, "81\x00000001"])
def test_what_is_no_trace_code_is_refused(scanned: str) -> None:
    with pytest.raises(UnitCodeInvalid):
        normalised_code(scanned)


def test_blanks_around_a_scan_do_not_count() -> None:
    assert normalised_code(" 81000001000000000001\r\n") == "81000001000000000001"


def a_stop(scope: StopScope, target: str, proposed_by: UUID | None = None) -> Stop:
    return Stop(UUID(int=9), scope, target, "why", datetime(2026, 3, 2, tzinfo=UTC), UUID(int=8), proposed_by)


@pytest.mark.parametrize(
    ("scope", "target", "other"),
    [
        (StopScope.UNIT, "81000001", "81000002"),
        (StopScope.LOT, "vaccine-a/202601001", "vaccine-b/202601001"),
        (StopScope.PRODUCT, "vaccine-a", "vaccine-b"),
    ],
)
def test_a_stop_order_names_a_unit_a_lot_of_one_product_or_a_product(scope: StopScope, target: str, other: str) -> None:
    """Invariant 22: a stop takes effect for its scope."""
    named = a_stop(scope, target)
    assert stops_on(UNIT, [a_stop(scope, other), named]) == (named,)
    assert stops_on(None, [named]) == ()
    assert stop_findings([named, named]) == (StopFinding(f"{scope}_stopped"),)


def test_a_stop_of_the_whole_site_holds_for_every_unit_and_for_none() -> None:
    stop = a_stop(StopScope.SITE, "")
    assert stops_on(UNIT, [stop]) == stops_on(None, [stop]) == (stop,)


def test_a_stop_of_a_bench_holds_there_for_every_unit_and_for_none() -> None:
    here, there = a_stop(StopScope.BENCH, "bench-1"), a_stop(StopScope.BENCH, "bench-2")
    assert stops_on(UNIT, [there, here], "bench-1") == stops_on(None, [there, here], "bench-1") == (here,)
    assert stops_on(UNIT, [there, here]) == ()
    assert stops_shown_at("bench-1", [there, here, a_stop(StopScope.SITE, "")])[0] == here


def test_a_products_lot_is_no_other_products() -> None:
    assert lot_code("vaccine-a", "L1") != lot_code("vaccine-b", "L1")


def test_lifting_a_stop_order_takes_two_people() -> None:
    """Invariant 22: release needs two persons."""
    first, second = UUID(int=1), UUID(int=2)
    with pytest.raises(StopLiftNotProposed):
        refuse_lift(a_stop(StopScope.SITE, ""), second)
    with pytest.raises(SecondPersonNeeded):
        refuse_lift(a_stop(StopScope.SITE, "", first), first)
    refuse_lift(a_stop(StopScope.SITE, "", first), second)
