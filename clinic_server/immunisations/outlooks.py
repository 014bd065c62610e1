"""Where a person's past meets the schedules: what a dose would be, and what speaks against it. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from clinic_server.immunisations import rules, schedules
from clinic_server.immunisations.history import DoseKnown, NewReaction, Precision, Reaction
from clinic_server.immunisations.schedules import Schedule
from clinic_server.immunisations.terms import (
    DoseFinding,
    FindingWeight,
    Observation,
    Outlook,
    PastDose,
    Reason,
    SeriesStanding,
    Subject,
)
from clinic_server.kit.errors import Refused
from clinic_server.people.documents import Sex
from clinic_server.stock.vaccines import Vaccine


class HistoryFinding(StrEnum):
    """What speaks against a dose besides what the schedule says of it."""

    NO_SCHEDULE = "no_schedule"
    SAME_DAY_DOSE = "same_day_dose"
    PRIOR_SEVERE_REACTION = "prior_severe_reaction"
    HISTORY_DATE_VAGUE = "history_date_vague"
    OUTLOOK_CHANGED = "outlook_changed"


_SOURCES: Mapping[HistoryFinding, str] = {
    HistoryFinding.NO_SCHEDULE: "This project's reading: what no schedule speaks of, a physician decides",
    HistoryFinding.SAME_DAY_DOSE: "This project's reading: one dose against the same on one day",
    HistoryFinding.PRIOR_SEVERE_REACTION: "This project's reading: a severe reaction bars until a physician clears it",
    HistoryFinding.HISTORY_DATE_VAGUE: "This project's reading: a vague date counts as the last day it can mean",
}
_NEVER_OVERRIDDEN: frozenset[str] = frozenset(
    {Reason.SERIES_COMPLETE, HistoryFinding.SAME_DAY_DOSE, HistoryFinding.PRIOR_SEVERE_REACTION}
)


class DoseBarred(Refused):
    """No reason allows this dose; the findings say what bars it."""

    code = "dose_barred"


@dataclass(frozen=True, slots=True)
class Past:
    """Everything a schedule is asked about one person."""

    born_on: date = field(repr=False)
    sex: Sex = field(repr=False)
    doses: tuple[DoseKnown, ...] = field(repr=False)
    reactions: tuple[Reaction, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a recommendation was made in view of: the dose it would be, those before it, and the findings."""

    dose_number: int | None
    schedule_code: str
    schedule_version: int
    dose_ids: tuple[UUID, ...] = field(repr=False)
    findings: tuple[str, ...] = field(repr=False)


NOTHING_FORESEEN = Foreseen(None, "", 0, (), ())


@dataclass(frozen=True, slots=True)
class Case:
    """One vaccine for one person on one day."""

    past: Past = field(repr=False)
    outlook: Outlook = field(repr=False)

    def foreseen(self) -> Foreseen:
        """Return what a recommendation keeps of it."""
        told = self.outlook
        findings = tuple(finding.code for finding in told.findings)
        dose_ids = tuple(known.dose_id for known in self.past.doses)
        return Foreseen(told.dose_number, told.schedule_code, told.schedule_version, dose_ids, findings)

    def bars(self) -> tuple[str, ...]:
        """Return the findings that no reason overrides."""
        return tuple(finding.code for finding in self.outlook.findings if finding.code in _NEVER_OVERRIDDEN)


def standings_on(past: Past, catalogue: Mapping[str, Vaccine], on: date) -> tuple[tuple[Schedule, SeriesStanding], ...]:
    """Return where a person stands on a day in every series of every schedule valid that day."""
    subject, doses = _subject(past), _doses(past)
    return tuple(
        (schedule, standing)
        for schedule in schedules.valid_on(schedules.shipped(), on)
        for standing in rules.standings(schedule, catalogue, subject, doses, on)
    )


def case_on(past: Past, catalogue: Mapping[str, Vaccine], vaccine: Vaccine, on: date) -> Case:
    """Return which dose a vaccine would be on a day, and everything in the person's past that speaks against it."""
    schedule = schedules.for_antigens(schedules.shipped(), vaccine.antigens, on)
    if schedule is None:
        judged = Outlook(None, None, "", 0, (_finding(HistoryFinding.NO_SCHEDULE, FindingWeight.UNCLEAR),))
    else:
        judged = rules.outlook(schedule, catalogue, _subject(past), _doses(past), vaccine, on)
    findings = (*judged.findings, *_findings_besides(past, catalogue, vaccine, on))
    return Case(past, replace(judged, findings=findings))


def refuse_barred(case: Case) -> None:
    """Raise DoseBarred when no reason allows this dose."""
    if barring := case.bars():
        raise DoseBarred(findings=barring)


def findings_at_needle(was: Foreseen, case: Case) -> tuple[str, ...]:
    """Return what speaks against a dose now that its recommendation did not accept, or that nobody may accept."""
    now = case.foreseen()
    new = [code for code in now.findings if code not in was.findings]
    changed = [HistoryFinding.OUTLOOK_CHANGED] if replace(was, findings=()) != replace(now, findings=()) else []
    return tuple(dict.fromkeys([*new, *case.bars(), *changed]))


def _subject(past: Past) -> Subject:
    standing = (one.told for one in past.reactions if not one.is_cleared)
    observations = (
        Observation(f"prior_severe_reaction:{told.vaccine_code or told.platform}", told.occurred_on)
        for told in standing
    )
    return Subject(past.born_on, past.sex, tuple(observations))


def _doses(past: Past) -> tuple[PastDose, ...]:
    return tuple(
        PastDose(known.dose_id, known.vaccine_code, known.antigens, known.platform, known.counted_on, known.certainty)
        for known in past.doses
    )


def _findings_besides(
    past: Past, catalogue: Mapping[str, Vaccine], vaccine: Vaccine, on: date
) -> Iterator[DoseFinding]:
    alike = [known for known in past.doses if {*known.antigens} & {*vaccine.antigens}]
    if any(known.counted_on == on and known.given.precision is Precision.DAY for known in alike):
        yield _finding(HistoryFinding.SAME_DAY_DOSE, FindingWeight.CONTRAINDICATION)
    if _is_barred_by(vaccine, past.reactions, catalogue):
        yield _finding(HistoryFinding.PRIOR_SEVERE_REACTION, FindingWeight.CONTRAINDICATION)
    if any(known.given.precision is not Precision.DAY for known in alike):
        yield _finding(HistoryFinding.HISTORY_DATE_VAGUE, FindingWeight.UNCLEAR)


def _finding(code: HistoryFinding, weight: FindingWeight) -> DoseFinding:
    return DoseFinding(code, weight, _SOURCES[code])


def _is_barred_by(vaccine: Vaccine, reactions: Iterable[Reaction], known: Mapping[str, Vaccine]) -> bool:
    """Tell whether a severe reaction that nobody cleared speaks against a vaccine.

    One to a vaccine bars it and those of its platform against the same; one to a platform bars all of it.
    """
    return any(not one.is_cleared and _concerns(one.told, vaccine, known) for one in reactions)


def _concerns(told: NewReaction, vaccine: Vaccine, known: Mapping[str, Vaccine]) -> bool:
    if told.platform is not None:
        return told.platform is vaccine.platform
    if told.vaccine_code == vaccine.code:
        return True
    cause = known.get(told.vaccine_code or "")
    return cause is not None and cause.platform is vaccine.platform and bool({*cause.antigens} & {*vaccine.antigens})
