"""Which unit may be used."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from clinic_server.stock.rules import (
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
    refuse_lift,
    stop_findings,
    stops_on,
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
)


def test_a_unit_is_good_through_the_end_of_its_day_of_expiry() -> None:
    assert findings_for_unit(UNIT, "vaccine-a", TODAY) == ()
    assert findings_for_unit(UNIT, "vaccine-a", date(2026, 3, 3)) == (UnitFinding.LOT_EXPIRED,)


def test_a_unit_with_every_dose_drawn_is_used_up() -> None:
    assert findings_for_unit(replace(UNIT, doses_used=2), "vaccine-a", TODAY) == (UnitFinding.UNIT_USED_UP,)


def test_a_unit_of_another_product_is_refused() -> None:
    assert findings_for_unit(UNIT, "vaccine-b", TODAY) == (UnitFinding.OTHER_PRODUCT,)


def test_a_code_that_was_never_received_is_unknown() -> None:
    assert findings_for_unit(None, "vaccine-a", TODAY) == (UnitFinding.UNIT_UNKNOWN,)


def test_every_reason_is_given_not_only_the_first() -> None:
    expired_and_empty = replace(UNIT, doses_used=2, expires_on=date(2026, 3, 1))
    assert set(findings_for_unit(expired_and_empty, "vaccine-b", TODAY)) == {
        UnitFinding.OTHER_PRODUCT,
        UnitFinding.LOT_EXPIRED,
        UnitFinding.UNIT_USED_UP,
    }


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
