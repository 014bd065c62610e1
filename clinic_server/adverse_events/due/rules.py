"""Which clocks of an event run, how near each is to its end, and what the alert says that calls for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Final
from uuid import UUID

from clinic_server.adverse_events.clocks import (
    FollowUp,
    ReportClock,
    Steps,
    Urgency,
    calls_passed,
    clock_of,
    follow_ups_due,
    hours_and_minutes,
    urgency_of,
)
from clinic_server.adverse_events.deadlines import Deadlines, UrgentGround
from clinic_server.adverse_events.rules import CareEnd, Classed, EventStepKind, Seriousness
from clinic_server.alerts.rules import SEVEREST_FIRST, Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.staff.rules import Role

READERS = frozenset({Role.PHYSICIAN, Role.SITE_LEAD, Role.OBSERVER, Role.VACCINATOR})
_BEGUN_AND_ENDED_BY: Final = MappingProxyType(
    {
        FollowUp.INVESTIGATION: (EventStepKind.REPORTED, EventStepKind.INVESTIGATION_BEGUN),
        FollowUp.PRELIMINARY_CARD: (EventStepKind.INVESTIGATION_BEGUN, EventStepKind.PRELIMINARY_CARD_SENT),
        FollowUp.FIELD_REPORT: (EventStepKind.FIELD_LEFT, EventStepKind.FIELD_REPORT_SENT),
        FollowUp.DIAGNOSIS: (EventStepKind.FIELD_LEFT, EventStepKind.DIAGNOSED),
    }
)
_URGENT_BY_ITSELF: Final = MappingProxyType(
    {
        Seriousness.DEATH: UrgentGround.DEATH,
        Seriousness.DISABILITY: UrgentGround.SEVERE_DISABILITY,
    }
)


@dataclass(frozen=True, slots=True)
class EventTimes:
    """What an event's clocks rest on; all instants are of the clock as it shows now."""

    event_id: UUID
    number: int
    discovered_at: datetime
    grounds: frozenset[UrgentGround]
    taken: Mapping[EventStepKind, datetime]


@dataclass(frozen=True, slots=True)
class Awaited:
    """A step about an event that is awaited, by when, and how often that has called by now."""

    event_id: UUID
    number: int
    step: EventStepKind
    due_at: datetime
    left: timedelta
    urgency: Urgency
    is_urgent: bool
    calls: int

    @property
    def shown_left(self) -> str:
        """The time left as ``hh:mm``."""
        return hours_and_minutes(self.left)

    @property
    def severity(self) -> Severity:
        """How soon somebody has to act: the report is the site's own duty, what follows it is others' mostly."""
        if self.step is not EventStepKind.REPORTED:
            return Severity.WARNING
        if self.urgency is Urgency.OVERDUE:
            return Severity.CRITICAL
        may_wait = self.urgency is Urgency.NEAR and not self.is_urgent
        return Severity.WARNING if may_wait else Severity.ALARM


def grounds_of(
    said: Iterable[Classed], care_end: CareEnd | None, *, is_in_cluster: bool = False
) -> frozenset[UrgentGround]:
    """Return why an event is reported at once, by all that was ever said of it: nothing is unsaid (invariant 41)."""
    grounds: set[UrgentGround] = set()
    for one in said:
        grounds.update(one.grounds, (_URGENT_BY_ITSELF[why] for why in one.seriousness if why in _URGENT_BY_ITSELF))
    if care_end is CareEnd.DIED:
        grounds.add(UrgentGround.DEATH)
    if is_in_cluster:
        grounds.add(UrgentGround.CLUSTER)
    return frozenset(grounds)


def awaited_steps(times: EventTimes, now: datetime, deadlines: Deadlines, zone: tzinfo) -> Sequence[Awaited]:
    """Return what is awaited about an event, the first due first; a day is over at its end, at the site."""
    clocks: dict[EventStepKind, ReportClock] = {}
    if EventStepKind.REPORTED not in times.taken:
        clocks[EventStepKind.REPORTED] = clock_of(times.discovered_at, times.grounds, deadlines)
    for follow_up, due in follow_ups_due(_steps(times, zone), deadlines).items():
        begun_by, ended_by = _BEGUN_AND_ENDED_BY[follow_up]
        if ended_by not in times.taken:
            begun_at = times.taken[begun_by]
            clocks[ended_by] = ReportClock(begun_at, _end_of(due, zone) - begun_at)
    found = [_awaited(times, step, clock, now, deadlines) for step, clock in clocks.items()]
    return sorted(found, key=lambda one: one.due_at)


def alarm_about(awaited: Iterable[Awaited], zone: tzinfo) -> Alarm | None:
    """Return what to say of an event's clocks, None while all have time enough: ASCII, and nobody's health."""
    pressing = [one for one in awaited if one.urgency is not Urgency.AMPLE]
    if not pressing:
        return None
    first = min(pressing, key=lambda one: one.due_at)
    phrase = Phrase.STEP_LATE if first.urgency is Urgency.OVERDUE else Phrase.STEP_BY
    told = tell(phrase, event_step=first.step, due=f"{first.due_at.astimezone(zone):%m-%d %H:%M}")
    severity = min((one.severity for one in pressing), key=SEVEREST_FIRST.index)
    return Alarm(AlertKind.REPORT_DUE, severity, told, place_of(first.number))


def place_of(number: int) -> str:
    """Return under which place an event's alert stands: its number tells nothing of anybody."""
    return f"event-{number}"


def _awaited(
    times: EventTimes, step: EventStepKind, clock: ReportClock, now: datetime, deadlines: Deadlines
) -> Awaited:
    return Awaited(
        event_id=times.event_id,
        number=times.number,
        step=step,
        due_at=clock.due_at,
        left=clock.due_at - now,
        urgency=urgency_of(clock, now, deadlines),
        is_urgent=clock.allowed <= timedelta(hours=deadlines.urgent_h),
        calls=calls_passed(clock, now, deadlines),
    )


def _steps(times: EventTimes, zone: tzinfo) -> Steps:
    def day_of(step: EventStepKind) -> date | None:
        at = times.taken.get(step)
        return None if at is None else at.astimezone(zone).date()

    return Steps(
        times.taken.get(EventStepKind.REPORTED),
        day_of(EventStepKind.INVESTIGATION_BEGUN),
        day_of(EventStepKind.FIELD_LEFT),
    )


def _end_of(due: datetime | date, zone: tzinfo) -> datetime:
    return due if isinstance(due, datetime) else datetime.combine(due + timedelta(days=1), time(), zone)
