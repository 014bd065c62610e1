"""Which unit may be used."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from clinic_server.stock.rules import Route, UnitCodeInvalid, UnitFacts, UnitFinding, findings_for_unit, normalised_code

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
