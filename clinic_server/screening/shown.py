"""Rule sets as the API shows them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from clinic_server.screening.adoption import RuleSetSeen, SignOff
from clinic_server.screening.rule_sets import FollowUp, Question, RuleSet, Threshold


@dataclass(frozen=True, slots=True)
class FollowUpSeen:
    """What is asked after a "yes", and what may be answered; ``makes`` tells what each answer makes of the finding."""

    code: str
    kind: str
    makes: Mapping[str, str]
    within_days: int | None
    ingredients: list[str]
    source: str


@dataclass(frozen=True, slots=True)
class QuestionSeen:
    """One question of a set, and whom it is asked of."""

    code: str
    finding: str
    weight: str
    source: str
    only_sex: str | None
    from_age: int
    below_age: int
    from_months: int
    below_months: int
    defer_days: int | None
    observe_minutes: int | None
    follow_ups: list[FollowUpSeen]


@dataclass(frozen=True, slots=True)
class ThresholdSeen:
    """A measured value that gives a finding."""

    code: str
    quantity: str
    at_least: int | None
    at_most: int | None
    finding: str
    weight: str
    source: str


@dataclass(frozen=True, slots=True)
class QuestionsSeen:
    """Questions, and the set they are of; ``programmes`` is what else people are asked for at this site."""

    rule_set_code: str
    rule_set_version: int
    programme: str
    jurisdiction: str
    source: str
    valid_from: date
    sign_off: str
    signed_off_by: list[str]
    questions: list[QuestionSeen]
    programmes: list[str]


@dataclass(frozen=True, slots=True)
class SignOffSeen:
    """A physician who answers for a set; ``holds`` is false when its words changed since."""

    physician: str
    certificate_number: str
    signed_at: datetime
    holds: bool


@dataclass(frozen=True, slots=True)
class WholeSetSeen:
    """One version of one set with all that is in it, who answers for it and whether the site works by it."""

    code: str
    version: int
    programme: str
    jurisdiction: str
    source: str
    owner: str
    valid_from: date
    valid_until: date | None
    observation_minutes: int
    digest: str
    is_used: bool
    is_signed_off: bool
    adopted_at: datetime | None
    sign_offs: list[SignOffSeen]
    questions: list[QuestionSeen]
    thresholds: list[ThresholdSeen]


def questions_seen(
    rule_set: RuleSet, questions: Iterable[Question], sign_offs: Iterable[SignOff], programmes: Iterable[str]
) -> QuestionsSeen:
    """Return questions of a set as the API shows them."""
    return QuestionsSeen(
        rule_set.code,
        rule_set.version,
        rule_set.programme,
        rule_set.jurisdiction,
        rule_set.source,
        rule_set.valid_from,
        rule_set.sign_off,
        [one.physician for one in sign_offs if one.holds],
        [_question_seen(question) for question in questions],
        list(programmes),
    )


def whole_set_seen(seen: RuleSetSeen) -> WholeSetSeen:
    """Return a set as the API shows it."""
    rule_set = seen.rule_set
    return WholeSetSeen(
        rule_set.code,
        rule_set.version,
        rule_set.programme,
        rule_set.jurisdiction,
        rule_set.source,
        rule_set.owner,
        rule_set.valid_from,
        rule_set.valid_until,
        rule_set.observation_minutes,
        rule_set.digest,
        seen.is_used,
        seen.is_signed_off,
        seen.adopted_at,
        [SignOffSeen(one.physician, one.certificate_number, one.signed_at, one.holds) for one in seen.sign_offs],
        [_question_seen(question) for question in rule_set.question],
        [_threshold_seen(threshold) for threshold in rule_set.threshold],
    )


def _question_seen(question: Question) -> QuestionSeen:
    return QuestionSeen(
        question.code,
        question.finding,
        question.weight,
        question.source,
        question.only_sex,
        question.from_age,
        question.below_age,
        question.from_months,
        question.below_months,
        question.defer_days,
        question.observe_minutes,
        [_follow_up_seen(one) for one in question.follow_up],
    )


def _follow_up_seen(one: FollowUp) -> FollowUpSeen:
    return FollowUpSeen(one.code, one.kind, one.makes(), one.within_days, list(one.ingredients), one.source)


def _threshold_seen(one: Threshold) -> ThresholdSeen:
    return ThresholdSeen(one.code, one.quantity, one.at_least, one.at_most, one.finding, one.weight, one.source)
