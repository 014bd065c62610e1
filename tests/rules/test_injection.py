"""Whether the needle may go in: 疫苗管理法 art. 45 — inject only after everything agrees."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from clinic_server.injection.rules import (
    OrderFacts,
    PermitExpired,
    PermitFacts,
    PermitFinding,
    PermitOfAnother,
    PermitUsed,
    findings_for_needle,
    refuse_foreign_permit,
    same_order,
)
from clinic_server.stock.rules import Route, UnitFacts, UnitFinding

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
NURSE, OTHER_NURSE = UUID(int=7), UUID(int=8)
ORDER = OrderFacts(UUID(int=1), UUID(int=11), "vaccine-a", UUID(int=2), NOW + timedelta(hours=8))
UNIT = UnitFacts(
    UUID(int=3), UUID(int=4), "L1", date(2027, 1, 1), "vaccine-a", "Vaccine A", 1, 0, 500, Route.INTRAMUSCULAR
)
PERMIT = PermitFacts(
    UUID(int=5),
    UUID(int=6),
    ORDER.order_id,
    UUID(int=2),
    UNIT.unit_id,
    "bench-1",
    NURSE,
    NOW + timedelta(minutes=5),
    is_used=False,
)


def test_everything_in_order_is_permitted() -> None:
    assert findings_for_needle(ORDER, UNIT, NOW, TODAY) == ()


def test_no_decision_means_no_needle_whatever_the_unit() -> None:
    assert findings_for_needle(None, UNIT, NOW, TODAY) == (PermitFinding.NO_STANDING_DECISION,)


def test_no_consent_means_no_needle() -> None:
    assert findings_for_needle(replace(ORDER, consent_id=None), UNIT, NOW, TODAY) == (PermitFinding.NO_CONSENT,)


def test_a_decision_of_yesterday_does_not_hold_today() -> None:
    late = NOW + timedelta(days=1)
    assert findings_for_needle(ORDER, UNIT, late, TODAY) == (PermitFinding.DECISION_EXPIRED,)


def test_a_wrong_unit_is_refused_beside_every_other_reason() -> None:
    other = replace(UNIT, product_code="vaccine-b", doses_used=1)
    findings = findings_for_needle(replace(ORDER, consent_id=None), other, NOW, TODAY)
    assert findings == (PermitFinding.NO_CONSENT, UnitFinding.OTHER_PRODUCT, UnitFinding.UNIT_USED_UP)


def test_a_permit_holds_to_its_last_instant_and_not_longer() -> None:
    refuse_foreign_permit(PERMIT, "bench-1", NURSE, PERMIT.expires_at)
    with pytest.raises(PermitExpired):
        refuse_foreign_permit(PERMIT, "bench-1", NURSE, PERMIT.expires_at + timedelta(microseconds=1))


@pytest.mark.parametrize(("station", "nurse"), [("bench-2", NURSE), ("bench-1", OTHER_NURSE), (None, NURSE)])
def test_a_permit_is_of_one_bench_and_one_vaccinator(station: str | None, nurse: UUID) -> None:
    with pytest.raises(PermitOfAnother):
        refuse_foreign_permit(PERMIT, station, nurse, NOW)


def test_a_permit_is_used_once() -> None:
    with pytest.raises(PermitUsed):
        refuse_foreign_permit(replace(PERMIT, is_used=True), "bench-1", NURSE, NOW)


def test_a_permit_dies_with_its_decision_or_consent() -> None:
    assert same_order(PERMIT, ORDER)
    assert not same_order(PERMIT, replace(ORDER, order_id=UUID(int=9)))
    assert not same_order(PERMIT, replace(ORDER, consent_id=UUID(int=9)))
    assert not same_order(PERMIT, None)
