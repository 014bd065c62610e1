"""What a decision answers for beside the answers: the product it names, what earlier visits decided, and overrides."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from clinic_server.kit.errors import Refused
from clinic_server.people.rules import age_in_months
from clinic_server.screening.rule_sets import Weight, antigens_of, shipped
from clinic_server.screening.rules import Advice, DecisionOutcome, Finding, advice_from
from clinic_server.stock.vaccines import Vaccine
from clinic_server.visits.rules import WithheldDose, standing_on


class VaccineOutsideProgramme(Refused):
    """The questions that were answered are those of another programme than the product's."""

    code = "vaccine_outside_programme"


class AgeOutsideVaccine(Refused):
    """The product is not for people of this age on this day."""

    code = "age_outside_vaccine"


class EarlierFinding(StrEnum):
    """What an earlier visit says about a dose today."""

    DEFERRED_EARLIER = "deferred_earlier"
    UNSUITABLE_EARLIER = "unsuitable_earlier"


class OverrideKind(StrEnum):
    """How a decision goes against what speaks for or against a dose."""

    AGAINST_CONTRAINDICATION = "against_contraindication"
    AGAINST_DEFERRAL = "against_deferral"
    WITHOUT_FINDING = "without_finding"


class Channel(StrEnum):
    """Where the questions of a round were answered."""

    DESK = "desk"
    TABLET = "tablet"
    KIOSK = "kiosk"


@dataclass(frozen=True, slots=True)
class Override:
    """An override as it is kept for the day's report: its kind, and the findings it sets aside."""

    kind: OverrideKind
    findings: tuple[str, ...] = field(repr=False)


def refuse_unfit(vaccine: Vaccine, antigens: Collection[str], born_on: date, day: date) -> None:
    """Raise VaccineOutsideProgramme unless it protects from one of these, or AgeOutsideVaccine by the day's age."""
    if not set(antigens) & set(vaccine.antigens):
        raise VaccineOutsideProgramme
    if not vaccine.admits(age_in_months(born_on, day), day):
        raise AgeOutsideVaccine


def findings_from_earlier(withheld: Iterable[WithheldDose], vaccine: Vaccine | None, day: date) -> tuple[Finding, ...]:
    """Return what earlier visits say against a dose of this vaccine on a day; without a vaccine, against no product."""
    found = (_earlier_finding(one) for one in standing_on(day, withheld) if one.not_before or _concerns(one, vaccine))
    return tuple(dict.fromkeys(found))


def advice_over(findings: Sequence[Finding], withheld: Iterable[WithheldDose], day: date) -> Advice:
    """Return what to tell the physician; an earlier decision that still stands is never passed over as clear."""
    advice = advice_from(findings)
    return Advice.REVIEW if advice is Advice.CLEAR and standing_on(day, withheld) else advice


def override_of(outcome: DecisionOutcome, findings: Sequence[Finding]) -> Override | None:
    """Return what a decision overrides; weighing a precaution or an unclear answer overrides nothing."""
    if outcome is not DecisionOutcome.RECOMMENDED:
        return None if findings else Override(OverrideKind.WITHOUT_FINDING, ())
    for weight, kind in (
        (Weight.CONTRAINDICATION, OverrideKind.AGAINST_CONTRAINDICATION),
        (Weight.DEFERRAL, OverrideKind.AGAINST_DEFERRAL),
    ):
        if any(finding.weight is weight for finding in findings):
            return Override(kind, tuple(finding.code for finding in findings))
    return None


def _concerns(one: WithheldDose, vaccine: Vaccine | None) -> bool:
    if vaccine is None:
        return False
    if one.vaccine_code:
        return one.vaccine_code == vaccine.code
    return bool(antigens_of(shipped(), one.programme) & set(vaccine.antigens))


def _earlier_finding(one: WithheldDose) -> Finding:
    source = f"Decision of {one.decided_on.isoformat()} at this site"
    if one.not_before is not None:
        return Finding(EarlierFinding.DEFERRED_EARLIER, Weight.DEFERRAL, source)
    return Finding(EarlierFinding.UNSUITABLE_EARLIER, Weight.CONTRAINDICATION, source)
