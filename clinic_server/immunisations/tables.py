"""Doses from elsewhere, severe reactions, what a recommendation foresaw; what tells of health is sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from clinic_server.immunisations.history import Precision, Proof
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text


class DoseElsewhere(Record, table=True):
    """A dose that was given elsewhere, as it was stated here; ``given_on`` is the first day it can have been."""

    __tablename__ = "dose_elsewhere"
    __table_args__ = (
        Index(None, "person_id", "journal_seq"),
        CheckConstraint("(vaccine_code IS NULL) <> (antigen IS NULL)", name="vaccine_or_antigen"),
    )

    person_id: UUID = Field(foreign_key="person.id")
    vaccine_code: str | None = text(40, default=None)
    antigen: str | None = text(40, default=None)
    given_on: date
    precision: Precision = one_of(Precision)
    proof: Proof = one_of(Proof)
    place_sealed: bytes | None = sealed(default=None, nullable=True)
    noted_by: UUID | None = Field(default=None, foreign_key="staff.id")
    noted_at: datetime = instant()


class DoseElsewhereStruck(Record, table=True):
    """A dose from elsewhere that was entered in error, and why."""

    __tablename__ = "dose_elsewhere_struck"

    dose_elsewhere_id: UUID = Field(foreign_key="dose_elsewhere.id", unique=True)
    reason_sealed: bytes = sealed()
    struck_by: UUID | None = Field(default=None, foreign_key="staff.id")
    struck_at: datetime = instant()


class SevereReaction(Record, table=True):
    """A severe reaction known of a person; ``content_sealed`` is JSON of what it followed, when, and the note."""

    __tablename__ = "severe_reaction"
    __table_args__ = (Index(None, "person_id", "journal_seq"),)

    person_id: UUID = Field(foreign_key="person.id")
    content_sealed: bytes = sealed()
    noted_by: UUID | None = Field(default=None, foreign_key="staff.id")
    noted_at: datetime = instant()


class ReactionClearance(Record, table=True):
    """A physician's note that a severe reaction no longer bars a dose."""

    __tablename__ = "reaction_clearance"

    reaction_id: UUID = Field(foreign_key="severe_reaction.id", unique=True)
    note_sealed: bytes = sealed()
    physician_id: UUID = Field(foreign_key="staff.id")
    cleared_at: datetime = instant()


class DoseForeseen(Record, table=True):
    """What a recommendation was made in view of; ``content_sealed`` is JSON of ``outlooks.Foreseen``."""

    __tablename__ = "dose_foreseen"

    decision_id: UUID = Field(unique=True)
    content_sealed: bytes = sealed()
    foreseen_at: datetime = instant()


dose_elsewhere = table_of(DoseElsewhere)
dose_elsewhere_struck = table_of(DoseElsewhereStruck)
severe_reaction = table_of(SevereReaction)
reaction_clearance = table_of(ReactionClearance)
dose_foreseen = table_of(DoseForeseen)
