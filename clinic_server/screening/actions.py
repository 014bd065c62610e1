"""Asking, and deciding over what was answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.kit.clock import business_date, business_date_ends
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import person
from clinic_server.screening import rule_sets
from clinic_server.screening.rule_sets import Question, RuleSet
from clinic_server.screening.rules import (
    Advice,
    Answer,
    DecisionOutcome,
    Finding,
    Measurements,
    Proposal,
    Recipient,
    ScreeningChanged,
    ScreeningUnknown,
    advice_from,
    findings_for,
    questions_for,
    refuse_unfounded,
)
from clinic_server.screening.tables import Decision, Screening, screening
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import require_qualification
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock.actions import require_product
from clinic_server.visits.flow import Outcome, Stage, advance
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import NewOrder, place_order
from clinic_server.visits.steps import VISITS, stage_of, take_step

_OUTCOMES = {
    DecisionOutcome.RECOMMENDED: Outcome.RECOMMENDED,
    DecisionOutcome.DEFERRED: Outcome.DEFERRED,
    DecisionOutcome.UNSUITABLE: Outcome.UNSUITABLE,
}


@dataclass(frozen=True, slots=True)
class Answered:
    """Questions answered and waiting for the physician."""

    screening_id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision as recorded."""

    decision_id: UUID
    stage: Stage


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions for one person, of the set valid that day."""

    rule_set: RuleSet
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class AnswersGiven:
    """What is sealed of one round: enough to judge it again."""

    answers: Mapping[str, Answer] = field(repr=False)
    measurements: Measurements = field(repr=False)
    recipient: Recipient = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScreeningSeen:
    """One round of questions as the physician sees it."""

    screening_id: UUID
    rule_set_code: str
    rule_set_version: int
    answered_at: datetime
    given: AnswersGiven = field(repr=False)
    findings: tuple[Finding, ...] = field(repr=False)
    advice: Advice = field(repr=False)


def questions_of_visit(connection: Connection, keyring: Keyring, visit_id: UUID, today: date) -> Asked:
    """Return what is asked on a visit, or raise VisitUnknown."""
    rule_set = rule_sets.active(rule_sets.shipped(), today)
    return Asked(rule_set, questions_for(rule_set, _recipient(connection, keyring, visit_id, today)))


def record_screening(tx: Tx, visit_id: UUID, answers: Mapping[str, Answer], measurements: Measurements) -> Answered:
    """Record one round of questions; any order placed before it ends with this step."""
    advance(stage_of(tx, visit_id), Outcome.ANSWERED)
    rule_set = rule_sets.active(rule_sets.shipped(), tx.local_date)
    recipient = _recipient(tx.connection, tx.keyring, visit_id, tx.local_date)
    findings = findings_for(rule_set, answers, measurements, recipient)
    screening_id = tx.new_id()
    tx.append(
        Screening,
        id=screening_id,
        visit_id=visit_id,
        rule_set_code=rule_set.code,
        rule_set_version=rule_set.version,
        answers_sealed=_seal(tx, AnswersGiven(answers, measurements, recipient), "answers", screening_id),
        findings_sealed=_seal(tx, findings, "findings", screening_id),
        answered_at=tx.now,
        asked_by=tx.actor.staff_id,
    )
    stage = take_step(tx, visit_id, Outcome.ANSWERED, screening_id)
    tx.journal("questions_answered", screening_id, VISITS)
    return Answered(screening_id, stage)


def decide(tx: Tx, site: SiteSettings, visit_id: UUID, screening_id: UUID, proposal: Proposal) -> Decided:
    """Record a physician's decision over the latest answers; a recommendation orders the product for the clinic day."""
    outcome = _OUTCOMES[proposal.outcome]
    physician_id = require_qualification(tx, QualificationKind.PHYSICIAN)
    advance(stage_of(tx, visit_id), outcome)
    seen = latest_screening(tx.connection, tx.keyring, visit_id)
    if seen.screening_id != screening_id:
        raise ScreeningChanged
    refuse_unfounded(proposal, seen.findings, tx.local_date)
    if proposal.product_code is not None:
        require_product(tx.connection, proposal.product_code)
    decision_id = _append_decision(tx, visit_id, screening_id, proposal, physician_id)
    stage = take_step(tx, visit_id, outcome, decision_id)
    if proposal.product_code is not None:
        valid_until = _clinic_day_ends(tx, site)
        minutes = rule_sets.of_version(
            rule_sets.shipped(), seen.rule_set_code, seen.rule_set_version
        ).observation_minutes
        place_order(tx, visit_id, NewOrder(decision_id, proposal.product_code, physician_id, valid_until, minutes))
    tx.journal("decision_made", decision_id, VISITS)
    return Decided(decision_id, stage)


def latest_screening(connection: Connection, keyring: Keyring, visit_id: UUID) -> ScreeningSeen:
    """Return a visit's latest round of questions, opened, or raise ScreeningUnknown."""
    row = connection.execute(
        select(screening).where(screening.c.visit_id == visit_id).order_by(screening.c.journal_seq.desc()).limit(1)
    ).first()
    if row is None:
        raise ScreeningUnknown
    given = keyring.open(row.answers_sealed, f"screening:answers:{row.id}")
    found = keyring.open(row.findings_sealed, f"screening:findings:{row.id}")
    findings = msgspec.json.decode(found, type=tuple[Finding, ...])
    return ScreeningSeen(
        screening_id=row.id,
        rule_set_code=row.rule_set_code,
        rule_set_version=row.rule_set_version,
        answered_at=row.answered_at,
        given=msgspec.json.decode(given, type=AnswersGiven),
        findings=findings,
        advice=advice_from(findings),
    )


def _recipient(connection: Connection, keyring: Keyring, visit_id: UUID, today: date) -> Recipient:
    held = person(connection, keyring, standing(connection, visit_id).person_id)
    return Recipient(held.age_on(today), held.sex)


def _clinic_day_ends(tx: Tx, site: SiteSettings) -> datetime:
    on = business_date(tx.now, site.zone, site.day_starts_at)
    return business_date_ends(on, site.zone, site.day_starts_at)


def _append_decision(tx: Tx, visit_id: UUID, screening_id: UUID, proposal: Proposal, physician_id: UUID) -> UUID:
    decision_id = tx.new_id()
    reason = (proposal.reason or "").strip()
    return tx.append(
        Decision,
        id=decision_id,
        visit_id=visit_id,
        screening_id=screening_id,
        outcome=proposal.outcome,
        product_code=proposal.product_code,
        reason_sealed=tx.keyring.seal(reason, f"decision:reason:{decision_id}") if reason else None,
        deferred_until=proposal.deferred_until,
        decided_at=tx.now,
        physician_id=physician_id,
    )


def _seal(tx: Tx, content: object, column: str, screening_id: UUID) -> bytes:
    return tx.keyring.seal(msgspec.json.encode(content).decode(), f"screening:{column}:{screening_id}")
