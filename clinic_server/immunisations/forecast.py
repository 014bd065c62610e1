"""When the next dose of a series may, should and must be given, and of what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from clinic_server.immunisations.evaluation import (
    Course,
    Facts,
    Progress,
    in_season_of,
    interval_starts,
    next_target,
    season_start,
)
from clinic_server.immunisations.matching import (
    accepted_vaccines,
    contraindications_of,
    spacing_ends,
    substance_of,
)
from clinic_server.immunisations.schedules import Interval, Series, TargetDose
from clinic_server.immunisations.terms import Forecast, Reason, SeriesStatus, Subject
from clinic_server.people.rules import age_in_months
from clinic_server.stock.vaccines import Vaccine

_DAY = timedelta(days=1)


Bound = list[tuple[Interval, date]]
Candidates = list[tuple[Vaccine, bool]]


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A dose to come, the vaccines it may be of, and the day that asks."""

    target: TargetDose
    vaccines: list[Vaccine]
    on: date


@dataclass(frozen=True, slots=True)
class Opening:
    """The days of one dose: it may be given from ``earliest_on``; ``latest_on`` is the last day, None without end."""

    earliest_on: date
    recommended_on: date
    past_due_on: date | None
    latest_on: date | None


def forecast(series: Series, facts: Facts, course: Course, catalogue: Mapping[str, Vaccine], on: date) -> Forecast:
    """Return what comes next in a series, as a day sees it."""
    progress = in_season_of(series.season, course.progress, on)
    following = next_target(series, facts, progress, on)
    if following is None:
        return _ended(series, progress)
    target = following[1]
    accepted = list(accepted_vaccines(target, series, catalogue.values()))
    possible = [(vaccine, is_preferable) for vaccine, is_preferable in accepted if not _forbidden(facts, vaccine, on)]
    if accepted and not possible:
        reasons = (Reason.CONTRAINDICATED_BY_OBSERVATION,)
        return Forecast(SeriesStatus.CONTRAINDICATED, progress.dose_number, reasons=reasons, source=target.source)
    days = opening(series, facts, progress, Upcoming(target, [vaccine for vaccine, _ in possible], on))
    if days.latest_on is not None and days.latest_on < max(on, days.earliest_on):
        return Forecast(SeriesStatus.AGED_OUT, reasons=(Reason.TOO_OLD,), source=target.source)
    preferable, allowable = _choice(target, progress, _of_age(possible, facts.subject, max(on, days.earliest_on)))
    return Forecast(
        _status(progress, target),
        progress.dose_number,
        days.earliest_on,
        days.recommended_on,
        days.past_due_on,
        days.latest_on,
        preferable,
        allowable,
        source=target.source,
    )


def opening(series: Series, facts: Facts, progress: Progress, upcoming: Upcoming) -> Opening:
    """Return the days of a dose; of several vaccines that which is free first opens it."""
    bound = list(interval_starts(upcoming.target, facts, progress, upcoming.on))
    earliest_on = max(_earliest_days(facts, progress, upcoming, bound))
    recommended_on = max(earliest_on, *_recommended_days(series, facts, progress, upcoming.target, bound))
    last_in_time = min(_last_days_in_time(series, facts, progress, upcoming.target, bound), default=None)
    maximum = upcoming.target.age.maximum
    return Opening(
        earliest_on,
        recommended_on,
        max(last_in_time + _DAY, recommended_on) if last_in_time else None,
        maximum.after(facts.subject.born_on) - _DAY if maximum else None,
    )


def _earliest_days(facts: Facts, progress: Progress, upcoming: Upcoming, bound: Bound) -> Iterator[date]:
    yield upcoming.target.age.minimum.after(facts.subject.born_on)
    yield from (interval.minimum.after(start) for interval, start in bound)
    if progress.season:
        yield progress.season
    if upcoming.vaccines:
        yield min(free_on(facts, vaccine, upcoming.on) for vaccine in upcoming.vaccines)


def _recommended_days(
    series: Series, facts: Facts, progress: Progress, target: TargetDose, bound: Bound
) -> Iterator[date]:
    yield facts.subject.born_on
    if target.age.earliest_recommended:
        yield target.age.earliest_recommended.after(facts.subject.born_on)
    yield from (one.earliest_recommended.after(start) for one, start in bound if one.earliest_recommended)
    if series.season and progress.season:
        yield _in_season(progress.season, series.season.recommended_from)


def _last_days_in_time(
    series: Series, facts: Facts, progress: Progress, target: TargetDose, bound: Bound
) -> Iterator[date]:
    if target.age.latest_recommended:
        yield target.age.latest_recommended.after(facts.subject.born_on)
    yield from (one.latest_recommended.after(start) for one, start in bound if one.latest_recommended)
    if series.season and progress.season:
        yield _in_season(progress.season, series.season.recommended_until)


def free_on(facts: Facts, vaccine: Vaccine, on: date) -> date:
    """Return the first day a vaccine keeps its distance from every other dose given before."""
    ends = spacing_ends(facts.schedule.spacing, substance_of(vaccine), facts.doses, on)
    return max((free for _, free in ends), default=facts.subject.born_on)


def _in_season(begun_on: date, month_and_day: str) -> date:
    """Return the first such day in a season."""
    return season_start(month_and_day, begun_on.replace(year=begun_on.year + 1) - _DAY)


def _ended(series: Series, progress: Progress) -> Forecast:
    if not progress.valid:
        return Forecast(SeriesStatus.NOT_RECOMMENDED, reasons=(Reason.NOT_RECOMMENDED,), source=series.source)
    if series.season is None or progress.season is None:
        return Forecast(SeriesStatus.COMPLETE, reasons=(Reason.SERIES_COMPLETE,), source=series.source)
    next_season = progress.season.replace(year=progress.season.year + 1)
    return Forecast(
        SeriesStatus.COMPLETE,
        earliest_on=next_season,
        recommended_on=_in_season(next_season, series.season.recommended_from),
        past_due_on=_in_season(next_season, series.season.recommended_until) + _DAY,
        reasons=(Reason.SERIES_COMPLETE,),
        source=series.source,
    )


def _status(progress: Progress, target: TargetDose) -> SeriesStatus:
    if not progress.valid:
        return SeriesStatus.NOT_STARTED
    return SeriesStatus.BOOSTER_OPEN if target.kind == "booster" else SeriesStatus.UNDER_WAY


def _forbidden(facts: Facts, vaccine: Vaccine, on: date) -> bool:
    found = contraindications_of(facts.schedule, facts.subject, vaccine, on)
    return any(one.weight == "contraindication" for one in found)


def _of_age(vaccines: Candidates, subject: Subject, on: date) -> Candidates:
    return [(vaccine, is_preferable) for vaccine, is_preferable in vaccines if _may_be_given(vaccine, subject, on)]


def _may_be_given(vaccine: Vaccine, subject: Subject, on: date) -> bool:
    return vaccine.admits(age_in_months(subject.born_on, on), on)


def _choice(target: TargetDose, progress: Progress, vaccines: Candidates) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the vaccines to choose first and those that count as well; where it matters, that had before is first."""
    had = progress.valid[-1].vaccine_code if target.same_vaccine_preferred and progress.valid else None
    codes = [vaccine.code for vaccine, _ in vaccines]
    first = [had] if had in codes else [vaccine.code for vaccine, is_preferable in vaccines if is_preferable]
    return tuple(code for code in first if code), tuple(code for code in codes if code not in first)
