"""What is recorded of an event beside its care: classes, card, conclusions, claims. What is sealed is opened here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.adverse_events.lookup import class_context, reopening_context
from clinic_server.adverse_events.report.card import Card
from clinic_server.adverse_events.report.rules import CardVersion, CardVersionUnknown, Claim, Conclusion, OutcomeTry
from clinic_server.adverse_events.report.tables import (
    event_claim,
    event_claim_settled,
    event_concluded,
    event_outcome_tried,
    report_card,
    report_card_number,
    severe_reaction_confirmed,
)
from clinic_server.adverse_events.rules import Classed
from clinic_server.adverse_events.tables import event_classed, event_file_closed, event_file_reopened
from clinic_server.kit.crypto import Keyring


@dataclass(frozen=True, slots=True)
class ClassSaid:
    """What an event was said to be, by whom and when."""

    classed: Classed = field(repr=False)
    said_by: UUID
    said_at: datetime


@dataclass(frozen=True, slots=True)
class ConclusionNoted:
    """What an event was concluded to be, noted by whom and when."""

    conclusion: Conclusion = field(repr=False)
    noted_by: UUID
    noted_at: datetime


@dataclass(frozen=True, slots=True)
class Reopening:
    """A file that was closed and is open again, and why."""

    reason: str = field(repr=False)
    reopened_by: UUID
    reopened_at: datetime


def classes_said(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[ClassSaid]:
    """Return everything an event was said to be, the first first."""
    rows = connection.execute(
        select(event_classed).where(event_classed.c.event_id == event_id).order_by(event_classed.c.journal_seq)
    )
    return [
        ClassSaid(
            msgspec.json.decode(keyring.open(row.class_sealed, class_context(row.id)), type=Classed),
            row.classed_by,
            row.classed_at,
        )
        for row in rows
    ]


def card_versions(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[CardVersion]:
    """Return every version of an event's card, the first first."""
    rows = connection.execute(
        select(report_card).where(report_card.c.event_id == event_id).order_by(report_card.c.version)
    )
    return [_version(keyring, row) for row in rows]


def standing_card(connection: Connection, keyring: Keyring, event_id: UUID) -> CardVersion | None:
    """Return the version of an event's card that stands, None before one is filed."""
    found = select(report_card).where(report_card.c.event_id == event_id).order_by(report_card.c.version.desc())
    row = connection.execute(found.limit(1)).first()
    return None if row is None else _version(keyring, row)


def version_of(versions: Sequence[CardVersion], number: int | None) -> CardVersion:
    """Return one version of a card, the latest without a number; or raise CardVersionUnknown."""
    wanted = versions[-1:] if number is None else [one for one in versions if one.version == number]
    if not wanted:
        raise CardVersionUnknown
    return wanted[0]


def number_of_card(connection: Connection, event_id: UUID) -> str | None:
    """Return the number of an event's card, None while it has none."""
    found = select(report_card_number.c.number).where(report_card_number.c.event_id == event_id)
    number: str | None = connection.execute(found).scalar()
    return number


def conclusions_of(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[ConclusionNoted]:
    """Return everything that was concluded about an event, the first first; the last counts."""
    concluded = event_concluded.c
    rows = connection.execute(
        select(event_concluded).where(concluded.event_id == event_id).order_by(concluded.journal_seq)
    )
    return [
        ConclusionNoted(
            msgspec.json.decode(keyring.open(row.conclusion_sealed, conclusion_context(row.id)), type=Conclusion),
            row.noted_by,
            row.noted_at,
        )
        for row in rows
    ]


def claims_of(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[Claim]:
    """Return who was asked to bear costs of an event, and what came of it, the first first."""
    settled = event_claim_settled.c
    rows = connection.execute(
        select(
            event_claim,
            settled.id.label("settled_id"),
            settled.settled_on,
            settled.words_sealed.label("settled_sealed"),
        )
        .outerjoin_from(event_claim, event_claim_settled, settled.claim_id == event_claim.c.id)
        .where(event_claim.c.event_id == event_id)
        .order_by(event_claim.c.journal_seq)
    )
    return [_claim(keyring, row) for row in rows]


def outcome_tries(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[OutcomeTry]:
    """Return every try to learn what became of the person of an event, the first first."""
    tried = event_outcome_tried.c
    rows = connection.execute(select(event_outcome_tried).where(tried.event_id == event_id).order_by(tried.journal_seq))
    return [
        OutcomeTry(keyring.open(row.words_sealed, outcome_context(row.id)), row.tried_by, row.tried_at) for row in rows
    ]


def reactions_confirmed(connection: Connection, event_id: UUID) -> Mapping[UUID, datetime]:
    """Return the doses of an event that bar later ones, with when a physician confirmed it."""
    confirmed = severe_reaction_confirmed.c
    rows = connection.execute(select(confirmed.dose_id, confirmed.confirmed_at).where(confirmed.event_id == event_id))
    return {row.dose_id: row.confirmed_at for row in rows}


def reopenings_of(connection: Connection, keyring: Keyring, event_id: UUID) -> Sequence[Reopening]:
    """Return when the file of an event was opened again, and why, the first first."""
    rows = connection.execute(
        select(event_file_reopened)
        .join(event_file_closed, event_file_closed.c.id == event_file_reopened.c.closing_id)
        .where(event_file_closed.c.event_id == event_id)
        .order_by(event_file_reopened.c.journal_seq)
    )
    return [
        Reopening(keyring.open(row.reason_sealed, reopening_context(row.id)), row.reopened_by, row.reopened_at)
        for row in rows
    ]


def card_context(card_id: UUID, column: str) -> str:
    """Return under what a version of a card, or the reason for it, is sealed."""
    return f"report_card:{column}:{card_id}"


def conclusion_context(conclusion_id: UUID) -> str:
    """Return under what a conclusion is sealed."""
    return f"event_concluded:conclusion:{conclusion_id}"


def claim_context(claim_id: UUID) -> str:
    """Return under what the words about a claim are sealed."""
    return f"event_claim:words:{claim_id}"


def outcome_context(try_id: UUID) -> str:
    """Return under what is sealed how it was tried to learn an outcome."""
    return f"event_outcome_tried:words:{try_id}"


def settlement_context(settled_id: UUID) -> str:
    """Return under what is sealed what came of a claim."""
    return f"event_claim_settled:words:{settled_id}"


def _version(keyring: Keyring, row: Any) -> CardVersion:
    card = msgspec.json.decode(keyring.open(row.content_sealed, card_context(row.id, "content")), type=Card)
    reason = "" if row.reason_sealed is None else keyring.open(row.reason_sealed, card_context(row.id, "reason"))
    return CardVersion(row.version, card, reason, row.written_by, row.written_at)


def _claim(keyring: Keyring, row: Any) -> Claim:
    words = keyring.open(row.words_sealed, claim_context(row.id))
    if row.settled_id is None:
        return Claim(row.id, row.kind, row.claimed_on, words)
    settled = keyring.open(row.settled_sealed, settlement_context(row.settled_id))
    return Claim(row.id, row.kind, row.claimed_on, words, row.settled_on, settled)
