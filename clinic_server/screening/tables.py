"""Answers with what was measured, and the decisions over them; everything that tells of health is sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.screening.rules import DecisionOutcome


class Screening(Record, table=True):
    """One round of questions; the latest of a visit counts.

    ``answers_sealed`` holds JSON of what was answered and measured and of the age and sex that chose the
    questions, so that the round can be judged again with its own rule set; ``findings_sealed`` what was found.
    """

    __tablename__ = "screening"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    rule_set_code: str = text(40)
    rule_set_version: int
    answers_sealed: bytes = sealed()
    findings_sealed: bytes = sealed()
    answered_at: datetime = instant()
    asked_by: UUID | None = Field(default=None, foreign_key="staff.id")


class Decision(Record, table=True):
    """A physician's decision over one round of questions; ``product_code`` only when recommended."""

    __tablename__ = "decision"
    __table_args__ = (
        Index(None, "visit_id", "journal_seq"),
        CheckConstraint("(outcome = 'recommended') = (product_code IS NOT NULL)", name="recommended_product"),
        CheckConstraint("(outcome = 'deferred') = (deferred_until IS NOT NULL)", name="deferred_until"),
    )

    visit_id: UUID = Field(foreign_key="visit.id")
    screening_id: UUID = Field(foreign_key="screening.id", unique=True)
    outcome: DecisionOutcome = one_of(DecisionOutcome)
    product_code: str | None = text(40, default=None)
    reason_sealed: bytes | None = sealed(default=None, nullable=True)
    deferred_until: date | None = None
    decided_at: datetime = instant()
    physician_id: UUID = Field(foreign_key="staff.id")


screening = table_of(Screening)
decision = table_of(Decision)
