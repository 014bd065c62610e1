"""What a person's past says of a planned dose, over facts typed by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from clinic_server.immunisations.history import (
    MOST_PLACE_CHARACTERS,
    MOST_REASON_CHARACTERS,
    DateImpossible,
    DateUnreadable,
    DoseKnown,
    NewReaction,
    NoteMissing,
    PartialDate,
    PlaceTooLong,
    Precision,
    Proof,
    Reaction,
    counted_on,
    refuse_impossible,
    refuse_lengthy_place,
    required_note,
)
from clinic_server.immunisations.outlooks import (
    NOTHING_FORESEEN,
    Case,
    DoseBarred,
    Past,
    case_on,
    findings_at_needle,
    refuse_barred,
    standings_on,
)
from clinic_server.immunisations.terms import Certainty, DoseFinding, FindingWeight, Outlook
from clinic_server.kit.labels import labels
from clinic_server.people.documents import Sex
from clinic_server.stock import vaccines
from clinic_server.stock.rules import Platform
from clinic_server.stock.vaccines import Vaccine

TODAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
CATALOGUE = vaccines.shipped()
BBIBP = CATALOGUE["covid19-bbibp-corv"]


def a_dose(number: int, on: date, vaccine: Vaccine = BBIBP, proof: Proof | None = None, vague: str = "") -> DoseKnown:
    given_on = PartialDate.parse(vague) if vague else PartialDate(on, Precision.DAY)
    return DoseKnown(UUID(int=number), given_on, on, vaccine.code, vaccine.antigens, vaccine.platform, proof)


def a_past(*doses: DoseKnown, reactions: tuple[Reaction, ...] = ()) -> Past:
    return Past(date(1980, 5, 1), Sex.MALE, doses, reactions)


def a_reaction(vaccine_code: str | None = None, platform: Platform | None = None, *, cleared: bool = False) -> Reaction:
    told = NewReaction(date(2025, 1, 1), "anaphylaxis", vaccine_code, platform)
    return Reaction(UUID(int=9), told, NOON if cleared else None)


def codes(case: Case) -> set[str]:
    return {str(finding.code) for finding in case.outlook.findings}


@pytest.mark.parametrize(
    ("written", "first", "last", "precision"),
    [
        ("2021-05-08", date(2021, 5, 8), date(2021, 5, 8), Precision.DAY),
        (" 2021-05 ", date(2021, 5, 1), date(2021, 5, 31), Precision.MONTH),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), Precision.MONTH),
        ("2021", date(2021, 1, 1), date(2021, 12, 31), Precision.YEAR),
    ],
)
def test_a_day_is_as_exact_as_it_is_written(written: str, first: date, last: date, precision: Precision) -> None:
    read = PartialDate.parse(written)
    assert (read.first_on, read.last_on, read.precision) == (first, last, precision)
    assert str(read) == written.strip()


@pytest.mark.parametrize("written", ["", "21", "2021-5", "2021-13", "2021-02-30", "2021-05-08x", "0000", "2021/05/08"])
def test_what_is_no_day_is_refused(written: str) -> None:
    with pytest.raises(DateUnreadable):
        PartialDate.parse(written)


@given(some.dates(min_value=date(1900, 1, 1)), some.sampled_from(Precision))
def test_what_was_written_is_read_again(on: date, precision: Precision) -> None:
    shown = str(PartialDate(on, precision))
    read = PartialDate.parse(shown)
    assert str(read) == shown
    assert read.first_on <= on <= read.last_on


@pytest.mark.parametrize(
    ("written", "is_possible"),
    [
        ("2026-03-02", True),
        ("2026-03-03", False),
        ("2026-03", True),
        ("2026-04", False),
        ("2026", True),
        ("1980-05-01", True),
        ("1980-04-30", False),
        ("1980-04", False),
        ("1980", True),
        ("1979", False),
    ],
)
def test_the_past_lies_between_birth_and_today(written: str, *, is_possible: bool) -> None:
    born_on, said = date(1980, 5, 1), PartialDate.parse(written)
    if is_possible:
        refuse_impossible(said, born_on, TODAY)
    else:
        with pytest.raises(DateImpossible):
            refuse_impossible(said, born_on, TODAY)


@pytest.mark.parametrize(
    ("written", "counted"),
    [("2021-05", date(2021, 5, 31)), ("2026-03", TODAY), ("2026", TODAY), ("2026-02-20", date(2026, 2, 20))],
)
def test_a_vague_day_counts_as_the_last_it_can_be(written: str, counted: date) -> None:
    """So that no interval comes short; whoever noted it had it behind them."""
    assert counted_on(PartialDate.parse(written), TODAY) == counted


def test_the_clock_set_back_after_noting_counts_no_day_before_the_first() -> None:
    assert counted_on(PartialDate.parse("2026-03-02"), date(2026, 3, 1)) == TODAY


@pytest.mark.parametrize(
    ("proof", "certainty"),
    [
        (None, Certainty.RECORDED),
        (Proof.VACCINATION_BOOK, Certainty.DOCUMENTED),
        (Proof.CERTIFICATE, Certainty.DOCUMENTED),
        (Proof.PROVINCE_RECORD, Certainty.DOCUMENTED),
        (Proof.TOLD, Certainty.REPORTED),
    ],
)
def test_paper_documents_and_words_report(proof: Proof | None, certainty: Certainty) -> None:
    assert a_dose(1, TODAY, proof=proof).certainty is certainty


def test_a_note_is_asked_for_and_bounded() -> None:
    assert required_note("  why  ") == "why"
    assert required_note("x" * MOST_REASON_CHARACTERS)
    for words in (" ", "x" * (MOST_REASON_CHARACTERS + 1)):
        with pytest.raises(NoteMissing) as refused:
            required_note(words)
        assert refused.value.facts == {"most": 500}
    refuse_lengthy_place(f" {'x' * MOST_PLACE_CHARACTERS} ")
    with pytest.raises(PlaceTooLong) as too_long:
        refuse_lengthy_place("x" * (MOST_PLACE_CHARACTERS + 1))
    assert too_long.value.facts == {"most": 200}


def test_somebody_without_a_past_gets_the_first_dose() -> None:
    case = case_on(a_past(), CATALOGUE, BBIBP, TODAY)
    assert (case.outlook.dose_number, case.outlook.schedule_code, codes(case)) == (1, "cn-covid19", set())
    refuse_barred(case)


def test_a_second_dose_of_the_same_day_is_barred_whatever_the_reason() -> None:
    case = case_on(a_past(a_dose(1, TODAY)), CATALOGUE, BBIBP, TODAY)
    assert "same_day_dose" in case.bars()
    with pytest.raises(DoseBarred) as refused:
        refuse_barred(case)
    assert "same_day_dose" in refused.value.findings


def test_another_vaccine_of_the_same_day_is_no_second_dose() -> None:
    flu = next(one for one in CATALOGUE.values() if one.antigens == ("influenza",))
    case = case_on(a_past(a_dose(1, TODAY, flu)), CATALOGUE, BBIBP, TODAY)
    assert "same_day_dose" not in codes(case)


def test_a_vague_dose_of_this_month_is_uncertain_not_todays() -> None:
    case = case_on(a_past(a_dose(1, TODAY, vague="2026-03")), CATALOGUE, BBIBP, TODAY)
    assert {"history_date_vague", "too_early"} <= codes(case)
    assert "same_day_dose" not in codes(case)


def test_a_vague_dose_against_something_else_says_nothing() -> None:
    flu = next(one for one in CATALOGUE.values() if one.antigens == ("influenza",))
    case = case_on(a_past(a_dose(1, date(2021, 12, 31), flu, vague="2021")), CATALOGUE, BBIBP, TODAY)
    assert "history_date_vague" not in codes(case)


def test_a_vaccine_of_no_schedule_needs_a_physicians_word() -> None:
    class_of_its_own = _like(BBIBP, code="made-up", antigens=("made_up",))
    case = case_on(a_past(), CATALOGUE, class_of_its_own, TODAY)
    assert (case.outlook.dose_number, case.outlook.schedule_code, codes(case)) == (None, "", {"no_schedule"})
    assert case.bars() == ()


@pytest.mark.parametrize(
    ("reaction", "is_barred"),
    [
        (a_reaction(BBIBP.code), True),
        (a_reaction(BBIBP.code, cleared=True), False),
        (a_reaction(platform=Platform.INACTIVATED), True),
        (a_reaction(platform=Platform.INACTIVATED, cleared=True), False),
        (a_reaction(platform=Platform.LIVE), False),
        (a_reaction("covid19-same-platform"), True),
        (a_reaction("covid19-other-platform"), False),
        (a_reaction("flu-same-platform"), False),
        (a_reaction("no-longer-known"), False),
    ],
)
def test_a_severe_reaction_bars_the_vaccine_and_its_platform(reaction: Reaction, *, is_barred: bool) -> None:
    """Invariant 11: blocked unless cleared by a physician's note."""
    known = {
        BBIBP.code: BBIBP,
        "covid19-same-platform": _like(BBIBP, code="covid19-same-platform"),
        "covid19-other-platform": _like(BBIBP, code="covid19-other-platform", platform=Platform.VECTOR),
        "flu-same-platform": _like(BBIBP, code="flu-same-platform", antigens=("influenza",)),
    }
    case = case_on(a_past(reactions=(reaction,)), known, BBIBP, TODAY)
    assert ("prior_severe_reaction" in case.bars()) is is_barred


def test_what_the_physician_accepted_is_not_held_against_the_needle() -> None:
    case = case_on(a_past(a_dose(1, date(2026, 2, 15))), CATALOGUE, BBIBP, TODAY)
    assert "too_early" in codes(case)
    assert findings_at_needle(case.foreseen(), case) == ()


def test_what_nobody_may_accept_is_held_against_the_needle() -> None:
    case = case_on(a_past(a_dose(1, TODAY)), CATALOGUE, BBIBP, TODAY)
    assert "same_day_dose" in findings_at_needle(case.foreseen(), case)


def test_a_new_finding_and_a_changed_past_stop_the_needle() -> None:
    was = case_on(a_past(), CATALOGUE, BBIBP, TODAY).foreseen()
    now = case_on(a_past(a_dose(1, date(2026, 2, 28))), CATALOGUE, BBIBP, TODAY)
    assert set(findings_at_needle(was, now)) >= {"outlook_changed", "too_early"}


def test_a_recommendation_without_a_record_of_its_past_is_asked_again() -> None:
    now = case_on(a_past(), CATALOGUE, BBIBP, TODAY)
    assert findings_at_needle(NOTHING_FORESEEN, now) == ("outlook_changed",)


@pytest.mark.parametrize(
    "change", [{"dose_number": 3}, {"schedule_code": "other"}, {"schedule_version": 99}, {"dose_ids": (UUID(int=5),)}]
)
def test_any_change_underneath_is_a_change(change: dict[str, object]) -> None:
    now = case_on(a_past(a_dose(1, date(2025, 1, 1))), CATALOGUE, BBIBP, TODAY)
    was = replace(now.foreseen(), **change)  # type: ignore[arg-type]  # one field each
    assert findings_at_needle(was, now) == ("outlook_changed",)


def test_a_finding_that_went_away_is_no_change() -> None:
    now = case_on(a_past(a_dose(1, date(2025, 1, 1))), CATALOGUE, BBIBP, TODAY)
    was = replace(now.foreseen(), findings=("too_early",))
    assert findings_at_needle(was, now) == ()


def test_a_finding_barred_and_new_is_told_once() -> None:
    finding = DoseFinding("series_complete", FindingWeight.CONTRAINDICATION, "source")
    case = Case(a_past(), Outlook(None, None, "", 0, (finding,)))
    assert findings_at_needle(NOTHING_FORESEEN, case) == ("series_complete",)


def test_a_person_stands_somewhere_in_every_series() -> None:
    standings = standings_on(a_past(a_dose(1, date(2021, 5, 1))), CATALOGUE, TODAY)
    (covid,) = [series for schedule, series in standings if schedule.code == "cn-covid19"]
    assert [one.target_dose for one in covid.doses] == [1]
    assert {series.antigen for _, series in standings} >= {"covid19", "influenza"}


def test_a_reaction_not_cleared_is_told_to_the_schedule() -> None:
    told = case_on(a_past(reactions=(a_reaction(BBIBP.code),)), CATALOGUE, BBIBP, TODAY)
    cleared = case_on(a_past(reactions=(a_reaction(BBIBP.code, cleared=True),)), CATALOGUE, BBIBP, TODAY)
    assert codes(cleared) == set()
    assert {"prior_severe_reaction", "contraindicated_by_observation"} <= codes(told)


def test_everything_a_vaccine_is_against_has_words() -> None:
    assert {antigen for vaccine in CATALOGUE.values() for antigen in vaccine.antigens} == set(labels()["antigen"])


def _like(vaccine: Vaccine, **change: object) -> Vaccine:
    return Vaccine(**{name: getattr(vaccine, name) for name in vaccine.__struct_fields__} | change)
