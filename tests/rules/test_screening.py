"""What answers and measurements speak for, by the questions of the national consent form of 2021."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.kit.editions import NothingInForce
from clinic_server.kit.labels import labels
from clinic_server.people.documents import Sex
from clinic_server.screening import rule_sets
from clinic_server.screening.rule_sets import RuleSetFaulty, Weight
from clinic_server.screening.rules import (
    MOST_REASON_CHARACTERS,
    Advice,
    Answer,
    AnswerNotAsked,
    AnswersGiven,
    AnswersIncomplete,
    DecisionOutcome,
    DeferralDateWrong,
    Finding,
    MeasurementImplausible,
    Measurements,
    ProductMissing,
    Proposal,
    ReasonMissing,
    ReasonTooLong,
    Recipient,
    advice_from,
    decision_needs_reason,
    findings_for,
    questions_for,
    refuse_unfounded,
)

NATIONAL = rule_sets.of_version(rule_sets.shipped(), "national-2021", 1)
TEXT = (Path(rule_sets.__file__).parent / "national-2021.toml").read_text(encoding="utf-8")
MAN, WOMAN, SOMEBODY = Recipient(40, Sex.MALE), Recipient(30, Sex.FEMALE), Recipient(30, Sex.UNKNOWN)
TODAY = date(2026, 3, 2)
NOTHING_MEASURED = Measurements()
AGAINST = Finding("vaccine_allergy", Weight.CONTRAINDICATION, "form")
CAREFUL = Finding("severe_chronic_disease", Weight.PRECAUTION, "form")
NOT_TODAY = Finding("fever_measured", Weight.DEFERRAL, "local")
NOT_KNOWN = Finding("pregnancy", Weight.UNCLEAR, "form")


def all_no(recipient: Recipient, **said: Answer) -> dict[str, Answer]:
    return {question.code: said.get(question.code, Answer.NO) for question in questions_for(NATIONAL, recipient)}


def codes_asked(recipient: Recipient) -> set[str]:
    return {question.code for question in questions_for(NATIONAL, recipient)}


def given_by(recipient: Recipient, measured: Measurements = NOTHING_MEASURED, **said: Answer) -> AnswersGiven:
    return AnswersGiven(all_no(recipient, **said), measured, recipient, TODAY)


def weights(recipient: Recipient = MAN, **said: Answer) -> dict[str, Weight]:
    findings = findings_for(NATIONAL, given_by(recipient, **said))
    return {finding.code: finding.weight for finding in findings}


def test_no_to_every_question_finds_nothing() -> None:
    assert weights() == {}


@pytest.mark.parametrize(
    ("question", "weight"),
    [
        ("acute_illness", Weight.CONTRAINDICATION),
        ("vaccine_allergy", Weight.CONTRAINDICATION),
        ("neurological_disease", Weight.PRECAUTION),
        ("pregnancy", Weight.CONTRAINDICATION),
        ("severe_chronic_disease", Weight.PRECAUTION),
    ],
)
def test_each_yes_weighs_what_the_consent_form_says(question: str, weight: Weight) -> None:
    """Items 3 and 5 are marked "use with caution"."""
    assert weights(WOMAN, **{question: Answer.YES}) == {question: weight}


def test_the_childrens_form_asks_for_other_vaccines() -> None:
    """Consent form for ages 3 to 11, item 6."""
    child = Recipient(7, Sex.MALE)
    assert weights(child, other_vaccine=Answer.YES) == {"other_vaccine": Weight.PRECAUTION}
    asked = [age for age in range(20) if "other_vaccine" in codes_asked(Recipient(age, Sex.MALE))]
    assert asked == list(range(3, 12))


@pytest.mark.parametrize("question", [question.code for question in NATIONAL.question])
def test_not_knowing_is_never_no(question: str) -> None:
    asked = next(who for who in (WOMAN, Recipient(7, Sex.FEMALE)) if question in codes_asked(who))
    found = weights(asked, **{question: Answer.DONT_KNOW})
    assert found == {question: Weight.UNCLEAR}


def test_only_what_is_known_closes_a_gate() -> None:
    assert "pregnancy" not in codes_asked(MAN)
    assert "pregnancy" in codes_asked(WOMAN)
    assert "pregnancy" in codes_asked(SOMEBODY)


def test_pregnancy_is_asked_from_ten_to_fifty_nine() -> None:
    asked = [age for age in range(100) if "pregnancy" in codes_asked(Recipient(age, Sex.FEMALE))]
    assert (asked[0], asked[-1]) == (10, 59)


def test_a_question_without_an_answer_is_refused_by_name() -> None:
    answers = all_no(WOMAN)
    del answers["pregnancy"], answers["acute_illness"]
    with pytest.raises(AnswersIncomplete) as refused:
        findings_for(NATIONAL, AnswersGiven(answers, Measurements(), WOMAN, TODAY))
    assert refused.value.findings == ("acute_illness", "pregnancy")


def test_an_answer_nobody_was_asked_for_is_refused() -> None:
    with pytest.raises(AnswerNotAsked) as refused:
        findings_for(NATIONAL, AnswersGiven(all_no(WOMAN), Measurements(), MAN, TODAY))
    assert refused.value.findings == ("pregnancy",)


HIGH, LOW = "blood_pressure_high", "blood_pressure_low"


@pytest.mark.parametrize(
    ("measured", "found"),
    [
        (Measurements(milli_celsius=37_299), {}),
        (Measurements(milli_celsius=37_300), {"fever_measured": Weight.DEFERRAL}),
        (Measurements(None, 139, 89), {}),
        (Measurements(None, 140, 89), {HIGH: Weight.PRECAUTION}),
        (Measurements(None, 139, 90), {HIGH: Weight.PRECAUTION}),
        (Measurements(None, 159, 99), {HIGH: Weight.PRECAUTION}),
        (Measurements(None, 160, 89), {HIGH: Weight.DEFERRAL}),
        (Measurements(None, 139, 100), {HIGH: Weight.DEFERRAL}),
        (Measurements(None, 200, 120), {HIGH: Weight.DEFERRAL}),
        (Measurements(None, 160, 99), {HIGH: Weight.DEFERRAL}),
        (Measurements(None, 91, 61), {}),
        (Measurements(None, 90, 61), {LOW: Weight.DEFERRAL}),
        (Measurements(None, 91, 60), {LOW: Weight.DEFERRAL}),
        (Measurements(38_000, 160, 100), {"fever_measured": Weight.DEFERRAL, HIGH: Weight.DEFERRAL}),
    ],
)
def test_a_measured_value_counts_from_its_threshold_on(measured: Measurements, found: dict[str, Weight]) -> None:
    """Axillary 37.3 °C: local practice; 140–159/90–99 watch, 160/100 and 90/60 mmHg defer: local guidance."""
    findings = findings_for(NATIONAL, given_by(MAN, measured))
    assert {finding.code: finding.weight for finding in findings} == found


@pytest.mark.parametrize("measured", [(170, 110), (165, 95), (145, 105)])
def test_one_finding_of_two_values_is_one_finding_and_the_heavier(measured: tuple[int, int]) -> None:
    findings = findings_for(NATIONAL, given_by(MAN, Measurements(None, *measured)))
    assert [(finding.code, finding.weight) for finding in findings] == [(HIGH, Weight.DEFERRAL)]


@pytest.mark.parametrize(
    ("measured", "wrong"),
    [
        (Measurements(36), {"milli_celsius"}),
        (Measurements(29_999), {"milli_celsius"}),
        (Measurements(45_001), {"milli_celsius"}),
        (Measurements(None, 120, None), {"systolic_mmhg", "diastolic_mmhg"}),
        (Measurements(None, None, 80), {"systolic_mmhg", "diastolic_mmhg"}),
        (Measurements(None, 80, 120), {"systolic_mmhg", "diastolic_mmhg"}),
        (Measurements(None, 80, 80), {"systolic_mmhg", "diastolic_mmhg"}),
        (Measurements(None, 301, 80), {"systolic_mmhg"}),
        (Measurements(None, 120, 19), {"diastolic_mmhg"}),
    ],
)
def test_what_no_body_shows_is_refused(measured: Measurements, wrong: set[str]) -> None:
    with pytest.raises(MeasurementImplausible) as refused:
        findings_for(NATIONAL, given_by(MAN, measured))
    assert set(refused.value.findings) == wrong


@pytest.mark.parametrize("measured", [Measurements(30_000, 300, 200), Measurements(45_000, 50, 20)])
def test_the_ends_of_what_a_body_shows_are_accepted(measured: Measurements) -> None:
    findings_for(NATIONAL, given_by(MAN, measured))


@pytest.mark.parametrize(
    ("findings", "advice"),
    [
        ((), Advice.CLEAR),
        ((CAREFUL,), Advice.REVIEW),
        ((NOT_KNOWN,), Advice.REVIEW),
        ((NOT_KNOWN, NOT_TODAY), Advice.DEFER),
        ((NOT_TODAY, AGAINST), Advice.AGAINST),
    ],
)
def test_the_heaviest_finding_speaks(findings: tuple[Finding, ...], advice: Advice) -> None:
    assert advice_from(findings) is advice


@given(st.fixed_dictionaries({code: st.sampled_from(Answer) for code in sorted(codes_asked(WOMAN))}))
def test_only_no_to_everything_is_clear(answers: dict[str, Answer]) -> None:
    findings = findings_for(NATIONAL, AnswersGiven(answers, Measurements(), WOMAN, TODAY))
    assert (advice_from(findings) is Advice.CLEAR) == (set(answers.values()) == {Answer.NO})
    assert len(findings) == sum(answer is not Answer.NO for answer in answers.values())


@pytest.mark.parametrize("finding", [AGAINST, CAREFUL, NOT_TODAY, NOT_KNOWN])
def test_recommending_against_any_finding_needs_a_reason(finding: Finding) -> None:
    proposal = Proposal(DecisionOutcome.RECOMMENDED, "vaccine-a")
    with pytest.raises(ReasonMissing):
        refuse_unfounded(proposal, [finding], TODAY)
    with pytest.raises(ReasonMissing):
        refuse_unfounded(Proposal(DecisionOutcome.RECOMMENDED, "vaccine-a", " \n"), [finding], TODAY)
    refuse_unfounded(Proposal(DecisionOutcome.RECOMMENDED, "vaccine-a", "stable for years"), [finding], TODAY)


def test_what_follows_from_the_findings_needs_no_reason() -> None:
    refuse_unfounded(Proposal(DecisionOutcome.RECOMMENDED, "vaccine-a"), [], TODAY)
    refuse_unfounded(Proposal(DecisionOutcome.UNSUITABLE), [AGAINST], TODAY)
    tomorrow = TODAY + timedelta(days=1)
    refuse_unfounded(Proposal(DecisionOutcome.DEFERRED, deferred_until=tomorrow), [NOT_TODAY], TODAY)


@pytest.mark.parametrize("outcome", [DecisionOutcome.DEFERRED, DecisionOutcome.UNSUITABLE])
def test_sending_somebody_away_without_a_finding_needs_a_reason(outcome: DecisionOutcome) -> None:
    assert decision_needs_reason(outcome, [])
    assert not decision_needs_reason(outcome, [AGAINST])


@pytest.mark.parametrize("until", [None, TODAY, TODAY - timedelta(days=1)])
def test_a_deferral_names_a_day_after_today(until: date | None) -> None:
    with pytest.raises(DeferralDateWrong):
        refuse_unfounded(Proposal(DecisionOutcome.DEFERRED, deferred_until=until), [NOT_TODAY], TODAY)


def test_nothing_but_a_deferral_names_a_day() -> None:
    proposal = Proposal(DecisionOutcome.UNSUITABLE, deferred_until=TODAY + timedelta(days=9))
    with pytest.raises(DeferralDateWrong):
        refuse_unfounded(proposal, [AGAINST], TODAY)


def test_a_recommendation_and_nothing_else_names_a_product() -> None:
    with pytest.raises(ProductMissing):
        refuse_unfounded(Proposal(DecisionOutcome.RECOMMENDED), [], TODAY)
    with pytest.raises(ProductMissing):
        refuse_unfounded(Proposal(DecisionOutcome.UNSUITABLE, "vaccine-a"), [AGAINST], TODAY)


def test_a_reason_has_five_hundred_characters_at_most() -> None:
    def long(characters: int) -> Proposal:
        return Proposal(DecisionOutcome.UNSUITABLE, reason="x" * characters)

    refuse_unfounded(long(MOST_REASON_CHARACTERS), [AGAINST], TODAY)
    with pytest.raises(ReasonTooLong):
        refuse_unfounded(long(MOST_REASON_CHARACTERS + 1), [AGAINST], TODAY)


def test_what_somebody_answered_is_in_no_repr() -> None:
    seen = repr(
        (AGAINST, Measurements(38_000, 170, 110), Recipient(33, Sex.FEMALE), Proposal(DecisionOutcome.DEFERRED))
    )
    assert not re.search(r"allergy|contraindication|38|170|110|33|female", seen)


def test_every_question_finding_and_code_has_its_words() -> None:
    known = labels()
    for rule_set in rule_sets.shipped():
        follow_ups = [one for question in rule_set.question for one in question.follow_up]
        ages = {rule_set.ages.finding} if rule_set.ages else set()
        assert rule_set.programme in known["programme"]
        assert {question.code for question in rule_set.question} <= known["question"].keys()
        assert {entry.finding for entry in (*rule_set.question, *rule_set.threshold)} | ages <= known["finding"].keys()
        assert {one.code for one in follow_ups} <= known["follow_up"].keys()
        assert {effect for one in follow_ups for effect in one.makes().values()} <= known["effect"].keys()
        assert {choice for one in follow_ups for choice in one.choices} <= known["choice"].keys()
        assert {word for one in follow_ups for word in one.ingredients} <= known["ingredient"].keys()
    for group, codes in (("answer", Answer), ("weight", Weight), ("advice", Advice), ("decision", DecisionOutcome)):
        assert set(codes) <= known[group].keys()


def test_every_shipped_set_says_who_owns_it_and_that_nobody_signed_it_off() -> None:
    for rule_set in rule_sets.shipped():
        assert "physician's sign-off" in rule_set.sign_off
        assert rule_set.owner
        assert rule_set.source
        assert rule_set.observation_minutes >= 30


def test_the_set_of_a_day_is_the_last_that_became_valid() -> None:
    older = rule_sets.parse(TEXT.replace("2021-03-29", "2020-12-15"), "older")
    newer = rule_sets.parse(TEXT.replace("version = 1", "version = 2"), "newer")
    assert rule_sets.active([older, newer, NATIONAL], date(2021, 3, 28)) is older
    assert rule_sets.active([older, newer, NATIONAL], date(2021, 3, 29)) is newer
    with pytest.raises(NothingInForce) as refused:
        rule_sets.active([older, newer], date(2020, 12, 14))
    assert refused.value.facts["on"] == "2020-12-14"


def test_a_version_no_longer_shipped_is_named() -> None:
    with pytest.raises(RuleSetFaulty, match="version 9 of the rule set national-2021"):
        rule_sets.of_version(rule_sets.shipped(), "national-2021", 9)
