"""Consents with their signatures, and refusals; names, signatures and reasons are sealed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from clinic_server.consent.rules import RefusedBy, Relationship, SignatureMethod, Signer
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text


class Consent(Record, table=True):
    """A consent to one decision's product, on one version of the text in one language.

    ``informed_items`` names what was told, comma between; ``informed_by`` told it and took the signatures.
    """

    __tablename__ = "consent"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    decision_id: UUID = Field(unique=True)
    product_code: str = text(40)
    text_product: str = text(40)
    text_version: int
    text_language: str = text(8)
    informed_items: str = text(120)
    informed_by: UUID | None = Field(default=None, foreign_key="staff.id")
    signed_at: datetime = instant()


class ConsentSignature(Record, table=True):
    """One signature under a consent: an image with the strokes that made it, or why it stands on paper."""

    __tablename__ = "consent_signature"
    __table_args__ = (
        Index(None, "consent_id"),
        CheckConstraint(
            "(method = 'drawn') = (image_sealed IS NOT NULL AND strokes_sealed IS NOT NULL)", name="drawn_image"
        ),
        CheckConstraint("(method = 'paper') = (paper_reason_sealed IS NOT NULL)", name="paper_reason"),
    )

    consent_id: UUID = Field(foreign_key="consent.id")
    signer: Signer = one_of(Signer)
    relationship: Relationship = one_of(Relationship)
    method: SignatureMethod = one_of(SignatureMethod)
    name_sealed: bytes = sealed()
    image_sealed: bytes | None = sealed(default=None, nullable=True)
    strokes_sealed: bytes | None = sealed(default=None, nullable=True)
    paper_reason_sealed: bytes | None = sealed(default=None, nullable=True)


class Refusal(Record, table=True):
    """A visit ended because somebody did not want the dose; with a ``consent_id`` it withdraws that consent."""

    __tablename__ = "refusal"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    decision_id: UUID | None = None
    consent_id: UUID | None = Field(default=None, foreign_key="consent.id")
    refused_by: RefusedBy = one_of(RefusedBy)
    reason_sealed: bytes = sealed()
    refused_at: datetime = instant()


consent = table_of(Consent)
consent_signature = table_of(ConsentSignature)
refusal = table_of(Refusal)
