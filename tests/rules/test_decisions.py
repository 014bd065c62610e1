"""What a decision answers for beside the answers: its product, earlier visits, and overrides."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.people.rules import age_in_months
from clinic_server.screening.decisions import (
    AgeOutsideVaccine,
    Override,
    OverrideKind,
    VaccineOutsideProgramme,
    advice_over,
    findings_from_earlier,
    override_of,
    refuse_unfit,
)
from clinic_server.screening.rule_sets import Weight
from clinic_server.screening.rules import Advice, DecisionOutcome, Finding
from clinic_server.stock.rules import BodySite, Platform, Route
from clinic_server.stock.vaccines import Ages, Vaccine
from clinic_server.visits.rules import WithheldDose, deferral_to_tell, standing_on

TODAY = date(2026, 3, 2)
DAYS = st.dates(date(1920, 1, 1), date(2060, 12, 31))


def vaccine(code: str = "a", antigens: tuple[str, ...] = ("covid19",), *ages: Ages) -> Vaccine:
    chosen = ages or (Ages(date(2021, 1, 1), 216, 720, "leaflet"),)
    how = ((Route.INTRAMUSCULAR,), (BodySite.LEFT_UPPER_ARM,), 500)
    return Vaccine(code, "A", Platform.INACTIVATED, antigens, (), *how, "leaflet", chosen, ())


def finding(weight: Weight) -> Finding:
    return Finding(f"{weight.value}_found", weight, "leaflet")


def withheld(not_before: date | None = None, code: str | None = None, programme: str = "covid19") -> WithheldDose:
    return WithheldDose(UUID(int=1), UUID(int=2), date(2026, 2, 1), not_before, programme, code)


@pytest.mark.parametrize(
    ("born_on", "day", "months"),
    [
        (date(2008, 3, 2), date(2026, 3, 2), 216),  # 满18周岁 is the birthday itself
        (date(2008, 3, 3), date(2026, 3, 2), 215),
        (date(2025, 1, 31), date(2025, 2, 28), 0),
        (date(2025, 1, 31), date(2025, 3, 1), 1),  # no 31 February: full on the first of the next month
        (date(2024, 2, 29), date(2025, 2, 28), 11),
        (date(2024, 2, 29), date(2025, 3, 1), 12),
        (date(2026, 3, 2), date(2026, 3, 2), 0),
    ],
)
def test_a_month_is_full_on_its_day(born_on: date, day: date, months: int) -> None:
    """Month arithmetic that overflows goes to the first of the next month — CDSi, date rules; clinic.md, 6."""
    assert age_in_months(born_on, day) == months


@given(born_on=DAYS, days=st.integers(0, 30_000))
def test_nobody_grows_younger(born_on: date, days: int) -> None:
    day = born_on + timedelta(days=days)
    assert (
        0
        <= age_in_months(born_on, day)
        <= age_in_months(born_on, day + timedelta(days=1))
        <= age_in_months(born_on, day) + 1
    )


@pytest.mark.parametrize(
    ("born_on", "fits"),
    [
        (date(2008, 3, 2), True),
        (date(2008, 3, 3), False),
        (date(1966, 3, 3), True),
        (date(1966, 3, 2), False),
    ],
)
def test_a_product_is_for_its_ages_on_the_day(born_on: date, fits: bool) -> None:
    if fits:
        refuse_unfit(vaccine(), ("covid19",), born_on, TODAY)
        return
    with pytest.raises(AgeOutsideVaccine):
        refuse_unfit(vaccine(), ("covid19",), born_on, TODAY)


def test_the_ages_are_those_of_the_day_and_before_the_first_there_are_none() -> None:
    """≥18 in early 2021, ≥3 from June 2021 — clinic.md, 4."""
    dated = vaccine("a", ("covid19",), Ages(date(2021, 1, 1), 216, 1800, "a"), Ages(date(2021, 6, 5), 36, 1800, "b"))
    child = date(2015, 1, 1)
    refuse_unfit(dated, ("covid19",), child, date(2021, 6, 5))
    with pytest.raises(AgeOutsideVaccine):
        refuse_unfit(dated, ("covid19",), child, date(2021, 6, 4))
    with pytest.raises(AgeOutsideVaccine):
        refuse_unfit(dated, ("covid19",), date(1980, 1, 1), date(2020, 12, 31))


def test_a_product_belongs_to_the_programme_that_was_asked_about() -> None:
    refuse_unfit(vaccine("a", ("influenza", "covid19")), ("covid19",), date(1990, 1, 1), TODAY)
    with pytest.raises(VaccineOutsideProgramme):
        refuse_unfit(vaccine("a", ("influenza",)), ("covid19",), date(1990, 1, 1), TODAY)


@pytest.mark.parametrize(
    ("weights", "kind"),
    [
        ((), None),
        ((Weight.PRECAUTION,), None),
        ((Weight.UNCLEAR,), None),
        ((Weight.DEFERRAL, Weight.PRECAUTION), OverrideKind.AGAINST_DEFERRAL),
        ((Weight.DEFERRAL, Weight.CONTRAINDICATION), OverrideKind.AGAINST_CONTRAINDICATION),
    ],
)
def test_recommending_against_what_forbids_is_an_override(
    weights: tuple[Weight, ...], kind: OverrideKind | None
) -> None:
    findings = tuple(finding(weight) for weight in weights)
    made = override_of(DecisionOutcome.RECOMMENDED, findings)
    assert made == (None if kind is None else Override(kind, tuple(one.code for one in findings)))


@pytest.mark.parametrize("outcome", [DecisionOutcome.DEFERRED, DecisionOutcome.UNSUITABLE])
def test_withholding_without_a_finding_is_an_override(outcome: DecisionOutcome) -> None:
    assert override_of(outcome, ()) == Override(OverrideKind.WITHOUT_FINDING, ())
    assert override_of(outcome, (finding(Weight.PRECAUTION),)) is None


def test_a_deferral_speaks_until_its_day_and_then_no_more() -> None:
    """A delay carries a date and expires itself — clinic.md, 15.1."""
    deferral = withheld(not_before=TODAY)
    assert standing_on(TODAY - timedelta(days=1), [deferral]) == (deferral,)
    assert standing_on(TODAY, [deferral]) == ()
    (found,) = findings_from_earlier([deferral], vaccine(), TODAY - timedelta(days=1))
    assert (found.code, found.weight) == ("deferred_earlier", Weight.DEFERRAL)
    assert "2026-02-01" in found.source
    assert findings_from_earlier([deferral], vaccine(), TODAY) == ()
    assert findings_from_earlier([deferral], None, TODAY - timedelta(days=1)) == (found,)


def test_what_does_not_suit_leaves_other_vaccines_open() -> None:
    """A contraindication to one product may still allow another — clinic.md, 15.1."""
    unsuitable = withheld(code="a")
    (found,) = findings_from_earlier([unsuitable], vaccine("a"), TODAY)
    assert (found.code, found.weight) == ("unsuitable_earlier", Weight.CONTRAINDICATION)
    assert findings_from_earlier([unsuitable], vaccine("b"), TODAY) == ()
    assert findings_from_earlier([unsuitable], None, TODAY) == ()


def test_unsuitable_without_a_vaccine_speaks_of_the_whole_programme_and_of_no_other() -> None:
    assert findings_from_earlier([withheld()], vaccine("b"), TODAY)
    assert findings_from_earlier([withheld(programme="influenza")], vaccine("b"), TODAY) == ()


def test_the_next_check_in_tells_of_the_latest_deferral_until_a_dose_was_given() -> None:
    latest, older = withheld(date(2026, 3, 9)), withheld(date(2026, 2, 9))
    assert deferral_to_tell([withheld(), latest, older], None) is latest
    assert deferral_to_tell([withheld()], None) is None
    assert deferral_to_tell([latest], date(2026, 1, 31)) is latest
    assert deferral_to_tell([latest], date(2026, 2, 1)) is None


def test_an_earlier_decision_that_stands_is_never_passed_over_as_clear() -> None:
    past = withheld(not_before=TODAY)
    assert advice_over((), [withheld(code="b"), past], TODAY) is Advice.REVIEW
    assert advice_over((), [past], TODAY) is Advice.CLEAR
    assert advice_over((finding(Weight.CONTRAINDICATION),), [withheld()], TODAY) is Advice.AGAINST
