"""How the tests of schedules write a person, their doses and what is expected of them."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from uuid import UUID, uuid5

from clinic_server.immunisations import rules, schedules
from clinic_server.immunisations.rules import Certainty, Observation, Outlook, PastDose, SeriesStanding, Subject
from clinic_server.immunisations.schedules import Schedule
from clinic_server.people.documents import Sex
from clinic_server.stock import vaccines
from clinic_server.stock.rules import Platform

_NAMESPACE = UUID("5d5a6a0e-0f3c-4a3e-9d55-0d7a3b1f0c11")
_FOLDER = Path(__file__).with_name("schedules")
ADULT = "1980-05-20"
Row = Sequence[str]
SHORT = {  # as the tables of cases say it: the catalogue's code
    "bbibp": "covid19-bbibp-corv",
    "coronavac": "covid19-coronavac",
    "kconvac": "covid19-kconvac",
    "ad5": "covid19-ad5-ncov-im",
    "inhaled": "covid19-ad5-ncov-inhaled",
    "zf2001": "covid19-zf2001",
    "flu": "influenza-iiv4",
    "hepb": "hepb-yeast",
    "ipv": "ipv-sabin",
    "je": "je-live",
}


def rows_of(name: str) -> list[Row]:
    """Return the cases of a table beside this file: one a line, cells between bars, "none" for nothing."""
    meanings = {"none": "", "adult": ADULT}
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    cells = ([cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#"))
    return [[meanings.get(cell, cell) for cell in row] for row in cells]


@cache
def schedule_of(name: str) -> Schedule:
    """Return "cn-covid19 1", or the sample of a second country."""
    if name == "second":
        text = (_FOLDER / "second-country.toml").read_text(encoding="utf-8")
        return schedules.parse(text, "second-country.toml")
    code, version = name.split()
    return schedules.of_version(schedules.shipped(), code, int(version))


def had(words: str) -> tuple[PastDose, ...]:
    """Return doses written as "bbibp 2021-04-01, reported ad5 2021-05-01, bad mmr 2020-01-01"."""
    return tuple(_dose(place, one.split()) for place, one in enumerate(words.split(", ")) if one)


def _dose(place: int, words: list[str]) -> PastDose:
    *marks, name, day = words
    code = SHORT.get(name, name)
    vaccine = vaccines.shipped().get(code)
    certainty = next((Certainty(mark) for mark in marks if mark != "bad"), Certainty.RECORDED)
    return PastDose(
        uuid5(_NAMESPACE, f"{place} {words}"),
        code if vaccine else None,
        vaccine.antigens if vaccine else _antigens_named(name),
        vaccine.platform if vaccine else _platform_named(name),
        date.fromisoformat(day),
        certainty,
        is_sub_standard="bad" in marks,
    )


def _antigens_named(name: str) -> tuple[str, ...]:
    """ "?covid19/vector" is a dose of an unknown vaccine; "?" one of nobody knows what."""
    antigen = name.removeprefix("?").partition("/")[0]
    return (antigen,) if antigen else ()


def _platform_named(name: str) -> Platform | None:
    platform = name.partition("/")[2]
    return Platform(platform) if platform else None


def person(born: str, sex: Sex = Sex.FEMALE, observed: str = "") -> Subject:
    """Return a person; observations are written as "pregnant, covid19_infection 2021-05-01"."""
    observations = [one.split() for one in observed.split(", ") if one]
    return Subject(
        date.fromisoformat(born),
        sex,
        tuple(Observation(code, date.fromisoformat(since[0]) if since else None) for code, *since in observations),
    )


def standing(
    schedule: str, subject: Subject, doses: Sequence[PastDose], on: str, antigen: str = "covid19"
) -> SeriesStanding:
    """Return how the person stands in the series of one antigen."""
    found = rules.standings(schedule_of(schedule), vaccines.shipped(), subject, doses, date.fromisoformat(on))
    return next(one for one in found if one.antigen == antigen)


def outlook_for(schedule: str, subject: Subject, doses: Sequence[PastDose], vaccine: str, on: str) -> Outlook:
    """Return what giving a vaccine on a day would be."""
    catalogue = vaccines.shipped()
    chosen = catalogue[SHORT.get(vaccine, vaccine)]
    return rules.outlook(schedule_of(schedule), catalogue, subject, doses, chosen, date.fromisoformat(on))


def words_of(found: SeriesStanding) -> str:
    """Return what the doses are worth, as a table says it: "1 valid, 2 not_valid too_early, - extraneous"."""
    return ", ".join(
        " ".join([str(one.target_dose or "-"), one.status.value, *map(str, one.reasons)]) for one in found.doses
    )
