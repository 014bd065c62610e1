"""Answers with what was measured, and the decisions over them; everything that tells of health is sealed."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, one_of, sealed, table_of, text
from clinic_server.screening.decisions import Channel
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


class DecisionOverride(Record, table=True):
    """What a decision set aside; ``override_sealed`` holds JSON of its kind and the findings."""

    __tablename__ = "decision_override"

    decision_id: UUID = Field(foreign_key="decision.id", unique=True)
    override_sealed: bytes = sealed()


class AnswerLink(Record, table=True):
    """A way to answer a visit's questions without signing in; the key alone makes its address (``own_answers.py``).

    ``programme`` is what the person is asked for: None means what the site asks for unless said.
    """

    __tablename__ = "answer_link"
    __table_args__ = (Index(None, "visit_id", "journal_seq"),)

    visit_id: UUID = Field(foreign_key="visit.id")
    programme: str | None = text(40, default=None)
    valid_until: datetime = instant()
    issued_by: UUID | None = Field(default=None, foreign_key="staff.id")


class AnsweredByLink(Record, table=True):
    """A round of questions that the person answered by a link. One link, one round: the constraints say so."""

    __tablename__ = "answered_by_link"

    link_id: UUID = Field(foreign_key="answer_link.id", unique=True)
    screening_id: UUID = Field(foreign_key="screening.id", unique=True)
    channel: Channel = one_of(Channel)


class DeviceMeasurement(Record, table=True):
    """Which quantities of one round a device told; ``devices_sealed`` holds JSON of device by quantity.

    What is not named there was typed.
    """

    __tablename__ = "device_measurement"

    screening_id: UUID = Field(foreign_key="screening.id", unique=True)
    devices_sealed: bytes = sealed()


class AnswersKept(Record, table=True):
    """A round that measured anew and kept the answers of an earlier one."""

    __tablename__ = "answers_kept"

    screening_id: UUID = Field(foreign_key="screening.id", unique=True)
    answered_screening_id: UUID = Field(foreign_key="screening.id")


class RuleSetSignedOff(Record, table=True):
    """A physician answers for a version of a set, as its words read then: ``digest`` stands for them."""

    __tablename__ = "rule_set_signed_off"
    __table_args__ = (UniqueConstraint("digest", "physician_id"),)

    rule_set_code: str = text(40)
    rule_set_version: int
    digest: str = text(64)
    physician_id: UUID = Field(foreign_key="staff.id")
    certificate_number: str = text(40)
    signed_at: datetime = instant()


class RuleSetAdopted(Record, table=True):
    """The set a programme works by from here on; the latest of a programme counts."""

    __tablename__ = "rule_set_adopted"
    __table_args__ = (Index(None, "programme", "journal_seq"),)

    programme: str = text(40)
    rule_set_code: str = text(40)
    rule_set_version: int
    digest: str = text(64)
    adopted_at: datetime = instant()
    adopted_by: UUID = Field(foreign_key="staff.id")


screening = table_of(Screening)
decision = table_of(Decision)
decision_override = table_of(DecisionOverride)
answer_link = table_of(AnswerLink)
answered_by_link = table_of(AnsweredByLink)
device_measurement = table_of(DeviceMeasurement)
answers_kept = table_of(AnswersKept)
rule_set_signed_off = table_of(RuleSetSignedOff)
rule_set_adopted = table_of(RuleSetAdopted)
