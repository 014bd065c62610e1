"""Who is on which step of the ladder when, by the site's local time: weekly duties, days that differ, holes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

from clinic_server.alerts.ladders import Step

_DAY = timedelta(days=1)
LOOKS_AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Shift:
    """From one local time to another; where ``ends`` is not later than ``starts``, it ends the next day."""

    contact_id: UUID
    step: int
    starts: time
    ends: time

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Return from when to when it lasts if it begins on a day, as local wall times."""
        ends_on = day if self.ends > self.starts else day + _DAY
        return datetime.combine(day, self.starts), datetime.combine(ends_on, self.ends)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A shift of these days of every week; Monday is 0."""

    weekdays: frozenset[int]
    shift: Shift


@dataclass(frozen=True, slots=True)
class OtherDay:
    """A day on which a contact stands in, or is away from a step."""

    on_date: date
    is_on: bool
    shift: Shift


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who can be paged, their weekly duties, and the days that differ."""

    everybody: frozenset[UUID] = frozenset()
    weekly: tuple[Weekly, ...] = ()
    excepted: tuple[OtherDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Hole:
    """A time in which a step has too few people: ``people`` of those it needs."""

    step: int
    starts: datetime
    ends: datetime
    people: int


def on_duty(roster: Roster, step: int, at: datetime) -> frozenset[UUID]:
    """Return who is on a step at a local wall time."""
    days = (at.date() - _DAY, at.date())
    found = {shift.contact_id for day in days for shift in _shifts(roster, step, day) if _covers(shift.on(day), at)}
    return frozenset(found & roster.everybody)


def people_to_call(roster: Roster, step: Step, at: datetime) -> frozenset[UUID]:
    """Return who is called: those on duty; where they are too few everybody of the step, else everybody."""
    here = on_duty(roster, step.step, at)
    if len(here) >= step.least_people:
        return here
    of_step = {one.shift.contact_id for one in roster.weekly if one.shift.step == step.step} & roster.everybody
    return here | of_step or roster.everybody


def holes(roster: Roster, steps: Iterable[Step], since: datetime) -> Sequence[Hole]:
    """Return when steps have too few people in the days to come, by local wall time."""
    return [hole for step in steps for hole in _holes_of(roster, step, since)]


def _shifts(roster: Roster, step: int, day: date) -> Sequence[Shift]:
    differing = {one.shift.contact_id: one for one in roster.excepted if (one.on_date, one.shift.step) == (day, step)}
    weekly = [
        one.shift
        for one in roster.weekly
        if one.shift.step == step and day.weekday() in one.weekdays and one.shift.contact_id not in differing
    ]
    return weekly + [one.shift for one in differing.values() if one.is_on]


def _covers(span: tuple[datetime, datetime], at: datetime) -> bool:
    return span[0] <= at < span[1]


def _holes_of(roster: Roster, step: Step, since: datetime) -> Sequence[Hole]:
    until = since + LOOKS_AHEAD
    days = [since.date() + offset * _DAY for offset in range(-1, LOOKS_AHEAD.days + 1)]
    turns = {at for day in days for shift in _shifts(roster, step.step, day) for at in shift.on(day)}
    bounds = [since, *sorted(at for at in turns if since < at < until), until]
    found: list[Hole] = []
    for starts, ends in pairwise(bounds):
        people = len(on_duty(roster, step.step, starts))
        if people >= step.least_people:
            continue
        if found and found[-1].ends == starts and found[-1].people == people:
            starts = found.pop().starts  # noqa: PLW2901  # the hole goes on
        found.append(Hole(step.step, starts, ends, people))
    return found
