"""What follow-ups, months, ingredients and days make of the findings, and whom the founding documents exclude."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.people.documents import Sex
from clinic_server.screening import rule_sets
from clinic_server.screening.follow_ups import HEAVINESS, details_that_count
from clinic_server.screening.rule_sets import RuleSet, Weight
from clinic_server.screening.rules import (
    Advice,
    Answer,
    AnswerNotAsked,
    AnswersGiven,
    DetailWrong,
    Finding,
    Measurements,
    Recipient,
    StoredRound,
    advice_from,
    days_deferred,
    findings_for,
    observation_minutes,
    questions_for,
    replay,
)
from clinic_server.stock import vaccines
from tests.rules.test_rule_set_files import ASKS, HEAD

SHIPPED = rule_sets.shipped()
FOUNDING = rule_sets.of_version(SHIPPED, "founding-documents", 1)
NATIONAL = rule_sets.of_version(SHIPPED, "national-2021", 1)
ROUTINE = rule_sets.of_version(SHIPPED, "routine-sample-2021", 1)
TODAY = date(2026, 3, 2)
MAN, WOMAN = Recipient(40, Sex.MALE, 480), Recipient(30, Sex.FEMALE, 360)
ALUMINIUM = vaccines.shipped()["covid19-bbibp-corv"]
ADVICE = (Advice.CLEAR, Advice.REVIEW, Advice.DEFER, Advice.AGAINST)


def answered(
    rule_set: RuleSet,
    recipient: Recipient = WOMAN,
    details: Mapping[str, str] | None = None,
    answers: Mapping[str, Answer] | None = None,
) -> AnswersGiven:
    said = {question.code: Answer.NO for question in questions_for(rule_set, recipient)}
    return AnswersGiven({**said, **(answers or {})}, Measurements(), recipient, TODAY, details or {})


def found(rule_set: RuleSet, code: str, **details: str) -> Finding | None:
    """Return what "yes" to one question and its follow-ups comes to."""
    keyed = {f"{code}.{name}": said for name, said in details.items()}
    findings = findings_for(rule_set, answered(rule_set, details=keyed, answers={code: Answer.YES}))
    return next(iter(findings), None)


def weight(rule_set: RuleSet, code: str, **details: str) -> Weight | None:
    finding = found(rule_set, code, **details)
    return finding.weight if finding else None


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("vaccine_allergy", Weight.CONTRAINDICATION),  # R25
        ("reaction_to_earlier_dose", Weight.CONTRAINDICATION),  # R27
        ("severe_organ_disease", Weight.CONTRAINDICATION),  # R28
        ("acute_illness", Weight.CONTRAINDICATION),  # R28
        ("psychiatric_illness", Weight.CONTRAINDICATION),  # R30
        ("hereditary_disease", Weight.CONTRAINDICATION),  # R31
        ("heart_surgery", Weight.CONTRAINDICATION),  # R33
        ("levothyroxine", Weight.CONTRAINDICATION),  # R36
        ("planning_pregnancy", Weight.CONTRAINDICATION),  # R37
        ("breastfeeding", Weight.CONTRAINDICATION),  # R37
        ("immunosuppressants", Weight.CONTRAINDICATION),  # R38
        ("pregnancy", Weight.CONTRAINDICATION),  # R43
    ],
)
def test_the_founding_documents_exclude(question: str, expected: Weight) -> None:
    assert weight(FOUNDING, question) is expected


@pytest.mark.parametrize(
    ("question", "follow_up", "said", "expected"),
    [
        ("hypertension_or_diabetes", "controlled", "no", Weight.CONTRAINDICATION),  # R29
        ("hypertension_or_diabetes", "controlled", "yes", Weight.PRECAUTION),
        ("heart_or_brain_vessels", "stable", "no", Weight.DEFERRAL),  # R32
        ("heart_or_brain_vessels", "stable", "yes", Weight.PRECAUTION),
        ("major_operation", "recovered", "no", Weight.DEFERRAL),  # R34
        ("major_operation", "recovered", "yes", None),
        ("anaemia", "grade", "mild", Weight.PRECAUTION),  # R39
        ("anaemia", "grade", "moderate", Weight.CONTRAINDICATION),
        ("anaemia", "grade", "severe", Weight.CONTRAINDICATION),
        ("antiviral_treatment", "treatment_over", "no", Weight.DEFERRAL),  # R40
        ("antiviral_treatment", "treatment_over", "yes", None),
    ],
)
def test_a_follow_up_says_what_is_left_of_a_finding(
    question: str, follow_up: str, said: str, expected: Weight | None
) -> None:
    assert weight(FOUNDING, question, **{follow_up: said}) is expected


@pytest.mark.parametrize("said", [{}, {"controlled": "dont_know"}])
def test_a_follow_up_not_answered_or_not_known_lightens_nothing(said: dict[str, str]) -> None:
    assert weight(FOUNDING, "hypertension_or_diabetes", **said) is Weight.CONTRAINDICATION


@pytest.mark.parametrize(
    ("days", "expected", "left"),
    [(0, Weight.DEFERRAL, 90), (1, Weight.DEFERRAL, 89), (89, Weight.DEFERRAL, 1), (90, None, None), (91, None, None)],
)
def test_blood_products_defer_for_ninety_days(days: int, expected: Weight | None, left: int | None) -> None:
    """R35, three months read as 90 days: the ninetieth day after is free again."""
    finding = found(FOUNDING, "blood_products", blood_products_on=days_ago(days))
    assert (finding and finding.weight, finding and finding.defer_days) == (expected, left)


def test_another_vaccine_thirteen_days_ago_is_weighed_and_fourteen_are_enough() -> None:
    """Consent form for ages 3 to 11, item 6: at least 14 days apart."""
    child = Recipient(7, Sex.MALE, 84)

    def weigh(days: int) -> list[Weight]:
        said = {"other_vaccine.last_given_on": days_ago(days)}
        given = answered(NATIONAL, child, said, {"other_vaccine": Answer.YES})
        return [finding.weight for finding in findings_for(NATIONAL, given)]

    assert (weigh(13), weigh(14)) == ([Weight.PRECAUTION], [])


@pytest.mark.parametrize(
    ("recipient_years", "found_codes"),
    [(17, {"age_outside_rules"}), (18, set()), (59, set()), (60, {"age_outside_rules"})],
)
def test_the_founding_documents_are_for_eighteen_to_fifty_nine(recipient_years: int, found_codes: set[str]) -> None:
    """R44, R45."""
    given = answered(FOUNDING, Recipient(recipient_years, Sex.MALE))
    assert {finding.code for finding in findings_for(FOUNDING, given)} == found_codes


@pytest.mark.parametrize(
    ("systolic", "diastolic", "defers"), [(139, 89, False), (140, 89, True), (139, 90, True), (140, 90, True)]
)
def test_the_founding_documents_want_blood_pressure_below_140_over_90(
    systolic: int, diastolic: int, defers: bool
) -> None:
    """R41."""
    given = replace(answered(FOUNDING), measurements=Measurements(None, systolic, diastolic))
    assert [one.weight for one in findings_for(FOUNDING, given)] == ([Weight.DEFERRAL] if defers else [])


@pytest.mark.parametrize(
    ("said", "vaccine", "expected"),
    [
        ("aluminium_hydroxide", ALUMINIUM, Weight.CONTRAINDICATION),
        ("polysorbate_80 aluminium_hydroxide", ALUMINIUM, Weight.CONTRAINDICATION),
        ("polysorbate_80", ALUMINIUM, Weight.PRECAUTION),
        ("aluminium_hydroxide", None, Weight.PRECAUTION),
        ("dont_know", ALUMINIUM, Weight.CONTRAINDICATION),
    ],
)
def test_what_somebody_does_not_tolerate_is_looked_up_in_the_vaccine(
    said: str, vaccine: vaccines.Vaccine | None, expected: Weight
) -> None:
    """Guideline, contraindication 1; before a vaccine is chosen, no component speaks against all of them."""
    given = answered(NATIONAL, WOMAN, {"component_allergy.which_component": said}, {"component_allergy": Answer.YES})
    assert [finding.weight for finding in findings_for(NATIONAL, given, vaccine)] == [expected]


@pytest.mark.parametrize(
    ("code", "follow_up", "said"),
    [
        ("hypertension_or_diabetes", "controlled", "sometimes"),
        ("anaemia", "grade", "yes"),
        ("blood_products", "blood_products_on", "last week"),
        ("blood_products", "blood_products_on", days_ago(-1)),
        ("component_allergy", "which_component", "gluten"),
        ("component_allergy", "which_component", " "),
    ],
)
def test_what_cannot_be_an_answer_is_refused_by_name(code: str, follow_up: str, said: str) -> None:
    given = answered(FOUNDING, WOMAN, {f"{code}.{follow_up}": said}, {code: Answer.YES})
    with pytest.raises(DetailWrong) as refused:
        findings_for(FOUNDING, given)
    assert refused.value.findings == (f"{code}.{follow_up}",)
    assert said not in str(refused.value)


@pytest.mark.parametrize("key", ["hypertension_or_diabetes.other", "breastfeeding.since", "nothing"])
def test_a_follow_up_nobody_was_asked_is_refused(key: str) -> None:
    with pytest.raises(AnswerNotAsked) as refused:
        findings_for(FOUNDING, answered(FOUNDING, details={key: "yes"}))
    assert refused.value.findings == (key,)


def test_only_the_details_of_a_yes_count() -> None:
    said = {"anaemia.grade": "mild", "blood_products.blood_products_on": "2026-01-01", "anaemia_x.grade": "mild"}
    assert details_that_count(["anaemia"], said) == {"anaemia.grade": "mild"}


TWO_FOLLOW_UPS = """
[[question.follow_up]]
code = "first"
kind = "yes_no"
yes = "nothing"
no = "precaution"
source = "A test"

[[question.follow_up]]
code = "second"
kind = "yes_no"
yes = "precaution"
no = "contraindication"
source = "A test"
"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"first": "yes", "second": "yes"}, Weight.PRECAUTION),
        ({"first": "no", "second": "yes"}, Weight.PRECAUTION),
        ({"first": "yes", "second": "no"}, Weight.CONTRAINDICATION),
        ({"first": "yes"}, Weight.CONTRAINDICATION),
    ],
)
def test_of_several_follow_ups_the_heaviest_counts(said: dict[str, str], expected: Weight) -> None:
    assert weight(rule_sets.parse(HEAD + ASKS + TWO_FOLLOW_UPS, "set.toml"), "pregnancy", **said) is expected


def test_a_gate_in_months_closes_only_on_months_that_are_known() -> None:
    infants = [Recipient(0, Sex.MALE, months) for months in range(12)]
    asked = [one.age_months for one in infants if "blood_products" in {q.code for q in questions_for(ROUTINE, one)}]
    assert asked == list(range(6, 12))
    assert "blood_products" in {question.code for question in questions_for(ROUTINE, Recipient(0, Sex.MALE))}
    below = rule_sets.parse(HEAD + ASKS + "below_months = 6\n", "set.toml")
    assert [bool(questions_for(below, one)) for one in infants] == [True] * 6 + [False] * 6


def test_a_deferral_lasts_as_long_as_its_source_says_and_the_longest_counts() -> None:
    short, long = (Finding("a", Weight.DEFERRAL, "s", days) for days in (3, 30))
    assert days_deferred([short, long, Finding("b", Weight.DEFERRAL, "s")]) == 30
    assert days_deferred([Finding("b", Weight.DEFERRAL, "s"), Finding("c", Weight.CONTRAINDICATION, "s", 9)]) is None


def test_a_question_of_its_own_length_defers_for_it() -> None:
    text = HEAD + ASKS.replace("contraindication", "deferral") + "defer_days = 14\nobserve_minutes = 60\n"
    finding = found(rule_sets.parse(text, "set.toml"), "pregnancy")
    assert finding == Finding("pregnancy", Weight.DEFERRAL, "A test", 14, 60)


def test_somebody_with_a_finding_is_watched_for_as_long_as_it_asks() -> None:
    longer = Finding("a", Weight.PRECAUTION, "s", None, 60)
    assert observation_minutes(NATIONAL, []) == 30
    assert observation_minutes(NATIONAL, [Finding("b", Weight.PRECAUTION, "s"), longer]) == 60


@pytest.mark.parametrize("rule_set", SHIPPED, ids=lambda one: one.code)
def test_not_knowing_is_never_no_in_any_set(rule_set: RuleSet) -> None:
    """Facts, section 3: it forces a physician's review."""
    for recipient in (WOMAN, Recipient(7, Sex.FEMALE, 84)):
        for question in questions_for(rule_set, recipient):
            given = answered(rule_set, recipient, answers={question.code: Answer.DONT_KNOW})
            assert Weight.UNCLEAR in {one.weight for one in findings_for(rule_set, given)}


@st.composite
def rounds(draw: st.DrawFn) -> tuple[RuleSet, AnswersGiven]:
    """Any round of any shipped set, with details as they may be said."""
    rule_set = draw(st.sampled_from(SHIPPED))
    recipient = draw(st.builds(Recipient, st.integers(0, 90), st.sampled_from(Sex), st.none()))
    answers = {q.code: draw(st.sampled_from(Answer)) for q in questions_for(rule_set, recipient)}
    details = {}
    for question in questions_for(rule_set, recipient):
        for one in question.follow_up:
            day = st.integers(0, 400).map(days_ago)
            may = {"yes_no": st.sampled_from(["yes", "no"]), "choice": st.sampled_from(sorted(one.choices) or [""])}
            may |= {"date": day, "ingredients": st.sampled_from(one.ingredients or ("",))}
            said = draw(st.none() | may[one.kind] | st.just("dont_know"))
            if said is not None:
                details[f"{question.code}.{one.code}"] = said
    return rule_set, AnswersGiven(answers, Measurements(), recipient, TODAY, details)


def heaviness(rule_set: RuleSet, given: AnswersGiven) -> int:
    return ADVICE.index(advice_from(findings_for(rule_set, given)))


@given(rounds(), st.data())
def test_a_yes_more_never_lightens_the_advice(round_: tuple[RuleSet, AnswersGiven], data: st.DataObject) -> None:
    rule_set, given = round_
    code = data.draw(st.sampled_from(sorted(given.answers)))
    no, yes = (replace(given, answers={**given.answers, code: said}) for said in (Answer.NO, Answer.YES))
    assert heaviness(rule_set, yes) >= heaviness(rule_set, no)


@given(rounds(), st.data())
def test_a_detail_may_lighten_and_never_adds_weight(round_: tuple[RuleSet, AnswersGiven], data: st.DataObject) -> None:
    rule_set, given = round_
    for key in given.details:
        without = replace(given, details={name: said for name, said in given.details.items() if name != key})
        assert heaviness(rule_set, given) <= heaviness(rule_set, without)
    vaccine = data.draw(st.sampled_from(sorted(vaccines.shipped())).map(vaccines.shipped().__getitem__))
    known = {finding.code: HEAVINESS[finding.weight] for finding in findings_for(rule_set, given)}
    about = {finding.code: HEAVINESS[finding.weight] for finding in findings_for(rule_set, given, vaccine)}
    assert all(about[code] >= weight for code, weight in known.items())


@given(rounds())
def test_not_knowing_clears_nobody(round_: tuple[RuleSet, AnswersGiven]) -> None:
    rule_set, given = round_
    if Answer.DONT_KNOW in given.answers.values():
        assert advice_from(findings_for(rule_set, given)) is not Advice.CLEAR


@given(rounds())
def test_a_round_judged_again_by_its_own_set_gives_the_same(round_: tuple[RuleSet, AnswersGiven]) -> None:
    """Invariant 55."""
    rule_set, given = round_
    stored = StoredRound(rule_set.code, rule_set.version, given, findings_for(rule_set, given))
    assert replay(reversed(SHIPPED), stored) == stored.findings
