"""What is recorded of an event after the care: classed, reported, followed up, closed, opened again."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select

from clinic_server.adverse_events.actions import (
    classify,
    close_file,
    reopen_file,
    take_event_step,
)
from clinic_server.adverse_events.lookup import class_of, event_by_number, steps_taken, suspect_doses
from clinic_server.adverse_events.report import barring
from clinic_server.adverse_events.report.card import Card, changes_between, missing_from
from clinic_server.adverse_events.report.lookup import (
    card_context,
    conclusion_context,
    number_of_card,
    outcome_context,
    outcome_tries,
    reactions_confirmed,
    standing_card,
)
from clinic_server.adverse_events.report.rules import (
    BarredAlready,
    BarsNothing,
    CardFiled,
    CardIncomplete,
    CardNotFiled,
    CardOvertaken,
    CardUnchanged,
    Conclusion,
    DiscoveryImpossible,
    OutcomeKnown,
    ReportedByCard,
    SuspectUnknown,
    bars_later_doses,
    card_number,
    refuse_closing,
    refuse_inconclusive,
    required_reason,
)
from clinic_server.adverse_events.report.tables import (
    EventConcluded,
    OutcomeTried,
    ReportCard,
    ReportCardNumber,
    SevereReactionConfirmed,
    report_card_number,
)
from clinic_server.adverse_events.report.terms import CaseOutcome, FinalClass
from clinic_server.adverse_events.rules import (
    ADVERSE_EVENTS,
    Classed,
    EventClosed,
    EventFacts,
    EventRef,
    EventStepKind,
)
from clinic_server.immunisations.actions import note_reaction
from clinic_server.immunisations.history import NewReaction
from clinic_server.kit.tx import Tx
from clinic_server.settings import ReportingSettings
from clinic_server.staff.actions import require_qualification, require_signed_in
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock.actions import require_product
from clinic_server.visits.tables import dose


@dataclass(frozen=True, slots=True)
class CardRef:
    """Which version of which event's card; ``card_number`` is None while the site knows no code of its county."""

    number: int
    version: int
    card_number: str | None


@dataclass(frozen=True, slots=True)
class ReactionRef:
    """Which severe reaction of a person bars later doses now."""

    number: int
    reaction_id: UUID


@dataclass(frozen=True, slots=True)
class Amendment:
    """A card as it should read, on which version that rests, and why."""

    card: Card = field(repr=False)
    base_version: int
    reason: str = field(repr=False)


def say_class(tx: Tx, number: int, told: Classed) -> EventRef:
    """Say what an event is; what was said before stays to be read."""
    event = classify(tx, event_by_number(tx.connection, number).event_id, told)
    tx.journal("event_classed", event.event_id, ADVERSE_EVENTS)
    return event


def file_card(
    tx: Tx, number: int, card: Card, settings: ReportingSettings, reported_at: datetime | None = None
) -> CardRef:
    """Report an event by the first version of its card, or raise CardIncomplete naming what it lacks."""
    event = _open_event(tx, number)
    if standing_card(tx.connection, tx.keyring, event.event_id) is not None:
        raise CardFiled
    _refuse_incomplete(card)
    if EventStepKind.REPORTED not in steps_taken(tx.connection, event.event_id):
        take_event_step(tx, event.event_id, EventStepKind.REPORTED, reported_at or tx.now)
    _write(tx, event, 1, card)
    return _numbered(tx, event, 1, settings, "report_card_filed")


def amend_card(tx: Tx, number: int, new: Amendment, settings: ReportingSettings) -> CardRef:
    """Append a version to an event's card; earlier ones stay to be read."""
    event = _open_event(tx, number)
    standing = standing_card(tx.connection, tx.keyring, event.event_id)
    if standing is None:
        raise CardNotFiled
    if standing.version != new.base_version:
        raise CardOvertaken(version=standing.version)
    _refuse_incomplete(new.card)
    if not changes_between(standing.card, new.card):
        raise CardUnchanged
    _write(tx, event, new.base_version + 1, new.card, required_reason(new.reason))
    return _numbered(tx, event, new.base_version + 1, settings, "report_card_amended")


def note_step(tx: Tx, number: int, step: EventStepKind, taken_at: datetime | None = None) -> EventRef:
    """Note that a step after the report was taken; the report itself is the card."""
    if step is EventStepKind.REPORTED:
        raise ReportedByCard
    event = take_event_step(tx, event_by_number(tx.connection, number).event_id, step, taken_at or tx.now)
    tx.journal("event_step_taken", event.event_id, ADVERSE_EVENTS)
    return event


def conclude(tx: Tx, number: int, told: Conclusion) -> EventRef:
    """Note what an event was concluded to have been; a conclusion ends the wait for a diagnosis."""
    physician_id, event = require_qualification(tx, QualificationKind.PHYSICIAN), _open_event(tx, number)
    refuse_inconclusive(told)
    if told.concluded_on > tx.local_date or told.concluded_on < event.discovered_at.astimezone(tx.site.zone).date():
        raise DiscoveryImpossible
    conclusion_id = tx.new_id()
    sealed = tx.keyring.seal(msgspec.json.encode(told).decode(), conclusion_context(conclusion_id))
    tx.append(
        EventConcluded,
        id=conclusion_id,
        event_id=event.event_id,
        conclusion_sealed=sealed,
        noted_by=physician_id,
        noted_at=tx.now,
    )
    is_diagnosed = EventStepKind.DIAGNOSED in steps_taken(tx.connection, event.event_id)
    if told.final_class is not FinalClass.PENDING and not is_diagnosed:
        take_event_step(tx, event.event_id, EventStepKind.DIAGNOSED, tx.now)
    tx.journal("event_concluded", event.event_id, ADVERSE_EVENTS)
    return EventRef(event.event_id, number)


def confirm_severe(tx: Tx, number: int, dose_id: UUID, note: str) -> ReactionRef:
    """Confirm as a physician that a dose was followed by a severe reaction: later ones of its vaccine are barred."""
    physician_id, event = require_qualification(tx, QualificationKind.PHYSICIAN), _open_event(tx, number)
    if not bars_later_doses(class_of(tx.connection, tx.keyring, event.event_id), barring.shipped()):
        raise BarsNothing
    if dose_id not in suspect_doses(tx.connection, event.event_id):
        raise SuspectUnknown
    if dose_id in reactions_confirmed(tx.connection, event.event_id):
        raise BarredAlready
    product_code = tx.execute(select(dose.c.product_code).where(dose.c.id == dose_id)).scalar_one()
    vaccine_code = require_product(tx.connection, product_code).vaccine_code
    occurred_on = event.onset_at.astimezone(tx.site.zone).date()
    reaction_id = note_reaction(tx, event.person_id, NewReaction(occurred_on, note, vaccine_code))
    said = {"event_id": event.event_id, "dose_id": dose_id, "reaction_id": reaction_id}
    tx.append(SevereReactionConfirmed, **said, confirmed_by=physician_id, confirmed_at=tx.now)
    tx.journal("severe_reaction_confirmed", event.event_id, ADVERSE_EVENTS)
    return ReactionRef(number, reaction_id)


def note_outcome_try(tx: Tx, number: int, words: str) -> EventRef:
    """Note that nobody could be asked what became of the person, and how that was tried."""
    tried_by, event = require_signed_in(tx), _open_event(tx, number)
    standing = standing_card(tx.connection, tx.keyring, event.event_id)
    if standing is not None and standing.card.outcome not in {None, CaseOutcome.UNKNOWN}:
        raise OutcomeKnown
    try_id = tx.new_id()
    sealed = tx.keyring.seal(required_reason(words), outcome_context(try_id))
    tx.append(OutcomeTried, id=try_id, event_id=event.event_id, words_sealed=sealed, tried_by=tried_by, tried_at=tx.now)
    tx.journal("event_outcome_tried", event.event_id, ADVERSE_EVENTS)
    return EventRef(event.event_id, number)


def close(tx: Tx, number: int) -> EventRef:
    """Close the file of an event that was reported and of which it is known, or cannot be, how it ended."""
    event = _open_event(tx, number)
    standing = standing_card(tx.connection, tx.keyring, event.event_id)
    tries = outcome_tries(tx.connection, tx.keyring, event.event_id)
    refuse_closing(standing.card if standing else None, len(tries))
    return close_file(tx, event.event_id)


def reopen(tx: Tx, number: int, reason: str) -> EventRef:
    """Open a closed file again, saying why."""
    event = event_by_number(tx.connection, number)
    return reopen_file(tx, event.event_id, required_reason(reason))


def _open_event(tx: Tx, number: int) -> EventFacts:
    require_signed_in(tx)
    event = event_by_number(tx.connection, number)
    if event.closed_at is not None:
        raise EventClosed
    return event


def _refuse_incomplete(card: Card) -> None:
    lacking = missing_from(card)
    if lacking:
        raise CardIncomplete(
            findings=(*dict.fromkeys(one.field.value for one in lacking), *(one.name for one in lacking))
        )


def _write(tx: Tx, event: EventFacts, version: int, card: Card, reason: str | None = None) -> None:
    card_id = tx.new_id()
    tx.append(
        ReportCard,
        id=card_id,
        event_id=event.event_id,
        version=version,
        content_sealed=tx.keyring.seal(msgspec.json.encode(card).decode(), card_context(card_id, "content")),
        reason_sealed=reason and tx.keyring.seal(reason, card_context(card_id, "reason")),
        written_by=require_signed_in(tx),
        written_at=tx.now,
    )


def _numbered(tx: Tx, event: EventFacts, version: int, settings: ReportingSettings, kind: str) -> CardRef:
    """Give the card its number if it has none and the county's code is known, and close the action."""
    number = number_of_card(tx.connection, event.event_id)
    if number is None and settings.county_code:
        number = _next_number(tx, settings)
        tx.append(ReportCardNumber, event_id=event.event_id, number=number, given_at=tx.now)
    tx.journal(kind, event.event_id, ADVERSE_EVENTS)
    return CardRef(event.number, version, number)


def _next_number(tx: Tx, settings: ReportingSettings) -> str:
    """Return the number after the greatest that was ever given in the county and year."""
    year = tx.local_date.year
    same = report_card_number.c.number.like(f"{settings.county_code}{year:04}%")
    greatest = tx.execute(select(func.max(report_card_number.c.number)).where(same)).scalar()
    following = int(greatest[-4:]) + 1 if greatest else 1
    return card_number(settings.county_code, year, max(following, settings.first_report_serial))
