"""The record of an event as its page and programs see it: whole, or without anything said of somebody's health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events import deadlines, kinds
from clinic_server.adverse_events.care.shown import CareSheet, care_sheet
from clinic_server.adverse_events.clocks import (
    DueClock,
    FollowUp,
    Steps,
    Urgency,
    clock_of,
    follow_ups_due,
    urgency_of,
)
from clinic_server.adverse_events.lookup import (
    event_by_number,
    events_where,
    steps_taken,
    suspect_doses,
    suspects_elsewhere,
)
from clinic_server.adverse_events.report import barring
from clinic_server.adverse_events.report.lookup import (
    ClassSaid,
    ConclusionNoted,
    Reopening,
    card_versions,
    claims_of,
    classes_said,
    conclusions_of,
    number_of_card,
    reactions_confirmed,
    reopenings_of,
)
from clinic_server.adverse_events.report.rules import CardVersion, Claim, bars_later_doses
from clinic_server.adverse_events.report.windows import OnsetFinding, onset_findings
from clinic_server.adverse_events.rules import Classed, EventFacts, EventStepKind, FoundHow, SuspectElsewhere
from clinic_server.immunisations.lookup import site_zone
from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import phones
from clinic_server.staff.rules import Role
from clinic_server.stock import vaccines
from clinic_server.visits.tables import visit

READ_HEALTH = frozenset({Role.PHYSICIAN, Role.OBSERVER})
MOST_CLOSED = 50  # of them the list shows; each one's record stays at its number


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event of the list; ``kind`` is None where nobody said it, or the reader may not know it."""

    number: int
    ticket_number: int | None
    found_how: FoundHow
    onset_at: datetime
    is_open: bool
    is_under_care: bool
    kind: str | None
    reported_at: datetime | None
    due_at: datetime
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Suspected:
    """A dose given here that the event is suspected to follow, and what is unexpected about that."""

    dose_id: UUID
    findings: tuple[OnsetFinding, ...]
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HealthRecord:
    """What only those see who may read of somebody's health; the last class and conclusion count."""

    sheet: CareSheet = field(repr=False)
    phone: str = field(repr=False)
    suspected: Sequence[Suspected]
    elsewhere: Sequence[SuspectElsewhere] = field(repr=False)
    elsewhere_findings: Sequence[tuple[OnsetFinding, ...]]
    classes: Sequence[ClassSaid]
    versions: Sequence[CardVersion]
    conclusions: Sequence[ConclusionNoted]
    claims: Sequence[Claim]
    reopenings: Sequence[Reopening]
    bars: bool

    @property
    def classed(self) -> Classed | None:
        """What the event was said to be last."""
        return self.classes[-1].classed if self.classes else None


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with its steps and clocks; ``health`` is None for a reader who may not know it."""

    event: EventFacts
    ticket_number: int | None
    card_number: str | None
    steps: Mapping[EventStepKind, datetime]
    clock: DueClock
    urgency: Urgency
    due: Mapping[FollowUp, datetime | date]
    health: HealthRecord | None = field(repr=False)


def event_lines(connection: Connection, keyring: Keyring, now: datetime, roles: frozenset[str]) -> Sequence[EventLine]:
    """Return the events, those with an open file first, each part the latest first; closed ones only the last few."""
    events = events_where(connection)
    closed = [one for one in events if one.closed_at is not None][:MOST_CLOSED]
    shown = [*(one for one in events if one.closed_at is None), *closed]
    return [_line(connection, keyring, one, now, reads_health=bool(READ_HEALTH & roles)) for one in shown]


def record_of(
    connection: Connection, keyring: Keyring, number: int, local_now: datetime, roles: frozenset[str]
) -> EventRecord:
    """Return the record of an event as these roles may see it, or raise EventUnknown."""
    zone = site_zone(local_now)
    event = event_by_number(connection, number)
    classes = classes_said(connection, keyring, event.event_id)
    steps, clock = steps_taken(connection, event.event_id), _clock(event, classes)
    return EventRecord(
        event=event,
        ticket_number=_ticket_number(connection, event),
        card_number=number_of_card(connection, event.event_id),
        steps=steps,
        clock=clock,
        urgency=urgency_of(clock, local_now, deadlines.shipped()),
        due=_due(steps, zone),
        health=_health(connection, keyring, event, classes, zone) if READ_HEALTH & roles else None,
    )


def _line(
    connection: Connection, keyring: Keyring, event: EventFacts, now: datetime, *, reads_health: bool
) -> EventLine:
    classes = classes_said(connection, keyring, event.event_id)
    clock = _clock(event, classes)
    return EventLine(
        number=event.number,
        ticket_number=_ticket_number(connection, event),
        found_how=event.found_how,
        onset_at=event.onset_at,
        is_open=event.closed_at is None,
        is_under_care=event.is_under_care,
        kind=classes[-1].classed.kind if classes and reads_health else None,
        reported_at=steps_taken(connection, event.event_id).get(EventStepKind.REPORTED),
        due_at=clock.due_at,
        urgency=urgency_of(clock, now, deadlines.shipped()),
    )


def _health(
    connection: Connection, keyring: Keyring, event: EventFacts, classes: Sequence[ClassSaid], zone: tzinfo
) -> HealthRecord:
    sheet = care_sheet(connection, keyring, event.number, zone)
    elsewhere = suspects_elsewhere(connection, keyring, event.event_id)
    classed = classes[-1].classed if classes else None
    confirmed = reactions_confirmed(connection, event.event_id)
    doses = zip(suspect_doses(connection, event.event_id), sheet.doses, strict=True)
    return HealthRecord(
        sheet=sheet,
        phone=phones(connection, keyring, [event.person_id]).get(event.person_id, ""),
        suspected=[
            Suspected(
                dose_id,
                _findings(classed, event, one.given_at, zone, vaccines.shipped()[one.product.vaccine_code].antigens),
                confirmed.get(dose_id),
            )
            for dose_id, one in doses
        ],
        elsewhere=elsewhere,
        elsewhere_findings=[_findings(classed, event, _latest(told, event, zone), zone, None) for told in elsewhere],
        classes=classes,
        versions=card_versions(connection, keyring, event.event_id),
        conclusions=conclusions_of(connection, keyring, event.event_id),
        claims=claims_of(connection, keyring, event.event_id),
        reopenings=reopenings_of(connection, keyring, event.event_id),
        bars=bars_later_doses(classed, barring.shipped()),
    )


def _findings(
    classed: Classed | None, event: EventFacts, given_at: datetime, zone: tzinfo, antigens: tuple[str, ...] | None
) -> tuple[OnsetFinding, ...]:
    kind = kinds.shipped().by_code.get(classed.kind) if classed else None
    if kind is None:
        return ()
    return onset_findings(kind, event.onset_at.astimezone(zone), given_at.astimezone(zone), antigens)


def _latest(told: SuspectElsewhere, event: EventFacts, zone: tzinfo) -> datetime:
    """Return the latest instant at which a dose can have been given of which only the day is known."""
    midnight = datetime.combine(date.fromisoformat(told.given_on) + timedelta(days=1), time(), zone)
    return min(midnight - timedelta(minutes=1), event.onset_at.astimezone(zone))


def _clock(event: EventFacts, classes: Sequence[ClassSaid]) -> DueClock:
    """Return the clock of an event by every ground that was ever said: a later class only shortens it."""
    grounds = [ground for one in classes for ground in one.classed.grounds]
    return clock_of(event.discovered_at, grounds, deadlines.shipped())


def _due(steps: Mapping[EventStepKind, datetime], zone: tzinfo) -> Mapping[FollowUp, datetime | date]:
    """Return by when each step is due that was not taken yet."""
    begun, left = steps.get(EventStepKind.INVESTIGATION_BEGUN), steps.get(EventStepKind.FIELD_LEFT)
    due = follow_ups_due(
        Steps(
            steps.get(EventStepKind.REPORTED),
            begun.astimezone(zone).date() if begun else None,
            left.astimezone(zone).date() if left else None,
        ),
        deadlines.shipped(),
    )
    return {step: at for step, at in due.items() if _TAKEN_BY[step] not in steps}


def _ticket_number(connection: Connection, event: EventFacts) -> int | None:
    found = select(visit.c.ticket_number).where(visit.c.id == event.visit_id)
    number: int | None = connection.execute(found).scalar()
    return number


_TAKEN_BY = {
    FollowUp.INVESTIGATION: EventStepKind.INVESTIGATION_BEGUN,
    FollowUp.PRELIMINARY_CARD: EventStepKind.PRELIMINARY_CARD_SENT,
    FollowUp.FIELD_REPORT: EventStepKind.FIELD_REPORT_SENT,
    FollowUp.DIAGNOSIS: EventStepKind.DIAGNOSED,
}
