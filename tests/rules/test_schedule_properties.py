"""What holds of every history: the engine's laws, tried on histories nobody thought of."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clinic_server.immunisations import rules
from clinic_server.immunisations.dates import Span, span_from
from clinic_server.immunisations.rules import (
    Certainty,
    DoseStatus,
    Observation,
    PastDose,
    SeriesStanding,
    SeriesStatus,
    Subject,
)
from clinic_server.immunisations.schedules import Schedule
from clinic_server.people.documents import Sex
from clinic_server.stock import vaccines
from tests.rules.schedule_cases import schedule_of

CATALOGUE = vaccines.shipped()
NEW = UUID("00000000-0000-4000-8000-000000000001")
SCHEDULES = [
    *("cn-covid19 1", "cn-covid19 2", "cn-covid19 3", "cn-covid19-founding 1", "cn-influenza 1"),
    *("cn-routine 1", "cn-routine 2", "second"),
]
DEFERRALS = {"too_young", "too_early", "too_close_to_other"}
UNTIL = date(2090, 1, 1)


def vaccines_of(schedule: Schedule) -> list[str]:
    antigens = {series.antigen for series in schedule.series}
    return [code for code, vaccine in CATALOGUE.items() if antigens & set(vaccine.antigens)]


def past_dose(place: int, code: str, given_on: date, certainty: Certainty, sub_standard: bool) -> PastDose:
    vaccine = CATALOGUE[code]
    dose_id = uuid5(NEW, str(place))
    return PastDose(dose_id, code, vaccine.antigens, vaccine.platform, given_on, certainty, sub_standard)


@st.composite
def histories(draw: st.DrawFn, schedule: Schedule) -> tuple[Subject, tuple[PastDose, ...]]:
    """A person and up to six doses, close to each other as often as far apart."""
    sex = draw(st.sampled_from(Sex))
    codes = st.sampled_from([*vaccines_of(schedule), "mmr", "je-live", "rabies-vero"])
    gaps = st.one_of(st.integers(0, 40), st.integers(0, 3000))
    doses, given_on = [], draw(st.dates(date(2020, 6, 1), date(2026, 1, 1)))
    born_on = given_on - timedelta(days=draw(st.one_of(st.integers(-10, 800), st.integers(800, 25_000))))
    for place in range(draw(st.integers(0, 6))):
        given_on += timedelta(days=draw(gaps))
        certainty = draw(st.sampled_from([Certainty.RECORDED, Certainty.RECORDED, *Certainty]))
        sub_standard = draw(st.sampled_from([False, False, False, True]))
        doses.append(past_dose(place, draw(codes), given_on, certainty, sub_standard))
    observed = draw(st.sampled_from([(), (Observation("immunocompromised"),), (Observation("high_risk"),)]))
    return Subject(born_on, sex, observed), tuple(doses)


def standings(
    schedule: Schedule, subject: Subject, doses: tuple[PastDose, ...], on: date = UNTIL
) -> tuple[SeriesStanding, ...]:
    return rules.standings(schedule, CATALOGUE, subject, doses, on)


@pytest.fixture(name="schedule", params=SCHEDULES, scope="module")
def _schedule(request: pytest.FixtureRequest) -> Schedule:
    return schedule_of(request.param)


@settings(max_examples=40)
@given(data=st.data())
def test_the_order_of_telling_decides_nothing(schedule: Schedule, data: st.DataObject) -> None:
    subject, doses = data.draw(histories(schedule))
    shuffled = tuple(data.draw(st.permutations(doses)))
    assert standings(schedule, subject, shuffled) == standings(schedule, subject, doses)


@settings(max_examples=40)
@given(data=st.data())
def test_no_dose_counts_twice(schedule: Schedule, data: st.DataObject) -> None:
    subject, doses = data.draw(histories(schedule))
    found = standings(schedule, subject, doses)
    assert standings(schedule, subject, doses + doses) == found
    for one in found:
        judged = [evaluated.dose.dose_id for evaluated in one.doses]
        assert len(judged) == len(set(judged))
        assert set(judged) == {dose.dose_id for dose in doses if one.antigen in dose.antigens}


def season_of(standing: SeriesStanding, on: date) -> int:
    """Seasons of influenza begin in July; any other series has but one."""
    return 0 if standing.antigen != "influenza" else on.year - (on.month < 7)


@settings(max_examples=40)
@given(data=st.data())
def test_a_dose_number_is_the_valid_doses_before_and_one(schedule: Schedule, data: st.DataObject) -> None:
    """Invariant 9; a seasonal series counts its season."""
    subject, doses = data.draw(histories(schedule))
    for one in standings(schedule, subject, doses):
        valid: Counter[int] = Counter()
        for evaluated in one.doses:
            season = season_of(one, evaluated.dose.given_on)
            assert evaluated.target_dose in {None, valid[season] + 1}
            valid[season] += evaluated.status is DoseStatus.VALID
        assert one.forecast.dose_number in {None, valid[season_of(one, UNTIL)] + 1}


@settings(max_examples=40)
@given(data=st.data())
def test_the_next_date_keeps_age_and_interval(schedule: Schedule, data: st.DataObject) -> None:
    """Invariant 56: never before birth and minimum age, never before the last dose and its interval."""
    subject, doses = data.draw(histories(schedule))
    for one in standings(schedule, subject, doses):
        dates = (one.forecast.earliest_on, one.forecast.recommended_on, one.forecast.past_due_on)
        known = [day for day in dates if day]
        assert known == sorted(known)
        if one.forecast.earliest_on is None or one.forecast.status is SeriesStatus.COMPLETE:
            continue
        series = next(series for series in schedule.series if series.code == one.series)
        assert one.forecast.earliest_on >= min(dose.age.minimum.after(subject.born_on) for dose in series.dose)
        shortest = {"cn-covid19": 21, "cn-covid19-founding": 14}.get(schedule.code, 28)
        counted = [
            evaluated.dose.given_on
            for evaluated in one.doses
            if evaluated.dose.certainty in schedule.counts and evaluated.status is not DoseStatus.SUB_STANDARD
        ]
        if counted and one.series not in {"rubella-girls", "bcg", "hepatitis-workers"}:
            assert one.forecast.earliest_on >= max(counted) + timedelta(days=shortest)


@settings(max_examples=40)
@given(data=st.data())
def test_an_earlier_dose_never_leaves_a_series_without_answer(schedule: Schedule, data: st.DataObject) -> None:
    """Invariant 56: a series that recurs always has a next date, and any other has one or says why not."""
    subject, doses = data.draw(histories(schedule))
    code = data.draw(st.sampled_from(vaccines_of(schedule)))
    earlier = min((dose.given_on for dose in doses), default=UNTIL) - timedelta(days=data.draw(st.integers(1, 900)))
    further = (*doses, replace(past_dose(0, code, earlier, Certainty.RECORDED, sub_standard=False), dose_id=NEW))
    for one in standings(schedule, subject, further):
        assert one.forecast.earliest_on is not None or one.forecast.reasons
        recurs = one.antigen in {"pertussis", "influenza"}
        assert one.forecast.earliest_on is not None or not recurs


@settings(max_examples=40)
@given(data=st.data())
def test_waiting_never_makes_a_valid_dose_not_valid(data: st.DataObject) -> None:
    schedule = schedule_of(data.draw(st.sampled_from(SCHEDULES[:5])))
    subject, doses = data.draw(histories(schedule))
    assume(doses)
    later = (*doses[:-1], replace(doses[-1], given_on=doses[-1].given_on + timedelta(data.draw(st.integers(1, 2000)))))
    before = {e.dose.dose_id: (one.series, e.status) for one in standings(schedule, subject, doses) for e in one.doses}
    after = {e.dose.dose_id: (one.series, e.status) for one in standings(schedule, subject, later) for e in one.doses}
    if before.get(doses[-1].dose_id, ("", ""))[1] is DoseStatus.VALID:
        series, status = after[doses[-1].dose_id]
        assert status is not DoseStatus.NOT_VALID or series != before[doses[-1].dose_id][0]


@settings(max_examples=40)
@given(data=st.data())
def test_what_nothing_speaks_against_is_valid_once_given(schedule: Schedule, data: st.DataObject) -> None:
    """The answer before the needle and the judgement after it never contradict each other."""
    subject, doses = data.draw(histories(schedule))
    vaccine = CATALOGUE[data.draw(st.sampled_from(vaccines_of(schedule)))]
    last = max((dose.given_on for dose in doses), default=date(2021, 1, 1))
    on = last + timedelta(days=data.draw(st.one_of(st.integers(0, 60), st.integers(0, 3000))))
    outlook = rules.outlook(schedule, CATALOGUE, subject, doses, vaccine, on)
    if outlook.dose_number is not None and outlook.earliest_on is not None:
        codes = {finding.code for finding in outlook.findings}
        assert (on < outlook.earliest_on) is bool(codes & DEFERRALS)
    if not outlook.findings:
        dose = PastDose(NEW, vaccine.code, vaccine.antigens, vaccine.platform, on, Certainty.RECORDED)
        judged = [
            (one.series, evaluated.target_dose, evaluated.status)
            for one in standings(schedule, subject, (*doses, dose), on)
            for evaluated in one.doses
            if evaluated.dose == dose
        ]
        assert DoseStatus.VALID in {status for _, _, status in judged}
        assert {number for series, number, _ in judged if series == outlook.series} <= {outlook.dose_number}


@given(st.dates(date(1900, 1, 1), date(2090, 1, 1)), st.integers(0, 1200), st.integers(0, 400))
def test_a_span_leads_where_the_calendar_says(day: date, months: int, days: int) -> None:
    """CDSi: a month too short gives the first of the next."""
    reached = Span(months, days).after(day) - timedelta(days=days)
    whole = (reached.year - day.year) * 12 + reached.month - day.month
    assert (whole, reached.day) in {(months, day.day), (months + 1, 1)}
    assert span_from(f"{months} months + {days} days").after(day) == Span(months, days).after(day)
