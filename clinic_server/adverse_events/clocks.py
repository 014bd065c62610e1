"""How long there is to report an event, and for each step that follows the report."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from clinic_server.adverse_events.deadlines import Deadlines, UrgentGround

_SATURDAY: Final = 5


class FollowUp(StrEnum):
    """What is due after the report."""

    INVESTIGATION = "investigation"
    PRELIMINARY_CARD = "preliminary_card"
    FIELD_REPORT = "field_report"
    DIAGNOSIS = "diagnosis"


class Urgency(StrEnum):
    """How near a deadline is."""

    AMPLE = "ample"
    NEAR = "near"
    LAST_CALL = "last_call"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class ReportClock:
    """Since when something is awaited, and how much time it is allowed; for a report from the event's discovery."""

    begun_at: datetime
    allowed: timedelta

    @property
    def due_at(self) -> datetime:
        """The instant at which it is late."""
        return self.begun_at + self.allowed


@dataclass(frozen=True, slots=True)
class Steps:
    """When the steps were taken that begin further clocks; by the site's calendar."""

    reported_at: datetime | None = None
    investigated_on: date | None = None
    left_field_on: date | None = None


def clock_of(discovered_at: datetime, grounds: Iterable[UrgentGround], deadlines: Deadlines) -> ReportClock:
    """Return the clock of an event, whatever the order in which its grounds were said."""
    clock = ReportClock(discovered_at, deadlines.time_for(None))
    for ground in grounds:
        clock = clock_after(clock, ground, deadlines)
    return clock


def clock_after(earlier: ReportClock, ground: UrgentGround | None, deadlines: Deadlines) -> ReportClock:
    """Return the clock after a reclassification, which only ever shortens it."""
    return ReportClock(earlier.begun_at, min(earlier.allowed, deadlines.time_for(ground)))


def calls_passed(clock: ReportClock, now: datetime, deadlines: Deadlines) -> int:
    """Return how many of its calls a clock has made; the deadline itself is the last."""
    left = clock.due_at - now
    return sum(left <= call for call in (*deadlines.calls_of(clock.allowed), timedelta(0)))


def urgency_of(clock: ReportClock, now: datetime, deadlines: Deadlines) -> Urgency:
    """Return how near the deadline is."""
    calls = len(deadlines.calls_of(clock.allowed))
    passed = calls_passed(clock, now, deadlines)
    if passed > calls:
        return Urgency.OVERDUE
    if passed == calls:
        return Urgency.LAST_CALL
    return Urgency.NEAR if passed else Urgency.AMPLE


def hours_and_minutes(left: timedelta) -> str:
    """Return time as ``hh:mm``, minus where it is past; never a minute more than there is."""
    minutes = left // timedelta(minutes=1)
    sign = "-" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def follow_ups_due(steps: Steps, deadlines: Deadlines) -> dict[FollowUp, datetime | date]:
    """Return by when each step is due whose clock has begun."""
    due: dict[FollowUp, datetime | date] = {}
    if steps.reported_at is not None:
        due[FollowUp.INVESTIGATION] = steps.reported_at + timedelta(hours=deadlines.investigation_h)
    if steps.investigated_on is not None:
        due[FollowUp.PRELIMINARY_CARD] = steps.investigated_on + timedelta(days=deadlines.preliminary_card_d)
    if steps.left_field_on is not None:
        due[FollowUp.FIELD_REPORT] = after_weekdays(steps.left_field_on, deadlines.field_report_weekdays)
        due[FollowUp.DIAGNOSIS] = steps.left_field_on + timedelta(days=deadlines.diagnosis_d)
    return due


def after_weekdays(start: date, count: int) -> date:
    """Return the day so many days after another, Monday to Friday; no holiday is known."""
    day = start
    for _ in range(count):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return day
