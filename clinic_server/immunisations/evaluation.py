"""What past doses are worth in a series, and which dose comes next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from clinic_server.immunisations.matching import (
    reason_against_vaccine,
    selects,
    spacing_ends,
    substance_of,
)
from clinic_server.immunisations.schedules import Interval, Schedule, Season, Series, Skip, TargetDose
from clinic_server.immunisations.terms import Certainty, DoseStatus, EvaluatedDose, PastDose, Reason, Subject

_TRUST = (Certainty.RECORDED, Certainty.DOCUMENTED, Certainty.REPORTED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What every series is judged by: ``doses`` in their order, none after the day; ``completed_on`` by series."""

    schedule: Schedule
    subject: Subject
    doses: tuple[PastDose, ...]
    completed_on: Mapping[str, date]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a series has come; in a seasonal one ``place`` and ``valid`` are those of the season."""

    place: int = 0
    valid: tuple[PastDose, ...] = ()
    latest: PastDose | None = None
    season: date | None = None
    valid_before_season: int = 0
    primary_complete_on: date | None = None

    @property
    def dose_number(self) -> int:
        """The number the next valid dose has: those before it and one."""
        return len(self.valid) + 1


@dataclass(frozen=True, slots=True)
class Course:
    """A series as evaluated: what each dose is worth, and how far they led."""

    doses: tuple[EvaluatedDose, ...]
    progress: Progress


def in_order(doses: Sequence[PastDose], until: date) -> tuple[PastDose, ...]:
    """Return the doses given until a day, each once, the earliest first; of one day the best known first."""
    once = {dose.dose_id: dose for dose in doses if dose.given_on <= until}
    return tuple(sorted(once.values(), key=lambda dose: (dose.given_on, _TRUST.index(dose.certainty), dose.dose_id)))


def evaluated(series: Series, facts: Facts) -> Course:
    """Return what each dose with the series' antigen is worth, by the rules of its own day."""
    progress, judged = Progress(), []
    for place, dose in enumerate(facts.doses):
        if series.antigen not in dose.antigens:
            continue
        progress = in_season_of(series.season, progress, dose.given_on)
        verdict = _verdict(series, replace(facts, doses=facts.doses[:place]), progress, dose)
        judged.append(verdict)
        progress = _progress_after(series, facts, progress, verdict)
    return Course(tuple(judged), progress)


def next_target(series: Series, facts: Facts, progress: Progress, on: date) -> tuple[int, TargetDose] | None:
    """Return the target dose that is next on a day and its place in the series, None when there is none."""
    last = len(series.dose) - 1
    place = min(progress.place, last) if series.dose[last].is_recurring else progress.place
    for next_place in range(place, len(series.dose)):
        target = series.dose[next_place]
        if not any(_skips(skip, facts, progress, on) for skip in target.skip):
            return next_place, target
    return None


def interval_starts(target: TargetDose, facts: Facts, progress: Progress, on: date) -> Iterator[tuple[Interval, date]]:
    """Yield the intervals that bind a dose on a day, each with the day it runs from."""
    for interval in target.interval:
        start = _start_of(interval, facts, progress, on)
        if start is not None and _is_of_age(interval, facts.subject, on):
            yield interval, start


def in_season_of(season: Season | None, progress: Progress, on: date) -> Progress:
    """Return the progress as a day's season sees it: a new season begins anew."""
    if season is None:
        return progress
    begun_on = season_start(season.begins, on)
    if progress.season == begun_on:
        return progress
    before = progress.valid_before_season + len(progress.valid)
    return Progress(latest=progress.latest, season=begun_on, valid_before_season=before)


def season_start(begins: str, on: date) -> date:
    """Return the last day of that month and day, on a day or before it."""
    this_year = date.fromisoformat(f"{on.year:04}-{begins}")
    return this_year if this_year <= on else this_year.replace(year=on.year - 1)


def _verdict(series: Series, facts: Facts, progress: Progress, dose: PastDose) -> EvaluatedDose:
    number = progress.dose_number
    if dose.certainty not in facts.schedule.counts:
        return EvaluatedDose(dose, number, DoseStatus.NOT_VALID, (Reason.HISTORY_UNCERTAIN,))
    if dose.is_sub_standard:
        return EvaluatedDose(dose, number, DoseStatus.SUB_STANDARD, (Reason.SUB_STANDARD,))
    following = next_target(series, facts, progress, dose.given_on)
    if following is None:
        return EvaluatedDose(dose, None, DoseStatus.EXTRANEOUS, (Reason.SERIES_COMPLETE,))
    target = following[1]
    if target.age.maximum is not None and dose.given_on >= target.age.maximum.after(facts.subject.born_on):
        return EvaluatedDose(dose, None, DoseStatus.EXTRANEOUS, (Reason.TOO_OLD,))
    reasons = tuple(_reasons_against(target, facts, progress, dose))
    return EvaluatedDose(dose, number, DoseStatus.NOT_VALID if reasons else DoseStatus.VALID, reasons)


def _reasons_against(target: TargetDose, facts: Facts, progress: Progress, dose: PastDose) -> Iterator[Reason]:
    on, given = dose.given_on, substance_of(dose)
    if on < (target.age.absolute_minimum or target.age.minimum).after(facts.subject.born_on):
        yield Reason.TOO_YOUNG
    bound = interval_starts(target, facts, progress, on)
    if any(on < (interval.absolute_minimum or interval.minimum).after(start) for interval, start in bound):
        yield Reason.TOO_EARLY
    against = reason_against_vaccine(target, given)
    if against is not None:
        yield against
    invalidating = [spacing for spacing in facts.schedule.spacing if spacing.invalidates]
    if any(on < free_on for _, free_on in spacing_ends(invalidating, given, facts.doses, on)):
        yield Reason.TOO_CLOSE_TO_OTHER


def _progress_after(series: Series, facts: Facts, progress: Progress, verdict: EvaluatedDose) -> Progress:
    dose = verdict.dose
    if verdict.status is DoseStatus.SUB_STANDARD or dose.certainty not in facts.schedule.counts:
        return progress
    if verdict.status is not DoseStatus.VALID:
        return replace(progress, latest=dose)
    following = next_target(series, facts, progress, dose.given_on)
    place = following[0] + 1 if following else progress.place
    grown = replace(progress, place=place, valid=(*progress.valid, dose), latest=dose)
    if grown.primary_complete_on is None and _only_boosters_left(series, facts, grown, dose.given_on):
        return replace(grown, primary_complete_on=dose.given_on)
    return grown


def _only_boosters_left(series: Series, facts: Facts, progress: Progress, on: date) -> bool:
    following = next_target(series, facts, progress, on)
    return following is None or following[1].kind == "booster"


def _skips(skip: Skip, facts: Facts, progress: Progress, on: date) -> bool:
    return (
        _is_of_age(skip, facts.subject, on)
        and _had_enough_doses(skip, facts.subject, progress)
        and progress.valid_before_season >= (skip.doses_before_season or 0)
        and (skip.complete is None or facts.completed_on.get(skip.complete, date.max) <= on)
        and _observations_allow(skip, facts.subject, on)
    )


def _is_of_age(what: Skip | Interval, subject: Subject, on: date) -> bool:
    return (what.from_age is None or what.from_age.after(subject.born_on) <= on) and (
        what.below_age is None or on < what.below_age.after(subject.born_on)
    )


def _had_enough_doses(skip: Skip, subject: Subject, progress: Progress) -> bool:
    if skip.doses_at_least is None:
        return True
    counted = progress.valid
    if skip.doses_from_age is not None:
        counted_from = skip.doses_from_age.after(subject.born_on)
        counted = tuple(dose for dose in counted if dose.given_on >= counted_from)
    return len(counted) >= skip.doses_at_least


def _observations_allow(skip: Skip, subject: Subject, on: date) -> bool:
    held = {observation.code for observation in subject.observations if observation.holds_on(on)}
    return (skip.observation is None or skip.observation in held) and held.isdisjoint(skip.without_observations)


def _start_of(interval: Interval, facts: Facts, progress: Progress, on: date) -> date | None:
    if interval.after_observation is not None:
        since = (one.since for one in facts.subject.observations if one.code == interval.after_observation)
        return max((day for day in since if day is not None and day <= on), default=None)
    if interval.after_vaccines is not None:
        meant = interval.after_vaccines
        return max((dose.given_on for dose in facts.doses if selects(meant, substance_of(dose))), default=None)
    if interval.after_dose is not None:
        return progress.valid[interval.after_dose - 1].given_on if len(progress.valid) >= interval.after_dose else None
    return progress.latest.given_on if progress.latest else None
