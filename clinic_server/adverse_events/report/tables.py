"""Report cards in versions, their numbers, conclusions, claims, confirmed severe reactions, copies taken; sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from clinic_server.adverse_events.report.terms import ClaimKind, CopyFor, ExportForm
from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text


class ReportCard(Record, table=True):
    """One version of an event's case card, sealed JSON; the latest stands. The first needs no reason."""

    __tablename__ = "report_card"
    __table_args__ = (
        UniqueConstraint("event_id", "version"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("(version = 1) = (reason_sealed IS NULL)", name="amendments_say_why"),
    )

    event_id: UUID = Field(foreign_key="adverse_event.id")
    version: int
    content_sealed: bytes = sealed()
    reason_sealed: bytes | None = sealed(default=None, nullable=True)
    written_by: UUID = Field(foreign_key="staff.id")
    written_at: datetime = instant()


class ReportCardNumber(Record, table=True):
    """The number of an event's card; no other ever has it."""

    __tablename__ = "report_card_number"

    event_id: UUID = Field(foreign_key="adverse_event.id", unique=True)
    number: str = text(14, unique=True)
    given_at: datetime = instant()


class EventConcluded(Record, table=True):
    """What an event was concluded to have been: sealed JSON; the latest counts."""

    __tablename__ = "event_concluded"
    __table_args__ = (Index(None, "event_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    conclusion_sealed: bytes = sealed()
    noted_by: UUID = Field(foreign_key="staff.id")
    noted_at: datetime = instant()


class EventClaim(Record, table=True):
    """Somebody was asked to bear costs."""

    __tablename__ = "event_claim"
    __table_args__ = (Index(None, "event_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    kind: ClaimKind = one_of(ClaimKind)
    claimed_on: date
    words_sealed: bytes = sealed()
    noted_by: UUID = Field(foreign_key="staff.id")
    noted_at: datetime = instant()


class EventClaimSettled(Record, table=True):
    """What came of a claim."""

    __tablename__ = "event_claim_settled"

    claim_id: UUID = Field(foreign_key="event_claim.id", unique=True)
    settled_on: date
    words_sealed: bytes = sealed()
    noted_by: UUID = Field(foreign_key="staff.id")
    noted_at: datetime = instant()


class OutcomeTried(Record, table=True):
    """Somebody tried to learn what became of the person, and did not; the words tell how. Sealed."""

    __tablename__ = "event_outcome_tried"
    __table_args__ = (Index(None, "event_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    words_sealed: bytes = sealed()
    tried_by: UUID = Field(foreign_key="staff.id")
    tried_at: datetime = instant()


class SevereReactionConfirmed(Record, table=True):
    """A physician confirmed that this dose was followed by a severe reaction: it bars later ones of its vaccine."""

    __tablename__ = "severe_reaction_confirmed"
    __table_args__ = (UniqueConstraint("event_id", "dose_id"),)

    event_id: UUID = Field(foreign_key="adverse_event.id")
    dose_id: UUID = Field(foreign_key="dose.id")
    reaction_id: UUID = Field(foreign_key="severe_reaction.id", unique=True)
    confirmed_by: UUID = Field(foreign_key="staff.id")
    confirmed_at: datetime = instant()


class CardExported(Record, table=True):
    """A copy of one card, or of all that were filed in a period, was taken out, and why."""

    __tablename__ = "card_exported"
    __table_args__ = (
        CheckConstraint("(event_id IS NULL) = (since IS NOT NULL AND until IS NOT NULL)", name="one_or_a_period"),
    )

    event_id: UUID | None = Field(default=None, foreign_key="adverse_event.id")
    since: date | None = None
    until: date | None = None
    form: ExportForm = one_of(ExportForm)
    reason_sealed: bytes = sealed()
    exported_by: UUID = Field(foreign_key="staff.id")
    exported_at: datetime = instant()


class CaseCopied(Record, table=True):
    """One case that a copy holds, and for whom it left the site: it counts as a look at it."""

    __tablename__ = "case_copied"
    __table_args__ = (UniqueConstraint("export_id", "event_id"),)

    export_id: UUID = Field(foreign_key="card_exported.id")
    event_id: UUID = Field(foreign_key="adverse_event.id", index=True)
    copied_for: CopyFor = one_of(CopyFor)


report_card = table_of(ReportCard)
report_card_number = table_of(ReportCardNumber)
event_concluded = table_of(EventConcluded)
event_outcome_tried = table_of(OutcomeTried)
event_claim = table_of(EventClaim)
event_claim_settled = table_of(EventClaimSettled)
severe_reaction_confirmed = table_of(SevereReactionConfirmed)
card_exported = table_of(CardExported)
case_copied = table_of(CaseCopied)
