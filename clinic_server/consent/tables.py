"""Consents with their signatures, what made one fall, and refusals; names, signatures and reasons are sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field

from clinic_server.consent.rules import RefusedBy, WithdrawnBy
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.people.tables import Signed, signature_checks


class Consent(Record, table=True):
    """A consent to one decision's product, on one version of the text in one language.

    ``informed_items`` names what was told, comma between; ``informed_by`` told it and took the signatures;
    ``asked_sealed`` is what was asked and answered, ``advice_note_sealed`` what was said of a dose against advice.
    """

    __tablename__ = "consent"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    decision_id: UUID
    product_code: str = text(40)
    text_vaccine: str = text(40)
    text_version: int
    text_language: str = text(8)
    informed_items: str = text(120)
    informed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    asked_sealed: bytes | None = sealed(default=None, nullable=True)
    advice_note_sealed: bytes | None = sealed(default=None, nullable=True)
    signed_at: datetime = instant()


class ConsentSignature(Signed, table=True):
    """One signature under a consent."""

    __tablename__ = "consent_signature"
    __table_args__ = (Index(None, "consent_id"), *signature_checks())

    consent_id: UUID = Field(foreign_key="consent.id")


class ConsentWithdrawn(Record, table=True):
    """A consent taken back by those who gave it: with it falls all that was not given yet, and the visit ends."""

    __tablename__ = "consent_withdrawn"

    consent_id: UUID = Field(foreign_key="consent.id", unique=True)
    withdrawn_by: WithdrawnBy = one_of(WithdrawnBy)
    reason_sealed: bytes = sealed()
    recorded_by: UUID | None = Field(default=None, foreign_key="staff.id")
    withdrawn_at: datetime = instant()


class ConsentInvalidated(Record, table=True):
    """A consent that was recorded in error; the decision stands and waits for another."""

    __tablename__ = "consent_invalidated"

    consent_id: UUID = Field(foreign_key="consent.id", unique=True)
    reason_sealed: bytes = sealed()
    invalidated_by: UUID | None = Field(default=None, foreign_key="staff.id")
    invalidated_at: datetime = instant()


class ConsentDispute(Record, table=True):
    """Those who must agree do not: a consent given before falls, and none is taken until this is settled."""

    __tablename__ = "consent_dispute"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    reason_sealed: bytes = sealed()
    recorded_by: UUID | None = Field(default=None, foreign_key="staff.id")
    disputed_at: datetime = instant()


class DisputeSettled(Record, table=True):
    """The end of a dispute, and how it came to be; the consent is taken anew."""

    __tablename__ = "dispute_settled"

    dispute_id: UUID = Field(foreign_key="consent_dispute.id", unique=True)
    reason_sealed: bytes = sealed()
    settled_by: UUID | None = Field(default=None, foreign_key="staff.id")
    settled_at: datetime = instant()


class Refusal(Record, table=True):
    """A visit ended before any consent, because somebody did not want the dose."""

    __tablename__ = "refusal"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    decision_id: UUID | None = None
    refused_by: RefusedBy = one_of(RefusedBy)
    reason_sealed: bytes = sealed()
    refused_at: datetime = instant()


consent = table_of(Consent)
consent_signature = table_of(ConsentSignature)
consent_withdrawn = table_of(ConsentWithdrawn)
consent_invalidated = table_of(ConsentInvalidated)
consent_dispute = table_of(ConsentDispute)
dispute_settled = table_of(DisputeSettled)
refusal = table_of(Refusal)
