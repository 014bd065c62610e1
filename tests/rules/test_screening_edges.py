"""Decisions at their edges: which product does not suit, how long a reason may be, where a finding is written."""

from datetime import date

import pytest

from clinic_server.screening.rules import (
    MOST_REASON_CHARACTERS,
    Answer,
    AnswersGiven,
    DecisionOutcome,
    Measurements,
    ProductMissing,
    Proposal,
    ReasonTooLong,
    findings_for,
    refuse_unfounded,
)
from tests.rules.test_screening import MAN, NATIONAL, TODAY, all_no


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal(DecisionOutcome.RECOMMENDED, "vaccine-a", unsuitable_product_code="vaccine-b"),
        Proposal(DecisionOutcome.DEFERRED, None, "ill", date(2026, 3, 9), unsuitable_product_code="vaccine-b"),
    ],
)
def test_only_a_decision_against_names_the_one_product_that_does_not_suit(proposal: Proposal) -> None:
    with pytest.raises(ProductMissing):
        refuse_unfounded(proposal, (), TODAY)


def test_a_decision_against_one_product_names_it() -> None:
    refuse_unfounded(Proposal(DecisionOutcome.UNSUITABLE, None, "egg", unsuitable_product_code="vaccine-b"), (), TODAY)


def test_a_reason_too_long_is_told_how_long_one_may_be() -> None:
    with pytest.raises(ReasonTooLong) as refused:
        refuse_unfounded(Proposal(DecisionOutcome.UNSUITABLE, None, "x" * (MOST_REASON_CHARACTERS + 1)), (), TODAY)
    assert refused.value.facts == {"most": MOST_REASON_CHARACTERS}


def test_a_finding_says_where_it_is_written() -> None:
    question = NATIONAL.question[0]
    answers = all_no(MAN) | {question.code: Answer.YES}
    measured = Measurements(systolic_mmhg=200, diastolic_mmhg=80)
    found = findings_for(NATIONAL, AnswersGiven(answers, measured, MAN, TODAY))
    threshold = next(one for one in NATIONAL.threshold if one.finding == found[-1].code)
    assert [finding.source for finding in found] == [question.source, threshold.source]
