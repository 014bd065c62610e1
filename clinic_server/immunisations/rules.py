"""Which dose comes when, and what speaks against one: pure answers over a dated schedule."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from clinic_server.immunisations.evaluation import (
    Course,
    Facts,
    Progress,
    evaluated,
    in_order,
    in_season_of,
    interval_starts,
    next_target,
)
from clinic_server.immunisations.forecast import Upcoming, forecast, opening
from clinic_server.immunisations.matching import (
    contraindications_of,
    reason_against_vaccine,
    spacing_ends,
    substance_of,
)
from clinic_server.immunisations.schedules import Schedule, Series, TargetDose
from clinic_server.immunisations.terms import (
    Certainty,
    DoseFinding,
    DoseStatus,
    EvaluatedDose,
    FindingWeight,
    Forecast,
    Observation,
    Outlook,
    PastDose,
    Reason,
    SeriesStanding,
    SeriesStatus,
    Subject,
)
from clinic_server.stock.vaccines import Vaccine

__all__ = [
    "Certainty",
    "DoseFinding",
    "DoseStatus",
    "EvaluatedDose",
    "FindingWeight",
    "Forecast",
    "Observation",
    "Outlook",
    "PastDose",
    "Reason",
    "SeriesStanding",
    "SeriesStatus",
    "Subject",
    "outlook",
    "standings",
]


_SHUT = {SeriesStatus.CONTRAINDICATED, SeriesStatus.AGED_OUT, SeriesStatus.NOT_RECOMMENDED}


@dataclass(frozen=True, slots=True)
class _Way:
    """One series as one person has come along it."""

    series: Series
    facts: Facts
    course: Course
    is_for_person: bool

    def next_on(self, on: date) -> tuple[Progress, TargetDose | None]:
        progress = in_season_of(self.series.season, self.course.progress, on)
        following = next_target(self.series, self.facts, progress, on)
        return progress, following[1] if following else None


def standings(
    schedule: Schedule, catalogue: Mapping[str, Vaccine], subject: Subject, doses: Sequence[PastDose], on: date
) -> tuple[SeriesStanding, ...]:
    """Return where a person stands on a day: for each antigen of the schedule the series that fits them best."""
    ways = _ways(Facts(schedule, subject, in_order(doses, on), {}), schedule.series, on)
    along = [(way, _standing(way, catalogue, on)) for way in ways]
    best: dict[str, tuple[_Way, SeriesStanding]] = {}
    for way, found in along:
        known = best.get(found.antigen)
        if known is None or _fitness(*known, on) < _fitness(way, found, on):
            best[found.antigen] = (way, found)
    return tuple(found for _, found in best.values())


def outlook(  # noqa: PLR0913, PLR0917  # the facts of one decision, each of its own owner
    schedule: Schedule,
    catalogue: Mapping[str, Vaccine],
    subject: Subject,
    doses: Sequence[PastDose],
    vaccine: Vaccine,
    on: date,
) -> Outlook:
    """Return which dose a vaccine would be on a day, and everything that speaks against giving it.

    A vaccine against several things is judged by the series it serves best; what holds for the vaccine itself
    (spacing, observations, an uncertain history) is always said.
    """
    facts = Facts(schedule, subject, in_order(doses, on), {})
    ways = [way for way in _ways(facts, _concerning(schedule, vaccine), on) if way.series.antigen in vaccine.antigens]
    if not ways:
        finding = DoseFinding(Reason.NOT_IN_SCHEDULE, FindingWeight.UNCLEAR, schedule.source)
        findings = (finding, *_findings_about(facts, vaccine, on))
        return Outlook(None, None, schedule.code, schedule.version, findings)
    antigens = dict.fromkeys(way.series.antigen for way in ways)
    best = [
        max((way for way in ways if way.series.antigen == antigen), key=lambda way: _fitness_for(way, vaccine, on))
        for antigen in antigens
    ]
    way, along = min(((way, _findings_along(way, vaccine, on)) for way in best), key=lambda pair: len(pair[1]))
    return _outlook(way, catalogue, vaccine, along + _findings_about(facts, vaccine, on), on)


def _outlook(
    way: _Way, catalogue: Mapping[str, Vaccine], vaccine: Vaccine, findings: tuple[DoseFinding, ...], on: date
) -> Outlook:
    schedule = way.facts.schedule
    progress, target = way.next_on(on)
    if target is None or not way.is_for_person:
        expected = _standing(way, catalogue, on).forecast
        number, earliest_on, recommended_on = None, expected.earliest_on, expected.recommended_on
    else:
        days = opening(way.series, way.facts, progress, Upcoming(target, [vaccine], on))
        number, earliest_on, recommended_on = progress.dose_number, days.earliest_on, days.recommended_on
    return Outlook(number, way.series.code, schedule.code, schedule.version, findings, earliest_on, recommended_on)


def _concerning(schedule: Schedule, vaccine: Vaccine) -> list[Series]:
    """Return the series a vaccine may serve, and those that others of them ask to be complete."""
    asked = {skip.complete for series in schedule.series for dose in series.dose for skip in dose.skip}
    return [one for one in schedule.series if one.antigen in vaccine.antigens or one.code in asked]


def _ways(facts: Facts, wanted: Iterable[Series], on: date) -> list[_Way]:
    ways = []
    for series in wanted:
        course = evaluated(series, facts)
        ways.append(_Way(series, facts, course, _is_for(series, facts.subject, on)))
        if course.progress.primary_complete_on:
            completed_on = {**facts.completed_on, series.code: course.progress.primary_complete_on}
            facts = replace(facts, completed_on=completed_on)
    return ways


def _fitness(way: _Way, standing: SeriesStanding, on: date) -> tuple[bool, bool, int, bool, bool]:
    """Return how well a series fits a person: complete, else furthest come, else still open, else the default."""
    return (*_advance(way, on), standing.forecast.status not in _SHUT, way.series.is_default)


def _fitness_for(way: _Way, vaccine: Vaccine, on: date) -> tuple[bool, bool, int, bool, bool]:
    """Return how well a series fits a person who would be given a vaccine: as far as they came, it is to take it."""
    _, target = way.next_on(on)
    takes_it = target is not None and reason_against_vaccine(target, substance_of(vaccine)) is None
    return (*_advance(way, on), takes_it, way.series.is_default)


def _advance(way: _Way, on: date) -> tuple[bool, bool, int]:
    progress, _ = way.next_on(on)
    return way.is_for_person, way.course.progress.primary_complete_on is not None, len(progress.valid)


def _standing(way: _Way, catalogue: Mapping[str, Vaccine], on: date) -> SeriesStanding:
    if way.is_for_person:
        expected = forecast(way.series, way.facts, way.course, catalogue, on)
    else:
        reasons = (Reason.NOT_RECOMMENDED,)
        expected = Forecast(SeriesStatus.NOT_RECOMMENDED, reasons=reasons, source=way.series.source)
    return SeriesStanding(way.series.code, way.series.antigen, way.course.doses, expected)


def _is_for(series: Series, subject: Subject, on: date) -> bool:
    held = {observation.code for observation in subject.observations if observation.holds_on(on)}
    return (
        series.only_sex in {None, subject.sex}
        and (series.born_from is None or series.born_from <= subject.born_on)
        and (series.born_before is None or subject.born_on < series.born_before)
        and (series.only_with_observation is None or series.only_with_observation in held)
    )


def _findings_along(way: _Way, vaccine: Vaccine, on: date) -> tuple[DoseFinding, ...]:
    """Return what the series itself holds against the vaccine."""
    source = way.series.source
    progress, target = way.next_on(on)
    if not way.is_for_person or (target is None and not progress.valid):
        return (DoseFinding(Reason.NOT_RECOMMENDED, FindingWeight.UNCLEAR, source),)
    if target is None:
        return (DoseFinding(Reason.SERIES_COMPLETE, FindingWeight.CONTRAINDICATION, source),)
    reasons = chain(
        _age_reasons(target, way.facts.subject, on),
        _interval_reasons(target, way.facts, progress, on),
        _vaccine_reasons(target, progress, vaccine),
    )
    return tuple(DoseFinding(reason, weight, target.source) for reason, weight in reasons)


_Weighed = Iterator[tuple[Reason, FindingWeight]]


def _age_reasons(target: TargetDose, subject: Subject, on: date) -> _Weighed:
    if on < target.age.minimum.after(subject.born_on):
        yield Reason.TOO_YOUNG, FindingWeight.DEFERRAL
    if target.age.maximum is not None and target.age.maximum.after(subject.born_on) <= on:
        yield Reason.TOO_OLD, FindingWeight.CONTRAINDICATION


def _interval_reasons(target: TargetDose, facts: Facts, progress: Progress, on: date) -> _Weighed:
    bound = interval_starts(target, facts, progress, on)
    if any(on < interval.minimum.after(start) for interval, start in bound):
        yield Reason.TOO_EARLY, FindingWeight.DEFERRAL


def _vaccine_reasons(target: TargetDose, progress: Progress, vaccine: Vaccine) -> _Weighed:
    against = reason_against_vaccine(target, substance_of(vaccine))
    if against is not None:
        yield against, FindingWeight.CONTRAINDICATION
    elif target.same_vaccine_preferred and progress.valid and progress.valid[-1].vaccine_code != vaccine.code:
        yield Reason.OTHER_VACCINE_BEFORE, FindingWeight.PRECAUTION


def _findings_about(facts: Facts, vaccine: Vaccine, on: date) -> tuple[DoseFinding, ...]:
    """Return what holds for the vaccine whatever the series."""
    spaced = spacing_ends(facts.schedule.spacing, substance_of(vaccine), facts.doses, on)
    close = {
        DoseFinding(Reason.TOO_CLOSE_TO_OTHER, FindingWeight.DEFERRAL, spacing.source): None
        for spacing, free in spaced
        if on < free
    }
    observed = (
        DoseFinding(Reason.CONTRAINDICATED_BY_OBSERVATION, FindingWeight(found.weight), found.source)
        for found in contraindications_of(facts.schedule, facts.subject, vaccine, on)
    )
    uncertain = DoseFinding(Reason.HISTORY_UNCERTAIN, FindingWeight.UNCLEAR, facts.schedule.source)
    return (*close, *observed, *([uncertain] if _is_uncertain(facts, vaccine) else []))


def _is_uncertain(facts: Facts, vaccine: Vaccine) -> bool:
    """Tell whether a dose that may concern the vaccine is only told of, or is of nobody knows what."""
    return any(
        not dose.antigens
        or (dose.certainty not in facts.schedule.counts and not set(dose.antigens).isdisjoint(vaccine.antigens))
        for dose in facts.doses
    )
