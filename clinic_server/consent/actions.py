"""Telling, signing, refusing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.consent import texts
from clinic_server.consent.rules import (
    ConsentNotStanding,
    ConsentTextChanged,
    ConsentTextUnknown,
    InformedItem,
    RefusedBy,
    WithdrawnBy,
    refuse_unexplained,
    refuse_unfounded_voiding,
    refuse_uninformed,
    refuse_unnoted,
)
from clinic_server.consent.tables import (
    Consent,
    ConsentDispute,
    ConsentInvalidated,
    ConsentSignature,
    ConsentWithdrawn,
    DisputeSettled,
    Refusal,
    consent_dispute,
)
from clinic_server.consent.texts import ConsentText
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.i18n import LANGUAGES
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import person
from clinic_server.people.signatures import Signature, Signer, SigningAges, refuse_unsigned, signers_missing
from clinic_server.people.signing import signed_columns
from clinic_server.stock.actions import require_product
from clinic_server.visits.flow import Outcome, Stage, advance
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import Order, OrderNotStanding, attach_consent, require_order, standing_order
from clinic_server.visits.steps import VISITS, stage_of, take_step


@dataclass(frozen=True, slots=True)
class NewConsent:
    """What was told and signed at the desk."""

    decision_id: UUID
    text_language: str
    text_version: int
    informed: frozenset[InformedItem]
    signatures: Sequence[Signature] = field(repr=False)
    asked: str = field(default="", repr=False)
    advice_note: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Consented:
    """A consent as recorded."""

    consent_id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class RefusalRecorded:
    """A refusal as recorded."""

    refusal_id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class Fallen:
    """What made a consent fall, or let the next one be taken, as recorded."""

    record_id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class Sheet:
    """What lies before the person: the order, the text to read, and who has to sign."""

    decision_id: UUID
    product_code: str
    text: ConsentText
    signers: tuple[Signer, ...]
    is_against_advice: bool
    consent_id: UUID | None


def sheet_of_visit(connection: Connection, keyring: Keyring, visit_id: UUID, language: str, today: date) -> Sheet:
    """Return what is to be read and signed on a visit, or raise OrderNotStanding."""
    recipient = person(connection, keyring, standing(connection, visit_id).person_id)
    order = standing_order(connection, visit_id)
    if order is None:
        raise OrderNotStanding
    text = _text(connection, order, language, today)
    signers = signers_missing((), recipient.age_on(today), _ages(text))
    return Sheet(order.decision_id, order.product_code, text, signers, order.is_against_advice, order.consent_id)


def sign_consent(tx: Tx, visit_id: UUID, new: NewConsent) -> Consented:
    """Record that all was told and signed; the standing order may be given from now on."""
    visit = standing(tx.connection, visit_id)
    advance(visit.stage, Outcome.CONSENTED)
    order = require_order(tx.connection, visit_id, new.decision_id)
    if order.valid_until <= tx.now:
        raise OrderNotStanding
    text = _text(tx.connection, order, new.text_language, tx.local_date)
    if text.version != new.text_version:
        raise ConsentTextChanged
    recipient = person(tx.connection, tx.keyring, visit.person_id)
    refuse_uninformed(new.informed)
    refuse_unnoted(new.asked, new.advice_note, is_against_advice=order.is_against_advice)
    refuse_unsigned(new.signatures, recipient.age_on(tx.local_date), _ages(text))
    consent_id = _append_consent(tx, visit_id, new, order, text)
    for signature in new.signatures:
        row_id = tx.new_id()
        signed = signed_columns(tx.keyring, ("consent_signature", row_id), signature, recipient)
        tx.append(ConsentSignature, id=row_id, consent_id=consent_id, **signed)
    attach_consent(tx, order.order_id, consent_id)
    stage = take_step(tx, visit_id, Outcome.CONSENTED, consent_id)
    tx.journal("consent_signed", consent_id, VISITS)
    return Consented(consent_id, stage)


def refuse(tx: Tx, visit_id: UUID, refused_by: RefusedBy, reason: str) -> RefusalRecorded:
    """Record who does not want the dose and why, before any consent; the visit ends."""
    advance(stage_of(tx, visit_id), Outcome.REFUSED)
    refuse_unexplained(reason)
    order = standing_order(tx.connection, visit_id)
    refusal_id = tx.new_id()
    tx.append(
        Refusal,
        id=refusal_id,
        visit_id=visit_id,
        decision_id=order.decision_id if order else None,
        refused_by=refused_by,
        reason_sealed=tx.keyring.seal(reason.strip(), f"refusal:reason:{refusal_id}"),
        refused_at=tx.now,
    )
    stage = take_step(tx, visit_id, Outcome.REFUSED, refusal_id)
    tx.journal("dose_refused", refusal_id, VISITS)
    return RefusalRecorded(refusal_id, stage)


def withdraw(tx: Tx, visit_id: UUID, consent_id: UUID, withdrawn_by: WithdrawnBy, reason: str) -> Fallen:
    """Record that those who consented changed their mind; decision, order and permit fall, and the visit ends."""
    _refuse_voiding(tx, visit_id, Outcome.CONSENT_WITHDRAWN, consent_id, reason)
    record_id = tx.new_id()
    tx.append(
        ConsentWithdrawn,
        id=record_id,
        consent_id=consent_id,
        withdrawn_by=withdrawn_by,
        reason_sealed=tx.keyring.seal(reason.strip(), f"consent_withdrawn:reason:{record_id}"),
        recorded_by=tx.actor.staff_id,
        withdrawn_at=tx.now,
    )
    return _fallen(tx, visit_id, Outcome.CONSENT_WITHDRAWN, record_id)


def invalidate(tx: Tx, visit_id: UUID, consent_id: UUID, reason: str) -> Fallen:
    """Record that a consent was recorded in error; the decision stands and waits for another consent."""
    _refuse_voiding(tx, visit_id, Outcome.CONSENT_INVALIDATED, consent_id, reason)
    record_id = tx.new_id()
    tx.append(
        ConsentInvalidated,
        id=record_id,
        consent_id=consent_id,
        reason_sealed=tx.keyring.seal(reason.strip(), f"consent_invalidated:reason:{record_id}"),
        invalidated_by=tx.actor.staff_id,
        invalidated_at=tx.now,
    )
    return _fallen(tx, visit_id, Outcome.CONSENT_INVALIDATED, record_id)


def dispute(tx: Tx, visit_id: UUID, reason: str) -> Fallen:
    """Record that those who must agree do not; a consent given before falls with it."""
    advance(stage_of(tx, visit_id), Outcome.CONSENT_DISPUTED)
    refuse_unfounded_voiding(reason)
    record_id = tx.new_id()
    tx.append(
        ConsentDispute,
        id=record_id,
        visit_id=visit_id,
        reason_sealed=tx.keyring.seal(reason.strip(), f"consent_dispute:reason:{record_id}"),
        recorded_by=tx.actor.staff_id,
        disputed_at=tx.now,
    )
    return _fallen(tx, visit_id, Outcome.CONSENT_DISPUTED, record_id)


def settle(tx: Tx, visit_id: UUID, reason: str) -> Fallen:
    """Record how a dispute ended; the person goes back to the consent desk."""
    advance(stage_of(tx, visit_id), Outcome.DISPUTE_SETTLED)
    refuse_unfounded_voiding(reason)
    disputes = select(consent_dispute.c.id).where(consent_dispute.c.visit_id == visit_id)
    record_id = tx.new_id()
    tx.append(
        DisputeSettled,
        id=record_id,
        dispute_id=tx.execute(disputes.order_by(consent_dispute.c.journal_seq.desc()).limit(1)).scalar_one(),
        reason_sealed=tx.keyring.seal(reason.strip(), f"dispute_settled:reason:{record_id}"),
        settled_by=tx.actor.staff_id,
        settled_at=tx.now,
    )
    return _fallen(tx, visit_id, Outcome.DISPUTE_SETTLED, record_id)


def _refuse_voiding(tx: Tx, visit_id: UUID, outcome: Outcome, consent_id: UUID, reason: str) -> None:
    advance(stage_of(tx, visit_id), outcome)
    order = standing_order(tx.connection, visit_id)
    if order is None or order.consent_id != consent_id:
        raise ConsentNotStanding
    refuse_unfounded_voiding(reason)


def _fallen(tx: Tx, visit_id: UUID, outcome: Outcome, record_id: UUID) -> Fallen:
    stage = take_step(tx, visit_id, outcome, record_id)
    tx.journal(outcome.value, record_id, VISITS)
    return Fallen(record_id, stage)


def _text(connection: Connection, order: Order, language: str, today: date) -> ConsentText:
    if language not in LANGUAGES:
        raise ConsentTextUnknown
    return texts.active(texts.shipped(), require_product(connection, order.product_code).vaccine_code, language, today)


def _ages(text: ConsentText) -> SigningAges:
    return SigningAges(text.adult_from_age, text.child_signs_from_age)


def _append_consent(tx: Tx, visit_id: UUID, new: NewConsent, order: Order, text: ConsentText) -> UUID:
    row_id = tx.new_id()

    def sealed(column: str, content: str) -> bytes | None:
        said = content.strip()
        return tx.keyring.seal(said, f"consent:{column}:{row_id}") if said else None

    return tx.append(
        Consent,
        id=row_id,
        visit_id=visit_id,
        decision_id=order.decision_id,
        product_code=order.product_code,
        text_vaccine=text.vaccine,
        text_version=text.version,
        text_language=text.language,
        informed_items=",".join(InformedItem),
        informed_by=tx.actor.staff_id,
        asked_sealed=sealed("asked", new.asked),
        advice_note_sealed=sealed("advice_note", new.advice_note),
        signed_at=tx.now,
    )
