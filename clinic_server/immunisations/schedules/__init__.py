"""Schedules: which doses a series has, when, and of what; one readable file for each version.

A file is never edited in place once a dose was judged by it: a change is a new file with the next version.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from clinic_server.immunisations.dates import Span, span_from
from clinic_server.immunisations.terms import Certainty
from clinic_server.kit.toml_lines import line_of
from clinic_server.people.documents import Sex
from clinic_server.stock.rules import Platform

_FOLDER = Path(__file__).parent
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=20)]


class ScheduleFaulty(ValueError):
    """A schedule's file says something that cannot be meant; the text names the file and the place."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every part of a schedule is: fixed, and without unknown keys."""


class Which(_Part, frozen=True):
    """Some vaccines: those named, of a platform or with an antigen, less the exceptions; nothing said means all."""

    vaccines: tuple[Code, ...] = ()
    platforms: tuple[Platform, ...] = ()
    antigens: tuple[Word, ...] = ()
    except_vaccines: tuple[Code, ...] = ()
    except_antigens: tuple[Word, ...] = ()


class Age(_Part, frozen=True):
    """At what age a dose is given.

    A dose before ``absolute_minimum`` does not count (as ``minimum`` unless said), one from ``maximum`` on is out of
    the series; ``latest_recommended`` is the last age in time.
    """

    minimum: Span
    absolute_minimum: Span | None = None
    earliest_recommended: Span | None = None
    latest_recommended: Span | None = None
    maximum: Span | None = None


class Interval(_Part, frozen=True):
    """How long after something a dose is given: after the previous dose unless said otherwise.

    ``after_dose`` counts valid doses; ``after_vaccines`` and ``after_observation`` mean the latest of them, and ask
    nothing when there is none. The ages say whom the interval is for, on the day of the dose.
    """

    minimum: Span = Span()  # nobody writes to a span
    absolute_minimum: Span | None = None
    earliest_recommended: Span | None = None
    latest_recommended: Span | None = None
    after_dose: Count | None = None
    after_vaccines: Which | None = None
    after_observation: Word | None = None
    from_age: Span | None = None
    below_age: Span | None = None


class Skip(_Part, frozen=True):
    """When a dose is not needed: all that is said must hold on the day. ``doses_at_least`` counts valid doses.

    With ``doses_from_age`` only doses given from that age on are counted. ``doses_before_season`` counts those of
    earlier seasons. ``complete`` names another series, further up in the file.
    """

    from_age: Span | None = None
    below_age: Span | None = None
    doses_at_least: Count | None = None
    doses_from_age: Span | None = None
    doses_before_season: Count | None = None
    complete: Code | None = None
    observation: Word | None = None
    without_observations: tuple[Word, ...] = ()


class TargetDose(_Part, frozen=True):
    """One dose of a series; ``preferable`` vaccines are chosen first, ``allowable`` ones count as well.

    Neither said means every vaccine of the antigen; ``same_vaccine_preferred``: that of the valid dose before.
    """

    age: Age
    source: Words
    interval: tuple[Interval, ...] = ()
    preferable: Which | None = None
    allowable: Which | None = None
    skip: tuple[Skip, ...] = ()
    kind: Literal["primary", "booster"] = "primary"
    same_vaccine_preferred: bool = False
    is_recurring: bool = False


class Season(_Part, frozen=True):
    """A series that starts again each year on a day; within it, when the doses are recommended (month-day)."""

    begins: Annotated[str, msgspec.Meta(pattern=r"^\d\d-\d\d$")]
    recommended_from: Annotated[str, msgspec.Meta(pattern=r"^\d\d-\d\d$")]
    recommended_until: Annotated[str, msgspec.Meta(pattern=r"^\d\d-\d\d$")]


class Series(_Part, frozen=True):
    """One way to be protected from one thing; of several for one antigen the default is proposed to beginners."""

    code: Code
    antigen: Word
    source: Words
    dose: tuple[TargetDose, ...]
    is_default: bool = False
    only_sex: Sex | None = None
    born_from: date | None = None
    born_before: date | None = None
    only_with_observation: Word | None = None
    season: Season | None = None


class Spacing(_Part, frozen=True):
    """How far vaccines without a common antigen stay apart; ``invalidates`` when a closer second does not count."""

    between: Which
    other: Which
    minimum: Span
    source: Words
    may_be_same_day: bool = False
    invalidates: bool = False


class Contraindication(_Part, frozen=True):
    """An observation that speaks against some vaccines. With ``same``, the observation itself says against which."""

    observation: Word
    weight: Literal["contraindication", "precaution"]
    source: Words
    against: Which = Which()
    same: Literal["vaccine", "platform"] | None = None


class Schedule(_Part, frozen=True):
    """One version of one schedule. ``sign_off`` says which physician answers for it, or that none does yet."""

    code: Code
    version: Count
    jurisdiction: Words
    source: Words
    valid_from: date
    owner: Words
    sign_off: Words
    counts: tuple[Certainty, ...]
    series: tuple[Series, ...]
    spacing: tuple[Spacing, ...] = ()
    contraindication: tuple[Contraindication, ...] = ()


def parse(text: str, name: str) -> Schedule:
    """Return the schedule a file holds, or raise ScheduleFaulty naming every fault's line and key."""
    try:
        schedule = msgspec.convert(tomllib.loads(text), Schedule, dec_hook=_decoded)
    except tomllib.TOMLDecodeError as error:
        raise ScheduleFaulty(f"{name}: {error}") from None
    except msgspec.ValidationError as error:
        raise ScheduleFaulty(f"{name}, line {line_of(text, _path_in(str(error)))}: {error}") from None
    faults = [f"{name}, line {line_of(text, path)}: {fault}" for path, fault in _faults(schedule)]
    if faults:
        raise ScheduleFaulty("\n".join(faults))
    return schedule


def for_antigens(schedules: Iterable[Schedule], antigens: Iterable[str], on: date) -> Schedule | None:
    """Return the schedule valid on a day that speaks of one of these: the last to have become so, newest version."""
    wanted = set(antigens)
    begun = [
        schedule
        for schedule in schedules
        if schedule.valid_from <= on and any(series.antigen in wanted for series in schedule.series)
    ]
    return max(begun, key=lambda schedule: (schedule.valid_from, schedule.version), default=None)


def valid_on(schedules: Iterable[Schedule], on: date) -> tuple[Schedule, ...]:
    """Return, for every antigen spoken of on a day, its schedule; each once, in the order of their codes."""
    begun = [schedule for schedule in schedules if schedule.valid_from <= on]
    antigens = {series.antigen for schedule in begun for series in schedule.series}
    chosen = {id(one): one for antigen in antigens if (one := for_antigens(begun, [antigen], on))}
    return tuple(sorted(chosen.values(), key=lambda schedule: (schedule.code, schedule.version)))


def of_version(schedules: Iterable[Schedule], code: str, version: int) -> Schedule:
    """Return the very schedule a dose was judged by."""
    for schedule in schedules:
        if (schedule.code, schedule.version) == (code, version):
            return schedule
    raise ScheduleFaulty(f"This server no longer has version {version} of the schedule {code}.")


@cache
def shipped() -> tuple[Schedule, ...]:
    """Return every schedule beside this file, read once."""
    return read_from(_FOLDER)


def read_from(folder: Path) -> tuple[Schedule, ...]:
    """Return every schedule of a folder; raise ScheduleFaulty rather than judge by half a schedule."""
    schedules = tuple(parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.toml")))
    seen: set[tuple[str, int]] = set()
    for schedule in schedules:
        if (schedule.code, schedule.version) in seen:
            raise ScheduleFaulty(f"Two files hold {schedule.code} version {schedule.version}.")
        seen.add((schedule.code, schedule.version))
    return schedules


def _decoded(kind: type, value: Any) -> Any:
    if kind is Span and isinstance(value, str):
        return span_from(value)
    raise ValueError("expected a span of time, such as “21 days”")


def _path_in(message: str) -> str:
    """Return the path msgspec's message ends with, and the field it names as unknown behind it."""
    path = message.rpartition("`$")[2].rstrip("`") if "`$" in message else ""
    unknown = re.search(r"unknown field `(\w+)`", message)
    return f"${path}.{unknown[1]}" if unknown else f"${path}"


def _faults(schedule: Schedule) -> Iterator[tuple[str, str]]:
    earlier: set[str] = set()
    for place, series in enumerate(schedule.series):
        path = f"$.series[{place}]"
        if series.code in earlier:
            yield f"{path}.code", f"series {series.code} is there twice"
        yield from _faults_of(series, earlier, path)
        yield from _season_faults(series.season, path)
        earlier.add(series.code)


def _faults_of(series: Series, earlier: set[str], path: str) -> Iterator[tuple[str, str]]:
    if not series.dose:
        yield path, f"series {series.code} has no dose"
    for place, dose in enumerate(series.dose):
        spot, is_last = f"{path}.dose[{place}]", place == len(series.dose) - 1
        follows = any(map(_follows_a_dose, dose.interval))
        if place and not follows:
            yield spot, f"series {series.code}, dose {place + 1}: no interval after a dose, two of one day would count"
        if dose.is_recurring and not (is_last and follows):
            yield f"{spot}.is_recurring", "only the last dose recurs, and it must have an interval after a dose"
        for skip in dose.skip:
            if skip.complete is not None and skip.complete not in earlier:
                yield f"{spot}.skip", f"skip.complete: no series {skip.complete} further up"


def _season_faults(season: Season | None, path: str) -> Iterator[tuple[str, str]]:
    for field in ("begins", "recommended_from", "recommended_until"):
        if season is not None and not _is_every_years(getattr(season, field)):
            yield f"{path}.season", f"season.{field}: no day that every year has"


def _is_every_years(month_and_day: str) -> bool:
    try:
        date.fromisoformat(f"2001-{month_and_day}")
    except ValueError:
        return False
    return True


def _follows_a_dose(interval: Interval) -> bool:
    return interval.after_observation is None and interval.after_vaccines is None
