"""What past doses are worth, what comes next and what speaks against a dose: cases counted by hand.

The figures are those of the schedules' own sources; where a schedule says "unverified", the case shows the data,
not the truth of it.
"""

from datetime import date

import pytest

from clinic_server.immunisations.rules import FindingWeight, Forecast, Observation, SeriesStatus, Subject
from clinic_server.people.documents import Sex
from tests.rules.schedule_cases import had, outlook_for, person, standing, words_of

ADULT = "1980-05-20"
WORTH = [  # schedule, antigen, born, doses, what they are worth
    ("cn-covid19 1", "covid19", ADULT, "", ""),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-22", "1 valid, 2 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-21", "1 valid, 2 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-15", "1 valid, 2 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-14", "1 valid, 2 not_valid too_early"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-14, bbibp 2021-05-05",
        "1 valid, 2 not_valid too_early, 2 valid",
    ),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-14, bbibp 2021-04-27",
        "1 valid, 2 not_valid too_early, 2 not_valid too_early",
    ),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2022-12-01", "1 valid, 2 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, coronavac 2021-04-22", "1 valid, 2 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, ad5 2021-05-01", "1 not_valid wrong_vaccine, 1 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, zf2001 2021-05-01", "1 valid, 2 not_valid wrong_platform"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-22, bbibp 2021-11-01",
        "1 valid, 2 valid, - extraneous series_complete",
    ),
    ("cn-covid19 1", "covid19", "2003-05-02", "bbibp 2021-05-01", "1 not_valid too_young"),
    ("cn-covid19 1", "covid19", "2003-05-02", "bbibp 2021-05-02", "1 valid"),
    ("cn-covid19 1", "covid19", "2003-02-28", "bbibp 2021-02-28", "1 valid"),
    ("cn-covid19 1", "covid19", "2000-02-29", "bbibp 2018-02-28", "1 not_valid too_young"),
    ("cn-covid19 1", "covid19", "2000-02-29", "bbibp 2018-03-01", "1 valid"),
    ("cn-covid19 1", "covid19", "2022-01-01", "bbibp 2021-05-02", "1 not_valid too_young"),
    ("cn-covid19 1", "covid19", ADULT, "ad5 2021-05-01", "1 valid"),
    ("cn-covid19 1", "covid19", ADULT, "ad5 2021-05-01, ad5 2021-06-01", "1 valid, - extraneous series_complete"),
    ("cn-covid19 1", "covid19", ADULT, "zf2001 2021-04-01, zf2001 2021-04-28", "1 valid, 2 not_valid too_early"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "zf2001 2021-04-01, zf2001 2021-04-29, zf2001 2021-05-27",
        "1 valid, 2 valid, 3 valid",
    ),
    ("cn-covid19 1", "covid19", ADULT, "reported bbibp 2021-04-01", "1 not_valid history_uncertain"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "reported bbibp 2021-04-01, bbibp 2021-04-03",
        "1 not_valid history_uncertain, 1 valid",
    ),
    ("cn-covid19 1", "covid19", ADULT, "documented bbibp 2021-04-01, bbibp 2021-04-22", "1 valid, 2 valid"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "bad bbibp 2021-04-01, bbibp 2021-04-02",
        "1 sub_standard sub_standard, 1 valid",
    ),
    ("cn-covid19 1", "covid19", ADULT, "?covid19 2021-04-01", "1 not_valid vaccine_unknown"),
    ("cn-covid19 1", "covid19", ADULT, "?covid19/inactivated 2021-04-01", "1 valid"),
    ("cn-covid19 1", "covid19", ADULT, "?covid19/mrna 2021-04-01", "1 not_valid wrong_platform"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-22, bbibp 2021-04-01", "1 valid, 2 valid"),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-01", "1 valid, 2 not_valid too_early"),
    ("cn-covid19 1", "covid19", ADULT, "mmr 2021-04-01, bbibp 2021-04-05", "1 valid"),
    ("cn-covid19-founding 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-14", "1 valid, 2 not_valid too_early"),
    ("cn-covid19-founding 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-15", "1 valid, 2 valid"),
    ("cn-covid19-founding 1", "covid19", "1961-06-02", "bbibp 2021-06-01", "1 valid"),
    ("cn-covid19-founding 1", "covid19", "1961-06-02", "bbibp 2021-06-02", "- extraneous too_old"),
    ("cn-covid19-founding 1", "covid19", ADULT, "ad5 2021-05-01", "1 not_valid wrong_platform"),
    (
        "cn-covid19 2",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-22, bbibp 2021-10-21",
        "1 valid, 2 valid, 3 not_valid too_early",
    ),
    (
        "cn-covid19 2",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-22, bbibp 2021-10-22",
        "1 valid, 2 valid, 3 valid",
    ),
    ("cn-covid19 2", "covid19", "2018-11-01", "bbibp 2021-11-01", "1 valid"),
    (
        "cn-covid19 2",
        "covid19",
        "2004-06-01",
        "bbibp 2021-07-01, bbibp 2021-07-22, bbibp 2022-02-01",
        "1 valid, 2 valid, - extraneous series_complete",
    ),
    (
        "cn-covid19 3",
        "covid19",
        "1962-08-01",
        "bbibp 2022-08-01, bbibp 2022-08-22, bbibp 2022-11-22",
        "1 valid, 2 valid, 3 valid",
    ),
    (
        "cn-covid19 3",
        "covid19",
        "1962-12-01",
        "bbibp 2022-08-01, bbibp 2022-08-22, bbibp 2022-11-22",
        "1 valid, 2 valid, 3 not_valid too_early",
    ),
    (
        "cn-covid19 3",
        "covid19",
        ADULT,
        "bbibp 2022-01-01, bbibp 2022-01-22, inhaled 2022-12-22",
        "1 valid, 2 valid, 3 valid",
    ),
    ("cn-covid19 3", "covid19", ADULT, "inhaled 2022-12-22", "1 not_valid wrong_platform"),
    (
        "cn-covid19 3",
        "covid19",
        ADULT,
        "ad5 2022-01-01, ad5 2022-07-01, ad5 2023-01-01",
        "1 valid, 2 valid, - extraneous series_complete",
    ),
    (
        "cn-covid19 3",
        "covid19",
        "1950-01-01",
        "ad5 2022-01-01, ad5 2022-07-01, ad5 2023-01-01",
        "1 valid, 2 valid, 3 valid",
    ),
    ("cn-influenza 1", "influenza", "2018-01-15", "flu 2021-10-05, flu 2021-11-01", "1 valid, 2 not_valid too_early"),
    ("cn-influenza 1", "influenza", "2018-01-15", "flu 2021-10-05, flu 2021-11-02", "1 valid, 2 valid"),
    ("cn-influenza 1", "influenza", "2018-01-15", "flu 2020-10-05, flu 2021-11-02", "1 valid, 1 valid"),
    (
        "cn-influenza 1",
        "influenza",
        "2018-01-15",
        "flu 2020-10-05, flu 2021-10-05, flu 2021-11-02",
        "1 valid, 1 valid, - extraneous series_complete",
    ),
    ("cn-influenza 1", "influenza", ADULT, "flu 2021-06-20, flu 2021-07-10", "1 valid, 1 not_valid too_early"),
    ("cn-influenza 1", "influenza", ADULT, "flu 2021-06-20, flu 2021-07-18", "1 valid, 1 valid"),
    ("cn-routine 1", "measles", "2024-01-31", "mmr 2024-09-30", "1 not_valid too_young"),
    ("cn-routine 1", "measles", "2024-01-31", "mmr 2024-10-01", "1 valid"),
    ("cn-routine 1", "polio", "2024-01-01", "bopv 2024-03-01", "1 not_valid wrong_vaccine"),
    (
        "cn-routine 1",
        "polio",
        "2024-01-01",
        "ipv 2024-03-01, ipv 2024-04-01, bopv 2024-05-01",
        "1 valid, 2 valid, 3 valid",
    ),
    ("cn-routine 1", "tuberculosis", "2017-01-01", "bcg 2021-01-01", "- extraneous too_old"),
    ("cn-routine 1", "diphtheria", "2024-01-01", "dtap 2024-03-01", "1 not_valid too_young"),
    ("cn-routine 2", "diphtheria", "2024-12-01", "dtap 2025-02-01", "1 valid"),
    ("cn-routine 1", "meningococcus_a", "2022-01-01", "mpsv-ac 2025-01-01", "1 valid"),
    ("second", "pertussis", "2021-01-01", "dtap 2021-02-08", "1 valid"),
    ("second", "pertussis", "2021-01-01", "dtap 2021-02-07", "1 not_valid too_young"),
    ("second", "pertussis", "2021-01-01", "dtap 2021-02-12, dtap 2021-03-08", "1 valid, 2 valid"),
    (
        "second",
        "pertussis",
        "2021-01-01",
        "dtap 2021-02-12, dtap 2021-03-07",
        "1 valid, 2 not_valid too_young too_early",
    ),
    ("second", "pertussis", "2021-01-01", "reported dtap 2021-02-12", "1 valid"),
    (
        "second",
        "pertussis",
        "2021-01-01",
        "dtap 2021-02-12, dtap 2025-01-01, dtap 2031-01-01, dtap 2036-01-01",
        "1 valid, 2 valid, 3 valid, 4 valid",
    ),
    ("second", "measles", "2021-01-01", "je 2022-02-01, mmr 2022-02-28", "1 not_valid too_close_to_other"),
    ("second", "measles", "2021-01-01", "je 2022-02-01, mmr 2022-03-01", "1 valid"),
    ("second", "measles", "2021-01-01", "je 2022-02-01, mmr 2022-02-01", "1 valid"),
]


@pytest.mark.parametrize(("schedule", "antigen", "born", "doses", "worth"), WORTH)
def test_what_past_doses_are_worth(schedule: str, antigen: str, born: str, doses: str, worth: str) -> None:
    found = standing(schedule, person(born), had(doses), "2040-01-01", antigen)
    assert words_of(found) == worth


NEXT = [  # schedule, antigen, born, doses, on: status, number, earliest, recommended, past due, latest
    ("cn-covid19 1", "covid19", ADULT, "", "2021-04-01", "not_started 1 1998-05-20 1998-05-20 - -"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "bbibp 2021-04-01",
        "2021-04-02",
        "under_way 2 2021-04-22 2021-04-22 2021-05-28 -",
    ),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-14",
        "2021-04-14",
        "under_way 2 2021-05-05 2021-05-05 2021-06-10 -",
    ),
    ("cn-covid19 1", "covid19", ADULT, "bbibp 2021-04-01, bbibp 2021-04-22", "2021-05-01", "complete - - - - -"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "zf2001 2021-04-01",
        "2021-04-02",
        "under_way 2 2021-04-29 2021-04-29 2021-05-28 -",
    ),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "zf2001 2021-04-01, zf2001 2021-04-29",
        "2021-05-01",
        "under_way 3 2021-05-27 2021-05-27 2021-10-02 -",
    ),
    ("cn-covid19 1", "covid19", ADULT, "mmr 2021-04-01", "2021-04-02", "not_started 1 2021-04-15 2021-04-15 - -"),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "rabies-vero 2021-04-01, tetanus-toxoid 2021-04-01",
        "2021-04-02",
        "not_started 1 1998-05-20 1998-05-20 - -",
    ),
    (
        "cn-covid19-founding 1",
        "covid19",
        ADULT,
        "bbibp 2021-04-01",
        "2021-04-02",
        "under_way 2 2021-04-15 2021-04-15 2021-04-30 2040-05-19",
    ),
    ("cn-covid19-founding 1", "covid19", "1961-06-02", "", "2021-06-02", "aged_out - - - - -"),
    (
        "cn-covid19-founding 1",
        "covid19",
        "1961-06-02",
        "",
        "2021-06-01",
        "not_started 1 1979-06-02 1979-06-02 - 2021-06-01",
    ),
    ("cn-covid19-founding 1", "covid19", "1961-06-02", "bbibp 2021-05-20", "2021-05-21", "aged_out - - - - -"),
    (
        "cn-covid19 2",
        "covid19",
        ADULT,
        "bbibp 2021-04-01, bbibp 2021-04-22",
        "2021-10-10",
        "booster_open 3 2021-10-22 2021-10-22 - -",
    ),
    (
        "cn-covid19 2",
        "covid19",
        "2004-06-01",
        "bbibp 2021-07-01, bbibp 2021-07-22",
        "2022-05-31",
        "complete - - - - -",
    ),
    (
        "cn-covid19 2",
        "covid19",
        "2004-06-01",
        "bbibp 2021-07-01, bbibp 2021-07-22",
        "2022-06-01",
        "booster_open 3 2022-06-01 2022-06-01 - -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        "2019-01-15",
        "",
        "2021-10-01",
        "not_started 1 2021-07-01 2021-09-01 2021-11-01 -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        "2019-01-15",
        "influenza-iiv3-child 2021-10-05",
        "2021-10-06",
        "under_way 2 2021-11-02 2021-11-02 2021-11-02 -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        ADULT,
        "flu 2021-10-05",
        "2021-12-01",
        "complete - 2022-07-01 2022-09-01 2022-11-01 -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        ADULT,
        "flu 2021-10-05",
        "2022-06-30",
        "complete - 2022-07-01 2022-09-01 2022-11-01 -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        ADULT,
        "flu 2021-10-05",
        "2022-07-01",
        "not_started 1 2022-07-01 2022-09-01 2022-11-01 -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        ADULT,
        "flu 2022-06-20",
        "2022-07-05",
        "not_started 1 2022-07-18 2022-09-01 2022-11-01 -",
    ),
    (
        "cn-influenza 1",
        "influenza",
        "2021-06-10",
        "",
        "2021-10-01",
        "not_started 1 2021-12-10 2021-12-10 2021-12-10 -",
    ),
    (
        "cn-routine 1",
        "hepatitis_b",
        "2024-01-31",
        "hepb 2024-01-31",
        "2024-02-01",
        "under_way 2 2024-03-01 2024-03-01 - -",
    ),
    (
        "cn-routine 1",
        "hepatitis_b",
        "2024-01-01",
        "hepb 2024-01-01, hepb 2024-02-01",
        "2024-03-01",
        "under_way 3 2024-07-01 2024-07-01 2025-01-01 -",
    ),
    (
        "cn-routine 1",
        "hepatitis_b",
        "2020-01-01",
        "hepb 2024-01-01, hepb 2024-02-01",
        "2024-03-01",
        "under_way 3 2024-05-01 2024-05-01 2024-05-01 -",
    ),
    (
        "cn-routine 1",
        "tuberculosis",
        "2024-01-31",
        "",
        "2024-02-01",
        "not_started 1 2024-01-31 2024-01-31 2024-05-01 2028-01-30",
    ),
    ("cn-routine 1", "tuberculosis", "2017-01-01", "", "2021-06-01", "aged_out - - - - -"),
    ("cn-routine 1", "diphtheria", "2024-01-31", "", "2024-02-01", "not_started 1 2024-05-01 2024-05-01 - 2030-01-30"),
    ("cn-routine 2", "diphtheria", "2024-11-01", "", "2025-01-01", "not_started 1 2025-01-01 2025-01-01 - 2031-10-31"),
    ("cn-routine 2", "diphtheria", "2024-10-31", "", "2025-01-01", "not_started 1 2025-01-31 2025-01-31 - 2030-10-30"),
    (
        "cn-routine 1",
        "measles",
        "2024-01-01",
        "mmr 2024-09-01",
        "2024-09-02",
        "under_way 2 2025-07-01 2025-07-01 2026-01-01 -",
    ),
    (
        "cn-routine 1",
        "japanese_encephalitis",
        "2024-01-01",
        "je 2025-06-01",
        "2025-06-02",
        "under_way 2 2026-06-01 2026-06-01 2027-01-01 -",
    ),
    (
        "cn-routine 1",
        "meningococcus_a",
        "2022-01-01",
        "",
        "2024-06-01",
        "not_started 1 2025-01-01 2025-01-01 2026-01-01 -",
    ),
    (
        "second",
        "pertussis",
        "2021-01-01",
        "",
        "2021-01-02",
        "not_started 1 2021-02-12 2021-03-01 2021-04-01 -",
    ),
    (
        "second",
        "pertussis",
        "2021-01-01",
        "dtap 2021-02-12",
        "2021-02-13",
        "under_way 2 2021-03-12 2021-05-01 2021-05-15 -",
    ),
    (
        "second",
        "pertussis",
        "2021-01-01",
        "dtap 2021-02-12, dtap 2025-01-01",
        "2026-01-01",
        "booster_open 3 2031-01-01 2035-01-01 - -",
    ),
    (
        "second",
        "pertussis",
        "2021-01-01",
        "dtap 2021-02-12, dtap 2025-01-01, dtap 2031-01-01, dtap 2036-01-01",
        "2036-01-01",
        "booster_open 5 2041-01-01 2046-01-01 - -",
    ),
    (
        "second",
        "rubella_alone",
        "2008-01-01",
        "mmr 2009-01-01, mmr 2009-01-28",
        "2020-01-01",
        "not_started 1 2019-01-01 2019-01-01 - 2057-12-31",
    ),
    (
        "second",
        "rubella_alone",
        "2008-01-01",
        "mmr 2018-12-01",
        "2020-01-01",
        "not_started 1 2019-03-01 2019-03-01 - 2057-12-31",
    ),
    (
        "second",
        "rubella_alone",
        "2008-01-01",
        "mmr 2009-01-01, mmr 2009-01-29",
        "2020-01-01",
        "not_recommended - - - - -",
    ),
    ("second", "hepatitis_b", "2008-01-01", "", "2020-01-01", "not_recommended - - - - -"),
]


def forecast_in_words(found: Forecast) -> str:
    days = (found.earliest_on, found.recommended_on, found.past_due_on, found.latest_on)
    return " ".join([found.status, *(str(one or "-") for one in (found.dose_number, *days))])


@pytest.mark.parametrize(("schedule", "antigen", "born", "doses", "on", "comes"), NEXT)
def test_what_comes_next(schedule: str, antigen: str, born: str, doses: str, on: str, comes: str) -> None:
    found = standing(schedule, person(born), had(doses), on, antigen)
    assert forecast_in_words(found.forecast) == comes


PLANNED = [  # schedule, born, doses, vaccine, on: dose number, series, findings
    ("cn-covid19 1", ADULT, "", "bbibp", "2021-04-01", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "", "ad5", "2021-04-01", "1 covid19-vector"),
    ("cn-covid19 1", ADULT, "", "zf2001", "2021-04-01", "1 covid19-subunit"),
    ("cn-covid19 1", ADULT, "", "inhaled", "2021-04-01", "1 covid19-inactivated wrong_platform"),
    ("cn-covid19 1", ADULT, "bbibp 2021-04-01", "bbibp", "2021-04-22", "2 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "bbibp 2021-04-01", "bbibp", "2021-04-21", "2 covid19-inactivated too_early"),
    ("cn-covid19 1", ADULT, "bbibp 2021-04-01", "bbibp", "2021-04-01", "2 covid19-inactivated too_early"),
    ("cn-covid19 1", ADULT, "bbibp 2021-04-01", "coronavac", "2021-04-22", "2 covid19-inactivated other_vaccine_before"),
    ("cn-covid19 1", ADULT, "bbibp 2021-04-01", "ad5", "2021-04-22", "2 covid19-inactivated wrong_platform"),
    ("cn-covid19 1", ADULT, "bbibp 2021-04-01, bbibp 2021-04-22", "bbibp", "2021-06-01", "None covid19-inactivated series_complete"),
    ("cn-covid19 1", ADULT, "ad5 2021-04-01", "ad5", "2021-04-01", "None covid19-vector series_complete"),
    ("cn-covid19 1", "2003-05-02", "", "bbibp", "2021-05-01", "1 covid19-inactivated too_young"),
    ("cn-covid19 1", "2003-05-02", "", "bbibp", "2021-05-02", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "mmr 2021-04-01", "bbibp", "2021-04-14", "1 covid19-inactivated too_close_to_other"),
    ("cn-covid19 1", ADULT, "mmr 2021-04-01", "bbibp", "2021-04-01", "1 covid19-inactivated too_close_to_other"),
    ("cn-covid19 1", ADULT, "mmr 2021-04-01, flu 2021-04-01", "bbibp", "2021-04-14", "1 covid19-inactivated too_close_to_other"),
    ("cn-covid19 1", ADULT, "mmr 2021-04-01", "bbibp", "2021-04-15", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "bad mmr 2021-04-01", "bbibp", "2021-04-14", "1 covid19-inactivated too_close_to_other"),
    ("cn-covid19 1", ADULT, "rabies-vero 2021-04-01", "bbibp", "2021-04-01", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "tetanus-toxoid 2021-04-01", "bbibp", "2021-04-01", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "?rabies 2021-04-01", "bbibp", "2021-04-01", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "reported bbibp 2021-04-01", "bbibp", "2021-06-01", "1 covid19-inactivated history_uncertain"),
    ("cn-covid19 1", ADULT, "reported mmr 2021-01-01", "bbibp", "2021-06-01", "1 covid19-inactivated"),
    ("cn-covid19 1", ADULT, "? 2021-01-01", "bbibp", "2021-06-01", "1 covid19-inactivated history_uncertain"),
    ("cn-covid19 1", ADULT, "", "mmr", "2021-06-01", "None None not_in_schedule"),
    ("cn-covid19-founding 1", "1961-06-02", "", "bbibp", "2021-06-02", "1 covid19-inactivated too_old"),
    ("cn-covid19-founding 1", "1961-06-02", "", "bbibp", "2021-06-01", "1 covid19-inactivated"),
    ("cn-covid19 2", ADULT, "bbibp 2021-04-01, bbibp 2021-04-22", "bbibp", "2021-10-22", "3 covid19-inactivated"),
    ("cn-covid19 2", ADULT, "bbibp 2021-04-01, bbibp 2021-04-22", "ad5", "2021-10-22", "3 covid19-inactivated wrong_platform"),
    ("cn-covid19 2", "2004-06-01", "bbibp 2021-07-01, bbibp 2021-07-22", "bbibp", "2022-05-31", "None covid19-inactivated series_complete"),
    ("cn-covid19 3", ADULT, "bbibp 2021-04-01, bbibp 2021-04-22", "inhaled", "2022-12-22", "3 covid19-inactivated"),
    ("cn-influenza 1", ADULT, "flu 2021-10-05", "flu", "2022-06-30", "None influenza-seasonal series_complete"),
    ("cn-influenza 1", ADULT, "flu 2021-10-05", "flu", "2022-07-01", "1 influenza-seasonal"),
    ("cn-influenza 1", ADULT, "bbibp 2021-10-05", "flu", "2021-10-18", "1 influenza-seasonal too_close_to_other"),
    ("cn-routine 1", "2024-01-01", "mmr 2024-09-01", "je", "2024-09-28", "1 je-live too_close_to_other"),
    ("cn-routine 1", "2024-01-01", "mmr 2024-09-01", "je", "2024-09-29", "1 je-live"),
    ("cn-routine 1", "2024-01-01", "mmr 2024-09-01", "je", "2024-09-01", "1 je-live"),
    ("cn-routine 1", "2024-01-01", "bopv 2024-09-01", "je", "2024-09-02", "1 je-live"),
    ("cn-routine 1", "2024-01-01", "hepb 2024-09-01", "je", "2024-09-02", "1 je-live"),
    ("cn-routine 1", "2024-01-01", "?varicella 2024-09-01", "je", "2024-09-02", "1 je-live too_close_to_other"),
    ("cn-routine 1", "2024-01-01", "?varicella/live 2024-09-01", "je", "2024-09-02", "1 je-live too_close_to_other"),
    ("cn-routine 1", "2024-01-01", "?varicella/inactivated 2024-09-01", "je", "2024-09-02", "1 je-live"),
    ("cn-routine 1", "2018-01-01", "", "dt", "2021-06-01", "1 dtap-2021 wrong_vaccine"),
    ("cn-routine 2", "2024-12-01", "", "dtap", "2025-02-01", "1 dtap-2025"),
    ("second", "2008-01-01", "", "hepb", "2020-01-01", "None hepatitis-workers not_recommended"),
]  # fmt: skip


@pytest.mark.parametrize(("schedule", "born", "doses", "vaccine", "on", "expected"), PLANNED)
def test_what_speaks_against_a_dose(  # noqa: PLR0913, PLR0917  # a row of the table
    schedule: str, born: str, doses: str, vaccine: str, on: str, expected: str
) -> None:
    found = outlook_for(schedule, person(born), had(doses), vaccine, on)
    findings = [finding.code for finding in found.findings]
    assert " ".join([str(found.dose_number), str(found.series), *findings]) == expected


OBSERVED = [  # schedule, born, sex, observations, vaccine, on: number and findings with their weight
    ("cn-covid19 1", ADULT, "prior_severe_reaction:covid19-bbibp-corv", "bbibp", "1 contraindication"),
    ("cn-covid19 1", ADULT, "prior_severe_reaction:covid19-bbibp-corv", "coronavac", "1"),
    ("cn-covid19 1", ADULT, "prior_severe_reaction:inactivated", "coronavac", "1 contraindication"),
    ("cn-covid19 1", ADULT, "prior_severe_reaction:inactivated", "ad5", "1"),
    ("cn-covid19 1", ADULT, "immunocompromised", "ad5", "1 precaution"),
    ("cn-covid19 1", ADULT, "immunocompromised", "bbibp", "1"),
    ("cn-covid19 1", ADULT, "immunocompromised 2021-06-02", "ad5", "1"),
    ("cn-covid19 1", ADULT, "immunocompromised 2021-06-01", "ad5", "1 precaution"),
    ("cn-covid19 1", ADULT, "covid19_infection 2020-12-02", "bbibp", "1 deferral"),
    ("cn-covid19 1", ADULT, "covid19_infection 2020-12-01", "bbibp", "1"),
    ("cn-covid19 1", ADULT, "covid19_infection 2020-06-01, covid19_infection 2020-12-02", "bbibp", "1 deferral"),
    ("cn-covid19 1", ADULT, "covid19_infection", "bbibp", "1"),
    ("cn-routine 1", "2020-09-01", "immunocompromised", "mmr", "1 contraindication"),
    ("cn-routine 1", "2020-09-01", "prior_severe_reaction:live", "mmr", "1"),
    ("cn-routine 1", "2020-09-01", "prior_severe_reaction:mmr", "mmr", "1 contraindication"),
    ("second", "2008-01-01", "health_worker", "hepb", "1"),
]


@pytest.mark.parametrize(("schedule", "born", "observed", "vaccine", "expected"), OBSERVED)
def test_what_an_observation_holds_against_a_vaccine(
    schedule: str, born: str, observed: str, vaccine: str, expected: str
) -> None:
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


CHOICES = [  # schedule, antigen, born, observations, doses, on: preferable / allowable
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "",
        "",
        "2021-04-01",
        "covid19-bbibp-corv covid19-wibp-corv covid19-coronavac /",
    ),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "prior_severe_reaction:covid19-wibp-corv",
        "",
        "2021-04-01",
        "covid19-bbibp-corv covid19-coronavac /",
    ),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "",
        "coronavac 2021-04-01",
        "2021-04-02",
        "covid19-coronavac / covid19-bbibp-corv covid19-wibp-corv",
    ),
    (
        "cn-covid19 1",
        "covid19",
        ADULT,
        "",
        "?covid19/inactivated 2021-04-01",
        "2021-04-02",
        "covid19-bbibp-corv covid19-wibp-corv covid19-coronavac /",
    ),
    ("cn-influenza 1", "influenza", "2018-10-02", "", "", "2021-10-01", "influenza-iiv3-child /"),
    ("cn-influenza 1", "influenza", "2018-10-01", "", "", "2021-10-01", "influenza-iiv4 /"),
    ("cn-influenza 1", "influenza", "2021-06-10", "", "", "2021-10-01", "influenza-iiv3-child /"),
    ("cn-routine 1", "polio", "2024-01-01", "", "ipv 2024-03-01, ipv 2024-04-01", "2024-05-01", "bopv / ipv-sabin"),
    (
        "cn-routine 1",
        "polio",
        "2024-01-01",
        "immunocompromised",
        "ipv 2024-03-01, ipv 2024-04-01",
        "2024-05-01",
        " / ipv-sabin",
    ),
    ("cn-routine 1", "meningococcus_a", "2022-01-01", "", "", "2024-06-01", "mpsv-ac /"),
]


@pytest.mark.parametrize(("schedule", "antigen", "born", "observed", "doses", "on", "choice"), CHOICES)
def test_which_vaccines_may_come_next(  # noqa: PLR0913, PLR0917  # a row of the table
    schedule: str, antigen: str, born: str, observed: str, doses: str, on: str, choice: str
) -> None:
    found = standing(schedule, person(born, observed=observed), had(doses), on, antigen).forecast
    assert f"{' '.join(found.preferable)} / {' '.join(found.allowable)}".rstrip() == choice


@pytest.mark.parametrize(("sex", "status"), [(Sex.FEMALE, "not_started"), (Sex.MALE, "not_recommended")])
def test_a_series_may_be_for_one_sex(sex: Sex, status: str) -> None:
    assert standing("second", person("2008-01-01", sex), (), "2020-01-01", "rubella_alone").forecast.status == status


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
        for _, born, doses, vaccine, on, _ in PLANNED
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
