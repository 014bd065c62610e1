"""What may be set right about a dose, and when physics lets a unit go back."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from clinic_server.corrections.rules import (
    CorrectionReasonMissing,
    CorrectionStale,
    DoseAsCorrected,
    DoseDenied,
    DoseStands,
    NothingToCorrect,
    ReturnUnwitnessed,
    UnitCannotReturn,
    UnitReturnedBefore,
    refuse_denied,
    refuse_other_site,
    refuse_return,
    refuse_unexplained,
)
from clinic_server.stock.rules import BodySite

LEFT, RIGHT = BodySite.LEFT_UPPER_ARM, BodySite.RIGHT_UPPER_ARM
TODAY = date(2026, 3, 2)
NURSE, KEEPER = UUID(int=1), UUID(int=2)
GIVEN = DoseAsCorrected(
    UUID(int=3),
    UUID(int=4),
    UUID(int=5),
    datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
    "hepb-yeast",
    UUID(int=6),
    UUID(int=7),
    LEFT,
    doses_per_unit=1,
    expires_on=TODAY,
    denied_by=None,
    is_returned=False,
)
DENIED = replace(GIVEN, denied_by=NURSE)


@pytest.mark.parametrize("reason", ["", " ", "x" * 501])
def test_a_correction_says_why(reason: str) -> None:
    refuse_unexplained("x" * 500)
    with pytest.raises(CorrectionReasonMissing):
        refuse_unexplained(reason)


def test_the_body_site_is_replaced_by_another_if_it_still_stands() -> None:
    refuse_other_site(GIVEN, LEFT, RIGHT)
    with pytest.raises(CorrectionStale):
        refuse_other_site(GIVEN, RIGHT, LEFT)
    with pytest.raises(NothingToCorrect):
        refuse_other_site(GIVEN, LEFT, LEFT)
    with pytest.raises(DoseDenied):
        refuse_other_site(DENIED, LEFT, RIGHT)


def test_a_dose_is_denied_once() -> None:
    refuse_denied(GIVEN)
    with pytest.raises(DoseDenied):
        refuse_denied(DENIED)


def test_a_unit_returns_on_its_last_day_when_a_second_person_holds_it() -> None:
    refuse_return(DENIED, KEEPER, TODAY)


@pytest.mark.parametrize(
    ("dose", "by", "today", "error"),
    [
        (GIVEN, KEEPER, TODAY, DoseStands),
        (replace(DENIED, is_returned=True), KEEPER, TODAY, UnitReturnedBefore),
        (replace(DENIED, doses_per_unit=2), KEEPER, TODAY, UnitCannotReturn),
        (DENIED, KEEPER, date(2026, 3, 3), UnitCannotReturn),
        (DENIED, NURSE, TODAY, ReturnUnwitnessed),
        (DENIED, None, TODAY, ReturnUnwitnessed),
    ],
)
def test_a_unit_does_not_return_against_physics(
    dose: DoseAsCorrected, by: UUID | None, today: date, error: type[Exception]
) -> None:
    with pytest.raises(error):
        refuse_return(dose, by, today)
