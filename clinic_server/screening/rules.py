"""What the answers and measurements of one person speak for: pure, over one version of a rule set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.people.documents import Sex
from clinic_server.screening.follow_ups import HEAVINESS, Details, consequence_of, wrong_details
from clinic_server.screening.rule_sets import Quantity, Question, RuleSet, Threshold, Weight, of_version
from clinic_server.stock.vaccines import Vaccine

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


class DetailWrong(Refused):
    """An answer to a follow-up that cannot be meant; the findings name them ``question.follow_up``."""

    code = "detail_wrong"


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
    """What decides who is asked what; whole years, and months where they are known, on the day of the visit."""

    age_years: int = field(repr=False)
    sex: Sex = field(repr=False)
    age_months: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AnswersGiven:
    """One round as it was given on a day: enough to judge it again.

    ``details`` are the answers to follow-ups, keyed ``question.follow_up``: "yes", "no" or "dont_know", a date
    (ISO), one of the choices, or ingredients with blanks between.
    """

    answers: Mapping[str, Answer] = field(repr=False)
    measurements: Measurements = field(repr=False)
    recipient: Recipient = field(repr=False)
    on: date
    details: Details = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that speaks against a dose, and where that is written.

    ``defer_days`` says how many days from the answers on; ``observe_minutes`` how long to watch after a dose.
    """

    code: str = field(repr=False)
    weight: Weight = field(repr=False)
    source: str = field(repr=False)
    defer_days: int | None = field(default=None, repr=False)
    observe_minutes: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A round as it is kept: the set it was judged by, what was given, what was found."""

    rule_set_code: str
    rule_set_version: int
    given: AnswersGiven = field(repr=False)
    findings: tuple[Finding, ...] = field(repr=False)


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


def findings_for(rule_set: RuleSet, given: AnswersGiven, vaccine: Vaccine | None = None) -> tuple[Finding, ...]:
    """Return what speaks against a dose: of this vaccine, or of one yet to be chosen.

    Raises AnswersIncomplete, AnswerNotAsked, DetailWrong or MeasurementImplausible.
    """
    asked = questions_for(rule_set, given.recipient)
    _refuse_gaps(asked, given.answers)
    _refuse_wrong_details(asked, given)
    _refuse_implausible(given.measurements)
    found = (
        *_findings_of_age(rule_set, given.recipient),
        *(_finding_of(question, given, vaccine) for question in asked),
        *_findings_of_measurements(rule_set.threshold, given.measurements),
    )
    return _heaviest_of_each(finding for finding in found if finding)


def replay(rule_sets: Iterable[RuleSet], stored: StoredRound) -> tuple[Finding, ...]:
    """Return what a stored round gives when judged again by its own version of its own set (invariant 55)."""
    return findings_for(of_version(rule_sets, stored.rule_set_code, stored.rule_set_version), stored.given)


def days_deferred(findings: Iterable[Finding]) -> int | None:
    """Return for how many days the sources of the deferrals say to wait, None where none says."""
    days = (finding.defer_days for finding in findings if finding.weight is Weight.DEFERRAL)
    return max((said for said in days if said is not None), default=None)


def observation_minutes(rule_set: RuleSet, findings: Iterable[Finding]) -> int:
    """Return how long somebody is watched after a dose: as the set says, longer where a finding asks for it."""
    longer = (finding.observe_minutes for finding in findings)
    return max(rule_set.observation_minutes, *(said or 0 for said in longer), 0)


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


def _heaviest_of_each(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one finding for each code, in the order they were found."""
    kept: dict[str, Finding] = {}
    for finding in findings:
        if finding.code not in kept or HEAVINESS[finding.weight] > HEAVINESS[kept[finding.code].weight]:
            kept[finding.code] = finding
    return tuple(kept.values())


def _is_asked(question: Question, recipient: Recipient) -> bool:
    if question.only_sex and recipient.sex not in (question.only_sex, Sex.UNKNOWN):
        return False
    is_of_years = question.from_age <= recipient.age_years < question.below_age
    return is_of_years and _is_of_months(question, recipient)


def _is_of_months(question: Question, recipient: Recipient) -> bool:
    """Tell whether a gate in months lets somebody in; it closes only on months that are known."""
    if recipient.age_months is None:
        return True
    return question.from_months <= recipient.age_months < question.below_months


def _finding_of(question: Question, given: AnswersGiven, vaccine: Vaccine | None) -> Finding | None:
    answer = given.answers[question.code]
    if answer is Answer.NO:
        return None
    if answer is not Answer.YES:
        return Finding(question.finding, Weight.UNCLEAR, question.source, observe_minutes=question.observe_minutes)
    made = consequence_of(question, given.details, given.on, vaccine)
    if made.weight is None:
        return None
    return Finding(question.finding, made.weight, question.source, made.defer_days, question.observe_minutes)


def _findings_of_age(rule_set: RuleSet, recipient: Recipient) -> Iterable[Finding]:
    ages = rule_set.ages
    if ages is not None and not ages.from_age <= recipient.age_years < ages.below_age:
        yield Finding(ages.finding, Weight(ages.weight), ages.source)


def _findings_of_measurements(thresholds: Iterable[Threshold], measurements: Measurements) -> Iterable[Finding]:
    taken = measurements.taken()
    for threshold in thresholds:
        if threshold.quantity in taken and threshold.is_met_by(taken[threshold.quantity]):
            weight, minutes = Weight(threshold.weight), threshold.observe_minutes
            yield Finding(threshold.finding, weight, threshold.source, threshold.defer_days, minutes)


def _refuse_gaps(asked: Sequence[Question], answers: Mapping[str, Answer]) -> None:
    codes = {question.code for question in asked}
    missing = sorted(codes - answers.keys())
    if missing:
        raise AnswersIncomplete(findings=missing)
    extra = sorted(answers.keys() - codes)
    if extra:
        raise AnswerNotAsked(findings=extra)


def _refuse_wrong_details(asked: Sequence[Question], given: AnswersGiven) -> None:
    known = {f"{question.code}.{one.code}" for question in asked for one in question.follow_up}
    extra = sorted(given.details.keys() - known)
    if extra:
        raise AnswerNotAsked(findings=extra)
    wrong = wrong_details(asked, given.details, given.on)
    if wrong:
        raise DetailWrong(findings=wrong)


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
