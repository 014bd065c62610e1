"""The needle's permit at its edges: the last instant, and what a screen may show."""

from datetime import timedelta
from uuid import UUID

import pytest

from clinic_server.injection.rules import PermitFinding, findings_for_needle, still_stands
from tests.rules.test_injection import NOW, NURSE, ORDER, OTHER_NURSE, PERMIT, TODAY, UNIT


def test_a_decision_holds_to_its_last_instant_and_not_longer() -> None:
    assert findings_for_needle(ORDER, UNIT, ORDER.valid_until, TODAY) == ()
    late = ORDER.valid_until + timedelta(microseconds=1)
    assert findings_for_needle(ORDER, UNIT, late, TODAY) == (PermitFinding.DECISION_EXPIRED,)


def test_a_screen_shows_a_permit_that_would_be_taken() -> None:
    assert still_stands(PERMIT, ("bench-1", NURSE), (), NOW)


@pytest.mark.parametrize(
    ("actor", "findings", "minutes"),
    [
        (("bench-2", NURSE), (), 0),
        (("bench-1", OTHER_NURSE), (), 0),
        (("bench-1", NURSE), (PermitFinding.NO_CONSENT,), 0),
        (("bench-1", NURSE), (), 6),
    ],
)
def test_a_screen_shows_no_permit_that_would_be_refused(
    actor: tuple[str, UUID], findings: tuple[str, ...], minutes: int
) -> None:
    assert not still_stands(PERMIT, actor, findings, NOW + timedelta(minutes=minutes))
