"""The record of an event as its page and programs see it: whole, or without anything said of somebody's health."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.care.shown import CareSheet, care_sheet
from clinic_server.adverse_events.due.lookup import clocks_now
from clinic_server.adverse_events.due.rules import Awaited
from clinic_server.adverse_events.lookup import classes_said as classes_of_all
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
    outcome_tries,
    reactions_confirmed,
    reopenings_of,
)
from clinic_server.adverse_events.report.rules import CardVersion, Claim, OutcomeTry, bars_later_doses
from clinic_server.adverse_events.report.terms import CaseOutcome
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
    report_awaited: Awaited | None


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
    outcome_tries: Sequence[OutcomeTry]
    reopenings: Sequence[Reopening]
    bars: bool

    @property
    def classed(self) -> Classed | None:
        """What the event was said to be last."""
        return self.classes[-1].classed if self.classes else None

    @property
    def asks_for_outcome(self) -> bool:
        """Whether the event was reported while nobody knew what became of the person."""
        return bool(self.versions) and self.versions[-1].card.outcome is CaseOutcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with its steps and clocks; ``health`` is None for a reader who may not know it."""

    event: EventFacts
    ticket_number: int | None
    card_number: str | None
    steps: Mapping[EventStepKind, datetime]
    awaited: Sequence[Awaited]
    health: HealthRecord | None = field(repr=False)


def event_lines(connection: Connection, keyring: Keyring, zone: tzinfo, roles: frozenset[str]) -> Sequence[EventLine]:
    """Return the events, those with an open file first, each part the latest first; closed ones only the last few."""
    events = events_where(connection)
    closed = [one for one in events if one.closed_at is not None][:MOST_CLOSED]
    shown = [*(one for one in events if one.closed_at is None), *closed]
    running = clocks_now(connection, keyring, zone)
    awaited = {one.event_id: one for one in running if one.step is EventStepKind.REPORTED}
    said = classes_of_all(connection, keyring, [one.event_id for one in shown]) if READ_HEALTH & roles else {}
    return [_line(connection, one, awaited.get(one.event_id), said.get(one.event_id, ())) for one in shown]


def record_of(
    connection: Connection, keyring: Keyring, number: int, local_now: datetime, roles: frozenset[str]
) -> EventRecord:
    """Return the record of an event as these roles may see it, or raise EventUnknown."""
    zone = site_zone(local_now)
    event = event_by_number(connection, number)
    classes = classes_said(connection, keyring, event.event_id)
    return EventRecord(
        event=event,
        ticket_number=_ticket_number(connection, event),
        card_number=number_of_card(connection, event.event_id),
        steps=steps_taken(connection, event.event_id),
        awaited=[one for one in clocks_now(connection, keyring, zone) if one.event_id == event.event_id],
        health=_health(connection, keyring, event, classes, zone) if READ_HEALTH & roles else None,
    )


def _line(
    connection: Connection, event: EventFacts, report_awaited: Awaited | None, said: Sequence[Classed]
) -> EventLine:
    return EventLine(
        number=event.number,
        ticket_number=_ticket_number(connection, event),
        found_how=event.found_how,
        onset_at=event.onset_at,
        is_open=event.closed_at is None,
        is_under_care=event.is_under_care,
        kind=said[-1].kind if said else None,
        reported_at=steps_taken(connection, event.event_id).get(EventStepKind.REPORTED),
        report_awaited=report_awaited,
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
        outcome_tries=outcome_tries(connection, keyring, event.event_id),
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


def _ticket_number(connection: Connection, event: EventFacts) -> int | None:
    found = select(visit.c.ticket_number).where(visit.c.id == event.visit_id)
    number: int | None = connection.execute(found).scalar()
    return number
