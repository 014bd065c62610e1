"""The files of schedules: what they may say, what is refused and where, and which is valid when."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from clinic_server.immunisations import schedules
from clinic_server.immunisations.dates import span_from
from clinic_server.immunisations.schedules import Schedule, ScheduleFaulty, Which
from clinic_server.kit.toml_lines import line_of
from clinic_server.stock import vaccines

SECOND = (Path(__file__).with_name("schedules") / "second-country.toml").read_text(encoding="utf-8")
SEASON = 'source = "Measles"\nseason = {{ begins = "{}", recommended_from = "{}", recommended_until = "{}" }}'
SECOND_DOSE = 'interval = [{ minimum = "28 days" }]\nsource = "Dose 2"'
INFECTED = 'interval = [{ after_observation = "x1", minimum = "1 day" }]\nsource = "Dose 2"'
MEASLES = 'interval = [{ minimum = "28 days" }]\nsource = "Dose 1"'
FAULTS = [  # what is written, instead of it, how often and how the line named begins, words of the message
    ('minimum = "28 days"\nmay', 'minimum = "28 dayz"\nmay', 'minimum = "28 dayz"', "“28 dayz” is no span of time"),
    ('minimum = "28 days"\nmay', "minimum = 28\nmay", "minimum = 28", "expected a span of time"),
    ("may_be_same_day", "may_be_sameday", "may_be_sameday", "unknown field `may_be_sameday`"),
    ('source = "Dose 1"', "", "[[series.dose]]", "missing required field `source`"),
    ('code = "zz-sample"', 'code = "ZZ"', "code =", "matching regex"),
    ('owner = "The tests"\n', "", "# A schedule of no real country", "missing required field `owner`"),
    ('code = "measles"', 'code = "pertussis"', 'code = "pertussis"', "series pertussis is there twice"),
    ('complete = "measles"', 'complete = "rubella-girls"', "skip =", "no series rubella-girls further up"),
    (SECOND_DOSE, 'source = "Dose 2"', "[[series.dose]]", "series measles, dose 2: no interval after a dose"),
    (SECOND_DOSE, INFECTED, "[[series.dose]]", "series measles, dose 2: no interval after a dose"),
    (MEASLES, f"is_recurring = true\n{MEASLES}", "is_recurring", "only the last dose recurs"),
    (SECOND_DOSE, 'source = "Dose 2"\nis_recurring = true', "[[series.dose]]", "it must have an interval"),
    ('source = "Measles"', SEASON.format("02-29", "09-01", "10-31"), "season", "season.begins: no day that every year"),
    ('source = "Measles"', SEASON.format("02-01", "13-01", "10-31"), "season", "season.recommended_from: no day"),
    ('source = "Measles"', SEASON.format("02-01", "12-01", "11-31"), "season", "season.recommended_until: no day"),
]


@pytest.mark.parametrize(("written", "instead", "line", "words"), FAULTS)
def test_a_fault_is_named_with_its_line(written: str, instead: str, line: str, words: str) -> None:
    assert written in SECOND
    faulty = SECOND.replace(written, instead, 1)
    with pytest.raises(ScheduleFaulty) as caught:
        schedules.parse(faulty, "zz.toml")
    first = str(caught.value).splitlines()[0]
    number = int(first.removeprefix("zz.toml, line ").partition(":")[0])
    assert words in str(caught.value)
    assert faulty.splitlines()[number - 1].startswith(line)


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(ScheduleFaulty, match=r"^zz\.toml: .*line 1"):
        schedules.parse("code = zz", "zz.toml")


def test_all_faults_of_a_file_are_named_at_once() -> None:
    faulty = SECOND.replace('code = "measles"', 'code = "pertussis"').replace(SECOND_DOSE, 'source = "Dose 2"')
    with pytest.raises(ScheduleFaulty) as caught:
        schedules.parse(faulty, "zz.toml")
    assert str(caught.value).count("zz.toml, line ") == 3  # the name, the interval, and a skip that names the other


def test_a_series_has_a_dose() -> None:
    head = SECOND.partition("[[spacing]]")[0]
    with pytest.raises(ScheduleFaulty, match="line 12: series empty-one has no dose"):
        schedules.parse(
            head + '[[series]]\ncode = "empty-one"\nantigen = "polio"\nsource = "x"\ndose = []\n', "zz.toml"
        )


@pytest.mark.parametrize("words", ["", "1", "day", "one day", "1 hour", "-1 day", "1 day-1 day", "1 day - ", "1  day"])
def test_what_is_no_span_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        span_from(words)


@pytest.mark.parametrize(
    ("words", "day", "reached"),
    [
        ("0 days", "2021-03-31", "2021-03-31"),
        ("1 day", "2021-03-31", "2021-04-01"),
        ("6 weeks - 4 days", "2021-01-01", "2021-02-08"),
        ("1 month", "2021-01-31", "2021-03-01"),
        ("1 month", "2020-01-30", "2020-03-01"),
        ("1 month", "2020-01-29", "2020-02-29"),
        ("6 months", "2021-03-31", "2021-10-01"),
        ("11 months", "2021-12-31", "2022-12-01"),
        ("12 months", "2021-12-31", "2022-12-31"),
        ("18 years", "2000-02-29", "2018-03-01"),
        ("2 years + 6 months", "2020-08-31", "2023-03-01"),
        ("1 year - 1 day", "2020-01-01", "2020-12-31"),
        ("1 year - 1 month", "2020-01-15", "2020-12-15"),
    ],
)
def test_a_span_leads_to_a_day(words: str, day: str, reached: str) -> None:
    """CDSi, logic specification, date rules: years and months first, then weeks and days."""
    assert span_from(words).after(date.fromisoformat(day)) == date.fromisoformat(reached)


@pytest.mark.parametrize(
    ("antigen", "on", "schedule"),
    [
        ("covid19", "2020-12-31", None),
        ("covid19", "2021-01-01", "cn-covid19-founding 1"),
        ("covid19", "2021-03-28", "cn-covid19-founding 1"),
        ("covid19", "2021-03-29", "cn-covid19 1"),
        ("covid19", "2021-10-01", "cn-covid19 2"),
        ("covid19", "2022-12-13", "cn-covid19 3"),
        ("measles", "2024-12-31", "cn-routine 1"),
        ("measles", "2025-01-01", "cn-routine 2"),
        ("influenza", "2025-01-01", "cn-influenza 1"),
        ("rabies", "2025-01-01", None),
    ],
)
def test_the_schedule_valid_on_a_day(antigen: str, on: str, schedule: str | None) -> None:
    found = schedules.for_antigens(schedules.shipped(), ["anything", antigen], date.fromisoformat(on))
    assert (f"{found.code} {found.version}" if found else None) == schedule


def test_all_schedules_valid_on_a_day_are_found_once() -> None:
    found = schedules.valid_on(schedules.shipped(), date(2025, 6, 1))
    assert [f"{one.code} {one.version}" for one in found] == ["cn-covid19 3", "cn-influenza 1", "cn-routine 2"]
    assert schedules.valid_on(schedules.shipped(), date(2020, 1, 1)) == ()


def test_an_older_version_is_found_by_its_number() -> None:
    assert schedules.of_version(schedules.shipped(), "cn-covid19", 1).valid_from == date(2021, 3, 29)
    with pytest.raises(ScheduleFaulty, match="no longer has version 9 of the schedule cn-covid19"):
        schedules.of_version(schedules.shipped(), "cn-covid19", 9)


def test_a_version_stands_in_one_file(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(SECOND, encoding="utf-8")
    with pytest.raises(ScheduleFaulty, match="Two files hold zz-sample version 1"):
        schedules.read_from(tmp_path)


def _choices(schedule: Schedule) -> Iterator[Which]:
    for spacing in schedule.spacing:
        yield from (spacing.between, spacing.other)
    yield from (one.against for one in schedule.contraindication)
    for series in schedule.series:
        for dose in series.dose:
            yield from (which for which in (dose.preferable, dose.allowable) if which)
            yield from (interval.after_vaccines for interval in dose.interval if interval.after_vaccines)


@pytest.mark.parametrize("schedule", schedules.shipped(), ids=lambda one: f"{one.code} {one.version}")
def test_a_shipped_schedule_names_what_exists_and_awaits_its_physician(schedule: Schedule) -> None:
    catalogue = vaccines.shipped()
    antigens = {antigen for vaccine in catalogue.values() for antigen in vaccine.antigens}
    assert {code for which in _choices(schedule) for code in (*which.vaccines, *which.except_vaccines)} <= set(
        catalogue
    )
    named = {antigen for which in _choices(schedule) for antigen in (*which.antigens, *which.except_antigens)}
    assert named | {series.antigen for series in schedule.series} <= antigens
    assert schedule.sign_off == "Needs a physician's sign-off before clinical use."
    defaults = [series.antigen for series in schedule.series if series.is_default and not series.born_before]
    assert len(defaults) == len(set(defaults)), "one default an antigen"


def test_the_nearest_part_of_a_path_has_a_line() -> None:
    text = "a = 1\n[b]\nc = 2\n[[d]]\ne = { f = 3 }\n[[d]]\n[d.g]\nh = 4\n"
    paths = {
        "$": 1,
        "$.a": 1,
        "$.b": 2,
        "$.b.c": 3,
        "$.d[0].e.f": 5,
        "$.d[1].g.h": 8,
        "$.d[1].x": 6,
        "$.z": 1,
        "$.d[2]": 1,
        "$.d[1].g.x": 7,
    }
    assert {path: line_of(text, path) for path in paths} == paths
