"""What the answers and measurements of one person speak for: pure, over one version of a rule set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.people.documents import Sex
from clinic_server.screening.rule_sets import Quantity, Question, RuleSet, Weight

MOST_REASON_CHARACTERS = 500

# What a body can show; a value outside is a slip of the finger or of the unit.
_PLAUSIBLE: Mapping[Quantity, range] = {
    Quantity.MILLI_CELSIUS: range(30_000, 45_001),
    Quantity.SYSTOLIC_MMHG: range(50, 301),
    Quantity.DIASTOLIC_MMHG: range(20, 201),
}


class Answer(StrEnum):
    """What somebody can say to a question; not knowing is never "no"."""

    YES = "yes"
    NO = "no"
    DONT_KNOW = "dont_know"


class DecisionOutcome(StrEnum):
    """The three decisions there are: 建议接种, 推迟接种, 不宜接种."""

    RECOMMENDED = "recommended"
    DEFERRED = "deferred"
    UNSUITABLE = "unsuitable"


class Advice(StrEnum):
    """What the findings say to the physician, who decides."""

    CLEAR = "clear"
    REVIEW = "review"
    DEFER = "defer"
    AGAINST = "against"


class AnswersIncomplete(Refused):
    """A question that is asked of this person has no answer; the findings name the questions."""

    code = "answers_incomplete"


class AnswerNotAsked(Refused):
    """An answer to a question that is not asked of this person; the findings name the questions."""

    code = "answer_not_asked"


class MeasurementImplausible(Refused):
    """No living person measures this; the findings name the quantities."""

    code = "measurement_implausible"


class ScreeningUnknown(NotFound):
    """Nobody answered questions on this visit yet."""

    code = "screening_unknown"


class ScreeningChanged(Conflict):
    """The questions were answered again after the answers this decision is about."""

    code = "screening_changed"


class ReasonMissing(Refused):
    """The decision goes against the findings and says not why."""

    code = "reason_missing"


class ReasonTooLong(Refused):
    """A reason has at most ``most`` characters."""

    code = "reason_too_long"


class DeferralDateWrong(Refused):
    """A deferral, and only a deferral, names a day after today."""

    code = "deferral_date_wrong"


class ProductMissing(Refused):
    """A recommendation, and only a recommendation, names what is to be given."""

    code = "product_missing"


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured, as far as it was; the two blood pressures come together."""

    milli_celsius: int | None = field(default=None, repr=False)
    systolic_mmhg: int | None = field(default=None, repr=False)
    diastolic_mmhg: int | None = field(default=None, repr=False)

    def taken(self) -> Mapping[Quantity, int]:
        """Return the quantities that were measured."""
        values = {quantity: getattr(self, quantity.value) for quantity in Quantity}
        return {quantity: value for quantity, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Recipient:
    """What decides who is asked what; whole years on the day of the visit."""

    age_years: int = field(repr=False)
    sex: Sex = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a dose, and where that is written."""

    code: str = field(repr=False)
    weight: Weight = field(repr=False)
    source: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision as a physician makes it; ``unsuitable_product_code`` is the one product that does not suit."""

    outcome: DecisionOutcome
    product_code: str | None = None
    reason: str | None = field(default=None, repr=False)
    deferred_until: date | None = None
    unsuitable_product_code: str | None = None


def questions_for(rule_set: RuleSet, recipient: Recipient) -> tuple[Question, ...]:
    """Return what this person is asked; a gate closes only on what is known."""
    return tuple(question for question in rule_set.question if _is_asked(question, recipient))


def findings_for(
    rule_set: RuleSet, answers: Mapping[str, Answer], measurements: Measurements, recipient: Recipient
) -> tuple[Finding, ...]:
    """Return what speaks against a dose; raise AnswersIncomplete, AnswerNotAsked or MeasurementImplausible."""
    asked = questions_for(rule_set, recipient)
    _refuse_gaps(asked, answers)
    _refuse_implausible(measurements)
    from_answers = (_finding_of(question, answers[question.code]) for question in asked)
    taken = measurements.taken()
    from_measurements = (
        Finding(threshold.finding, Weight(threshold.weight), threshold.source)
        for threshold in rule_set.threshold
        if threshold.quantity in taken and taken[threshold.quantity] >= threshold.at_least
    )
    found = [finding for finding in from_answers if finding] + list(from_measurements)
    return tuple(dict.fromkeys(found))


def advice_from(findings: Sequence[Finding]) -> Advice:
    """Return what the findings say together; the heaviest speaks."""
    weights = {finding.weight for finding in findings}
    if Weight.CONTRAINDICATION in weights:
        return Advice.AGAINST
    if Weight.DEFERRAL in weights:
        return Advice.DEFER
    return Advice.REVIEW if weights else Advice.CLEAR


def decision_needs_reason(outcome: DecisionOutcome, findings: Sequence[Finding]) -> bool:
    """Tell whether a decision goes against the findings: a dose in spite of one, or none for no finding."""
    return bool(findings) == (outcome is DecisionOutcome.RECOMMENDED)


def refuse_unfounded(proposal: Proposal, findings: Sequence[Finding], today: date) -> None:
    """Raise what is wrong with a decision over these findings; its dates are clinic days."""
    recommends = proposal.outcome is DecisionOutcome.RECOMMENDED
    if recommends != bool(proposal.product_code):
        raise ProductMissing
    if proposal.unsuitable_product_code and proposal.outcome is not DecisionOutcome.UNSUITABLE:
        raise ProductMissing
    defers = proposal.outcome is DecisionOutcome.DEFERRED
    if defers != (proposal.deferred_until is not None):
        raise DeferralDateWrong
    if proposal.deferred_until is not None and proposal.deferred_until <= today:
        raise DeferralDateWrong
    reason = proposal.reason or ""
    if not reason.strip() and decision_needs_reason(proposal.outcome, findings):
        raise ReasonMissing
    if len(reason) > MOST_REASON_CHARACTERS:
        raise ReasonTooLong(most=MOST_REASON_CHARACTERS)


def _is_asked(question: Question, recipient: Recipient) -> bool:
    if question.only_sex and recipient.sex not in (question.only_sex, Sex.UNKNOWN):
        return False
    return question.from_age <= recipient.age_years < question.below_age


def _finding_of(question: Question, answer: Answer) -> Finding | None:
    if answer is Answer.NO:
        return None
    weight = Weight(question.weight) if answer is Answer.YES else Weight.UNCLEAR
    return Finding(question.finding, weight, question.source)


def _refuse_gaps(asked: Sequence[Question], answers: Mapping[str, Answer]) -> None:
    codes = {question.code for question in asked}
    missing = sorted(codes - answers.keys())
    if missing:
        raise AnswersIncomplete(findings=missing)
    extra = sorted(answers.keys() - codes)
    if extra:
        raise AnswerNotAsked(findings=extra)


def _refuse_implausible(measurements: Measurements) -> None:
    taken = measurements.taken()
    wrong = [quantity.value for quantity, value in taken.items() if value not in _PLAUSIBLE[quantity]]
    pressures = [taken.get(Quantity.SYSTOLIC_MMHG), taken.get(Quantity.DIASTOLIC_MMHG)]
    if not wrong and pressures != [None, None]:
        systolic, diastolic = pressures
        if systolic is None or diastolic is None or diastolic >= systolic:
            wrong = [Quantity.SYSTOLIC_MMHG.value, Quantity.DIASTOLIC_MMHG.value]
    if wrong:
        raise MeasurementImplausible(findings=wrong)
