"""Who is asked to bear the costs of an event, and what came of it."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from clinic_server.adverse_events.lookup import event_by_number
from clinic_server.adverse_events.report.lookup import claim_context, claims_of, settlement_context
from clinic_server.adverse_events.report.rules import ClaimDateImpossible, ClaimSettled, ClaimUnknown
from clinic_server.adverse_events.report.tables import EventClaim, EventClaimSettled
from clinic_server.adverse_events.report.terms import ClaimKind
from clinic_server.adverse_events.rules import ADVERSE_EVENTS
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in


@dataclass(frozen=True, slots=True)
class ClaimRef:
    """Which claim of which event."""

    number: int
    claim_id: UUID


def note_claim(tx: Tx, number: int, kind: ClaimKind, claimed_on: date, words: str) -> ClaimRef:
    """Note that somebody was asked to bear costs; also of an event whose file is closed."""
    noted_by, event = require_signed_in(tx), event_by_number(tx.connection, number)
    if not event.onset_at.astimezone(tx.site.zone).date() <= claimed_on <= tx.local_date:
        raise ClaimDateImpossible
    claim_id = tx.new_id()
    tx.append(
        EventClaim,
        id=claim_id,
        event_id=event.event_id,
        kind=kind,
        claimed_on=claimed_on,
        words_sealed=tx.keyring.seal(words.strip(), claim_context(claim_id)),
        noted_by=noted_by,
        noted_at=tx.now,
    )
    tx.journal("event_claim_noted", claim_id, ADVERSE_EVENTS)
    return ClaimRef(number, claim_id)


def settle_claim(tx: Tx, number: int, claim_id: UUID, settled_on: date, words: str) -> ClaimRef:
    """Note what came of a claim."""
    noted_by, event = require_signed_in(tx), event_by_number(tx.connection, number)
    known = {one.claim_id: one for one in claims_of(tx.connection, tx.keyring, event.event_id)}
    if claim_id not in known:
        raise ClaimUnknown
    if known[claim_id].settled_on is not None:
        raise ClaimSettled
    if not known[claim_id].claimed_on <= settled_on <= tx.local_date:
        raise ClaimDateImpossible
    settled_id = tx.new_id()
    sealed = tx.keyring.seal(words.strip(), settlement_context(settled_id))
    said = {"claim_id": claim_id, "settled_on": settled_on, "words_sealed": sealed}
    tx.append(EventClaimSettled, id=settled_id, **said, noted_by=noted_by, noted_at=tx.now)
    tx.journal("event_claim_settled", claim_id, ADVERSE_EVENTS)
    return ClaimRef(number, claim_id)
