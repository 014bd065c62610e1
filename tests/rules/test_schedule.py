"""What past doses are worth, what comes next and what speaks against a dose: cases counted by hand.

The figures are those of the schedules' own sources; where a schedule says "unverified", the case shows the data,
not the truth of it.
"""

from datetime import date

import pytest

from clinic_server.immunisations.rules import FindingWeight, Forecast, Observation, SeriesStatus, Subject
from clinic_server.people.documents import Sex
from tests.rules.schedule_cases import ADULT, Row, had, outlook_for, person, rows_of, standing, words_of


@pytest.mark.parametrize("row", rows_of("worth.txt"), ids=" | ".join)
def test_what_past_doses_are_worth(row: Row) -> None:
    schedule, antigen, born, doses, worth = row
    found = standing(schedule, person(born), had(doses), "2040-01-01", antigen)
    assert words_of(found) == worth


def forecast_in_words(found: Forecast) -> str:
    days = (found.earliest_on, found.recommended_on, found.past_due_on, found.latest_on)
    return " ".join([found.status, *(str(one or "-") for one in (found.dose_number, *days))])


@pytest.mark.parametrize("row", rows_of("next.txt"), ids=" | ".join)
def test_what_comes_next(row: Row) -> None:
    schedule, antigen, born, doses, on, comes = row
    found = standing(schedule, person(born), had(doses), on, antigen)
    assert forecast_in_words(found.forecast) == comes


@pytest.mark.parametrize("row", rows_of("planned.txt"), ids=" | ".join)
def test_what_speaks_against_a_dose(row: Row) -> None:
    schedule, born, doses, vaccine, on, expected = row
    found = outlook_for(schedule, person(born), had(doses), vaccine, on)
    findings = [finding.code for finding in found.findings]
    assert " ".join([str(found.dose_number), str(found.series), *findings]) == expected


@pytest.mark.parametrize("row", rows_of("observed.txt"), ids=" | ".join)
def test_what_an_observation_holds_against_a_vaccine(row: Row) -> None:
    schedule, born, observed, vaccine, expected = row
    found = outlook_for(schedule, person(born, observed=observed), (), vaccine, "2021-06-01")
    assert " ".join([str(found.dose_number), *(finding.weight for finding in found.findings)]) == expected


def test_an_observation_that_has_ended_holds_nothing() -> None:
    subject = Subject(
        date(1980, 5, 20),
        Sex.FEMALE,
        (Observation("immunocompromised", date(2021, 1, 1), date(2021, 5, 31)),),
    )
    weights = [
        [finding.weight for finding in outlook_for("cn-covid19 1", subject, (), "ad5", on).findings]
        for on in ("2020-12-31", "2021-01-01", "2021-05-31", "2021-06-01")
    ]
    assert weights == [[], [FindingWeight.PRECAUTION], [FindingWeight.PRECAUTION], []]


def test_one_dose_after_an_infection_is_complete() -> None:
    """Guideline, special groups: previously infected, one dose six months after; unverified."""
    subject = person(ADULT, observed="covid19_infection 2020-06-01")
    found = standing("cn-covid19 1", subject, had("bbibp 2021-04-01"), "2021-06-01")
    assert found.forecast.status is SeriesStatus.COMPLETE


@pytest.mark.parametrize(
    ("observed", "status"), [("", "complete"), ("high_risk", "booster_open"), ("immunocompromised", "booster_open")]
)
def test_who_is_below_sixty_has_a_second_booster_only_at_risk(observed: str, status: str) -> None:
    """Notice of 13 December 2022."""
    doses = had("bbibp 2021-04-01, bbibp 2021-04-22, bbibp 2021-11-01")
    found = standing("cn-covid19 3", person(ADULT, observed=observed), doses, "2022-12-13")
    assert found.forecast.status == status


def test_who_may_not_have_one_kind_is_led_to_another() -> None:
    subject = person(ADULT, observed="prior_severe_reaction:inactivated")
    found = standing("cn-covid19 1", subject, (), "2021-06-01")
    assert (found.series, found.forecast.status) == ("covid19-vector", SeriesStatus.NOT_STARTED)


def test_who_has_begun_with_a_kind_and_may_not_go_on_is_told_so() -> None:
    subject = person(ADULT, observed="prior_severe_reaction:inactivated")
    found = standing("cn-covid19 1", subject, had("bbibp 2021-04-01"), "2021-06-01")
    assert (found.series, found.forecast.status) == ("covid19-inactivated", SeriesStatus.CONTRAINDICATED)
    assert (found.forecast.dose_number, found.forecast.reasons) == (2, ("contraindicated_by_observation",))
    assert found.forecast.preferable == ()


@pytest.mark.parametrize("row", rows_of("choices.txt"), ids=" | ".join)
def test_which_vaccines_may_come_next(row: Row) -> None:
    schedule, antigen, born, observed, doses, on, choice = row
    found = standing(schedule, person(born, observed=observed), had(doses), on, antigen).forecast
    assert f"{' '.join(found.preferable)} / {' '.join(found.allowable)}".strip() == choice


@pytest.mark.parametrize(
    ("sex", "said"), [(Sex.FEMALE, ("not_started", ())), (Sex.MALE, ("not_recommended", ("not_recommended",)))]
)
def test_a_series_may_be_for_one_sex(sex: Sex, said: tuple[str, tuple[str, ...]]) -> None:
    found = standing("second", person("2008-01-01", sex), (), "2020-01-01", "rubella_alone").forecast
    assert (found.status, found.reasons) == said


@pytest.mark.parametrize(
    ("born", "doses", "comes"),
    [
        ("2000-01-01", "hepb 2020-01-01", "under_way 2"),
        ("2000-01-01", "hepb 2020-01-01, hepb 2020-02-01", "complete None"),
        ("2010-01-01", "hepb 2020-01-01, hepb 2020-02-01", "under_way 3"),
        ("1980-01-01", "hepb 2020-01-01", "under_way 2"),
        ("1980-01-01", "hepb 2020-01-01, hepb 2020-02-01", "complete None"),
    ],
)
def test_a_dose_may_not_be_needed_after_so_many(born: str, doses: str, comes: str) -> None:
    subject = person(born, observed="health_worker")
    found = standing("second", subject, had(doses), "2020-03-01", "hepatitis_b").forecast
    assert f"{found.status} {found.dose_number}" == comes


@pytest.mark.parametrize(
    ("antigen", "on", "series"),
    [
        ("polio", "2024-12-31", "polio-children"),
        ("polio", "2025-01-01", "polio-all"),
        ("hepatitis_a", "2024-12-31", "hepatitis-a-children"),
        ("hepatitis_a", "2025-01-01", "hepatitis-a-all"),
    ],
)
def test_the_default_gives_way_where_it_is_shut(antigen: str, on: str, series: str) -> None:
    assert standing("second", person("2020-01-01"), (), on, antigen).series == series


def test_a_vaccine_against_several_things_is_judged_by_what_it_serves_best() -> None:
    found = outlook_for("second", person("2021-01-01"), had("tetanus-toxoid 2021-01-15"), "dtap", "2021-03-01")
    assert (found.series, found.dose_number, found.findings) == ("pertussis", 1, ())


def test_the_outlook_names_its_schedule_its_days_and_the_sources() -> None:
    found = outlook_for("cn-covid19 1", person(ADULT), had("zf2001 2021-04-01"), "zf2001", "2021-04-20")
    assert (found.schedule_code, found.schedule_version) == ("cn-covid19", 1)
    assert (found.earliest_on, found.recommended_on) == (date(2021, 4, 29), date(2021, 4, 29))
    assert [(finding.code, finding.weight, finding.source) for finding in found.findings] == [
        (
            "too_early",
            FindingWeight.DEFERRAL,
            "Guideline, first edition: at least 4 weeks apart, the second within 8 weeks of the first",
        )
    ]


def test_a_complete_season_tells_the_next() -> None:
    found = outlook_for("cn-influenza 1", person(ADULT), had("flu 2021-10-05"), "flu", "2021-12-01")
    assert (found.earliest_on, found.recommended_on) == (date(2022, 7, 1), date(2022, 9, 1))


def test_what_weighs_how_much() -> None:
    weights = {
        finding.code: finding.weight.value
        for _, born, doses, vaccine, on, _ in rows_of("planned.txt")
        for schedule in ("cn-covid19 1", "cn-covid19-founding 1", "cn-routine 1", "second")
        for finding in outlook_for(schedule, person(born), had(doses), vaccine, on).findings
    }
    assert weights == {
        "too_young": "deferral",
        "too_early": "deferral",
        "too_close_to_other": "deferral",
        "too_old": "contraindication",
        "series_complete": "contraindication",
        "wrong_platform": "contraindication",
        "wrong_vaccine": "contraindication",
        "other_vaccine_before": "precaution",
        "history_uncertain": "unclear",
        "not_in_schedule": "unclear",
        "not_recommended": "unclear",
    }
