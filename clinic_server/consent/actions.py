"""Telling, signing, refusing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from clinic_server.consent import texts
from clinic_server.consent.rules import (
    ConsentTextChanged,
    ConsentTextUnknown,
    InformedItem,
    RefusedBy,
    Signature,
    SignatureMethod,
    Signer,
    SigningAges,
    png_base64,
    refuse_unexplained,
    refuse_uninformed,
    refuse_unsigned,
    signers_missing,
)
from clinic_server.consent.tables import Consent, ConsentSignature, Refusal
from clinic_server.consent.texts import ConsentText
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.i18n import LANGUAGES
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import person
from clinic_server.people.rules import PersonFacts
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
class Sheet:
    """What lies before the person: the order, the text to read, and who has to sign."""

    decision_id: UUID
    product_code: str
    text: ConsentText
    signers: tuple[Signer, ...]


def sheet_of_visit(connection: Connection, keyring: Keyring, visit_id: UUID, language: str, today: date) -> Sheet:
    """Return what is to be read and signed on a visit, or raise OrderNotStanding."""
    recipient = person(connection, keyring, standing(connection, visit_id).person_id)
    order = standing_order(connection, visit_id)
    if order is None:
        raise OrderNotStanding
    text = _text(order, language, today)
    return Sheet(order.decision_id, order.product_code, text, signers_missing((), recipient.age_on(today), _ages(text)))


def sign_consent(tx: Tx, visit_id: UUID, new: NewConsent) -> Consented:
    """Record that all was told and signed; the standing order may be given from now on."""
    advance(stage_of(tx, visit_id), Outcome.CONSENTED)
    order = require_order(tx.connection, visit_id, new.decision_id)
    if order.valid_until <= tx.now:
        raise OrderNotStanding
    text = _text(order, new.text_language, tx.local_date)
    if text.version != new.text_version:
        raise ConsentTextChanged
    recipient = person(tx.connection, tx.keyring, standing(tx.connection, visit_id).person_id)
    refuse_uninformed(new.informed)
    refuse_unsigned(new.signatures, recipient.age_on(tx.local_date), _ages(text))
    consent_id = _append_consent(tx, visit_id, order, text)
    for signature in new.signatures:
        _append_signature(tx, consent_id, signature, recipient)
    attach_consent(tx, visit_id, order.decision_id, consent_id)
    stage = take_step(tx, visit_id, Outcome.CONSENTED, consent_id)
    tx.journal("consent_signed", consent_id, VISITS)
    return Consented(consent_id, stage)


def refuse(tx: Tx, visit_id: UUID, refused_by: RefusedBy, reason: str) -> RefusalRecorded:
    """Record who does not want the dose and why; the order ends, and a consent given before is withdrawn."""
    advance(stage_of(tx, visit_id), Outcome.REFUSED)
    refuse_unexplained(reason)
    order = standing_order(tx.connection, visit_id)
    refusal_id = tx.new_id()
    tx.append(
        Refusal,
        id=refusal_id,
        visit_id=visit_id,
        decision_id=order.decision_id if order else None,
        consent_id=order.consent_id if order else None,
        refused_by=refused_by,
        reason_sealed=tx.keyring.seal(reason.strip(), f"refusal:reason:{refusal_id}"),
        refused_at=tx.now,
    )
    stage = take_step(tx, visit_id, Outcome.REFUSED, refusal_id)
    tx.journal("dose_refused", refusal_id, VISITS)
    return RefusalRecorded(refusal_id, stage)


def _text(order: Order, language: str, today: date) -> ConsentText:
    if language not in LANGUAGES:
        raise ConsentTextUnknown
    return texts.active(texts.shipped(), order.product_code, language, today)


def _ages(text: ConsentText) -> SigningAges:
    return SigningAges(text.adult_from_age, text.child_signs_from_age)


def _append_consent(tx: Tx, visit_id: UUID, order: Order, text: ConsentText) -> UUID:
    return tx.append(
        Consent,
        visit_id=visit_id,
        decision_id=order.decision_id,
        product_code=order.product_code,
        text_product=text.product,
        text_version=text.version,
        text_language=text.language,
        informed_items=",".join(InformedItem),
        informed_by=tx.actor.staff_id,
        signed_at=tx.now,
    )


def _append_signature(tx: Tx, consent_id: UUID, signature: Signature, recipient: PersonFacts) -> None:
    row_id = tx.new_id()

    def sealed(column: str, content: str) -> bytes:
        return tx.keyring.seal(content, f"consent_signature:{column}:{row_id}")

    is_drawn = signature.method is SignatureMethod.DRAWN
    name = recipient.name if signature.signer is Signer.RECIPIENT else signature.name.strip()
    tx.append(
        ConsentSignature,
        id=row_id,
        consent_id=consent_id,
        signer=signature.signer,
        relationship=signature.relationship,
        method=signature.method,
        name_sealed=sealed("name", name),
        image_sealed=sealed("image", png_base64(signature.image)) if is_drawn else None,
        strokes_sealed=sealed("strokes", msgspec.json.encode(signature.strokes).decode()) if is_drawn else None,
        paper_reason_sealed=None if is_drawn else sealed("paper_reason", signature.paper_reason.strip()),
    )
