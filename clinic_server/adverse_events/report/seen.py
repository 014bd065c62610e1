"""The record of an event as programs read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from clinic_server.adverse_events.brighton import Criterion, Level
from clinic_server.adverse_events.due.rules import Awaited
from clinic_server.adverse_events.report.lookup import ClassSaid, ConclusionNoted, Reopening
from clinic_server.adverse_events.report.record import EventRecord, HealthRecord, Suspected
from clinic_server.adverse_events.report.rules import CardVersion, Claim, OutcomeTry
from clinic_server.adverse_events.rules import EventFacts, EventStepKind, SuspectElsewhere


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """What is said of somebody's health; the last class, version and conclusion count."""

    classes: Sequence[ClassSaid]
    suspected: Sequence[Suspected]
    elsewhere: Sequence[SuspectElsewhere] = field(repr=False)
    brighton_level: Level
    brighton_criteria: Sequence[Criterion]
    versions: Sequence[CardVersion]
    conclusions: Sequence[ConclusionNoted]
    claims: Sequence[Claim]
    outcome_tries: Sequence[OutcomeTry]
    reopenings: Sequence[Reopening]
    bars_later_doses: bool


@dataclass(frozen=True, slots=True)
class RecordSeen:
    """One event; ``health`` is null for a reader who may not know it."""

    event: EventFacts
    ticket_number: int | None
    card_number: str | None
    steps: Mapping[EventStepKind, datetime]
    awaited: Sequence[Awaited]
    health: HealthSeen | None = field(repr=False)


def seen(record: EventRecord) -> RecordSeen:
    """Return a record as programs read it."""
    return RecordSeen(
        event=record.event,
        ticket_number=record.ticket_number,
        card_number=record.card_number,
        steps=record.steps,
        awaited=record.awaited,
        health=None if record.health is None else _health(record.health),
    )


def _health(health: HealthRecord) -> HealthSeen:
    assessment = health.sheet.assessment
    return HealthSeen(
        classes=health.classes,
        suspected=health.suspected,
        elsewhere=health.elsewhere,
        brighton_level=assessment.level,
        brighton_criteria=sorted(assessment.met),
        versions=health.versions,
        conclusions=health.conclusions,
        claims=health.claims,
        outcome_tries=health.outcome_tries,
        reopenings=health.reopenings,
        bars_later_doses=health.bars,
    )
