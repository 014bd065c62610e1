"""Asking, and deciding over what was answered."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, Row, bindparam, select

from clinic_server.immunisations.actions import keep_foreseen
from clinic_server.immunisations.lookup import past_of
from clinic_server.immunisations.outlooks import Case, case_on, refuse_barred
from clinic_server.kit.clock import business_date, business_date_ends
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import Refused
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import birth_facts
from clinic_server.people.rules import age_in_months
from clinic_server.screening import rule_sets
from clinic_server.screening.adoption import SignOff, programmes, rule_set_in_use, sign_offs_of
from clinic_server.screening.decisions import Override, findings_from_earlier, override_of, refuse_unfit
from clinic_server.screening.follow_ups import Details, details_that_count
from clinic_server.screening.rule_sets import Question, RuleSet, Weight
from clinic_server.screening.rule_sets.standing import RuleSetChanged
from clinic_server.screening.rules import (
    Advice,
    Answer,
    AnswersGiven,
    DecisionOutcome,
    Finding,
    Measurements,
    Proposal,
    Recipient,
    ScreeningChanged,
    ScreeningUnknown,
    StoredRound,
    advice_from,
    findings_for,
    observation_minutes,
    questions_for,
    refuse_unfounded,
    replay,
)
from clinic_server.screening.tables import Decision, DecisionOverride, Screening, screening
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import require_qualification
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock import vaccines
from clinic_server.stock.actions import require_product
from clinic_server.stock.rules import ProductWithdrawn, VaccineUnknown
from clinic_server.stock.vaccines import Vaccine
from clinic_server.visits.baseline import Baseline, keep_baseline
from clinic_server.visits.flow import Outcome, Stage, advance
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.orders import NewOrder, place_order
from clinic_server.visits.rules import WithheldDose
from clinic_server.visits.steps import VISITS, take_step
from clinic_server.visits.withheld import Withholding, withheld_from, withhold

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
    """The questions for one person, of the set in use that day; and what else people are asked for here."""

    rule_set: RuleSet
    questions: tuple[Question, ...]
    on: date
    sign_offs: tuple[SignOff, ...]
    programmes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Further:
    """What a round has beside plain answers: those to follow-ups, and what the person came for.

    ``details`` are keyed ``question.follow_up``; ``programme`` None means what the site asks for unless said.
    """

    details: Details = field(default_factory=dict, repr=False)
    programme: str | None = None


_NOTHING: Final = Further()
_latest_round = (
    select(screening)
    .where(screening.c.visit_id == bindparam("visit_id"))
    .order_by(screening.c.journal_seq.desc())
    .limit(1)
)


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


@dataclass(frozen=True, slots=True)
class Replay:
    """How many stored rounds were judged again, and which of them do not find what they found."""

    rounds: int
    differing: tuple[UUID, ...]


def questions_of_visit(
    connection: Connection, keyring: Keyring, visit_id: UUID, today: date, programme: str | None = None
) -> Asked:
    """Return what is asked on a visit, or raise VisitUnknown, ProgrammeUnknown or what keeps its set from use."""
    rule_set = rule_set_in_use(connection, programme, today)
    return Asked(
        rule_set,
        questions_for(rule_set, _recipient(connection, standing(connection, visit_id).person_id, today)),
        today,
        sign_offs_of(connection, keyring, rule_set),
        programmes(connection),
    )


def record_screening(
    tx: Tx, visit_id: UUID, answers: Mapping[str, Answer], measurements: Measurements, further: Further = _NOTHING
) -> Answered:
    """Record one round of questions; any order placed before it ends with this step."""
    visit = standing(tx.connection, visit_id)
    advance(visit.stage, Outcome.ANSWERED)
    rule_set = rule_set_in_use(tx.connection, further.programme, tx.local_date)
    recipient = _recipient(tx.connection, visit.person_id, tx.local_date)
    said_yes = (code for code, answer in answers.items() if answer is Answer.YES)
    details = details_that_count(said_yes, further.details)
    given = AnswersGiven(answers, measurements, recipient, tx.local_date, details)
    findings = findings_for(rule_set, given)
    screening_id = tx.new_id()
    tx.append(
        Screening,
        id=screening_id,
        visit_id=visit_id,
        rule_set_code=rule_set.code,
        rule_set_version=rule_set.version,
        answers_sealed=_seal(tx, given, "answers", screening_id),
        findings_sealed=_seal(tx, findings, "findings", screening_id),
        answered_at=tx.now,
        asked_by=tx.actor.staff_id,
    )
    if measurements.taken():
        keep_baseline(tx, visit_id, Baseline(**asdict(measurements)))
    stage = take_step(tx, visit_id, Outcome.ANSWERED, screening_id)
    tx.journal("questions_answered", screening_id, VISITS)
    return Answered(screening_id, stage)


def decide(tx: Tx, site: SiteSettings, visit_id: UUID, screening_id: UUID, proposal: Proposal) -> Decided:
    """Record a physician's decision over the latest answers; a recommendation orders the product for the clinic day."""
    outcome = _OUTCOMES[proposal.outcome]
    physician_id = require_qualification(tx, QualificationKind.PHYSICIAN)
    visit = standing(tx.connection, visit_id)
    advance(visit.stage, outcome)
    seen = latest_screening(tx.connection, tx.keyring, visit_id)
    if seen.screening_id != screening_id:
        raise ScreeningChanged
    product_code = proposal.product_code or proposal.unsuitable_product_code
    vaccine = vaccine_of(tx.connection, product_code, tx.local_date) if product_code else None
    case = _case(tx, visit.person_id, proposal, vaccine)
    override = _judge(tx, visit, seen, proposal, vaccine, case)
    decision_id = _append_decision(tx, visit_id, screening_id, proposal, physician_id)
    if case is not None:
        keep_foreseen(tx, decision_id, case.foreseen())
    if override is not None:
        _append_override(tx, decision_id, override)
    stage = take_step(tx, visit_id, outcome, decision_id)
    if proposal.product_code is not None:
        valid_until = _clinic_day_ends(tx, site)
        minutes = observation_minutes(rule_set_of(seen), findings_about(seen, vaccine))
        against = override is not None
        new = NewOrder(decision_id, proposal.product_code, physician_id, valid_until, minutes, against)
        place_order(tx, visit_id, new)
    else:
        vaccine_code, programme = vaccine.code if vaccine else None, rule_set_of(seen).programme
        until = proposal.deferred_until
        withhold(tx, visit_id, Withholding(decision_id, visit.person_id, programme, until, vaccine_code))
    tx.journal("decision_made", decision_id, VISITS)
    return Decided(decision_id, stage)


def rule_set_of(seen: ScreeningSeen) -> RuleSet:
    """Return the very set a round was asked and judged by, or raise RuleSetChanged when its file is gone."""
    try:
        return rule_sets.of_version(rule_sets.shipped(), seen.rule_set_code, seen.rule_set_version)
    except rule_sets.RuleSetFaulty:
        raise RuleSetChanged(name=seen.rule_set_code, version=seen.rule_set_version) from None


def earlier_decisions(connection: Connection, visit: Standing) -> tuple[WithheldDose, ...]:
    """Return what physicians withheld from this visit's person on other visits, the latest first."""
    return tuple(one for one in withheld_from(connection, visit.person_id) if one.visit_id != visit.visit_id)


def vaccine_of(connection: Connection, product_code: str, today: date) -> Vaccine:
    """Return what a product of this site is, or raise ProductUnknown, ProductWithdrawn or VaccineUnknown."""
    product = require_product(connection, product_code)
    if product.is_withdrawn(today):
        raise ProductWithdrawn
    found = vaccines.shipped().get(product.vaccine_code)
    if found is None:
        raise VaccineUnknown
    return found


def latest_screening(connection: Connection, keyring: Keyring, visit_id: UUID) -> ScreeningSeen:
    """Return a visit's latest round of questions, opened, or raise ScreeningUnknown."""
    return _opened(keyring, connection.execute(_latest_round, {"visit_id": visit_id}).first())


def replayed(connection: Connection, keyring: Keyring, screening_id: UUID) -> bool:
    """Tell whether a stored round, judged again by its own version of its own set, finds the same (invariant 55).

    A set that is no longer here, or asks something else by now, does not give the same.
    """
    seen = _opened(keyring, connection.execute(select(screening).where(screening.c.id == screening_id)).first())
    stored = StoredRound(seen.rule_set_code, seen.rule_set_version, seen.given, seen.findings)
    try:
        return replay(rule_sets.shipped(), stored) == stored.findings
    except (rule_sets.RuleSetFaulty, Refused):
        return False


def replay_all(connection: Connection, keyring: Keyring) -> Replay:
    """Judge every stored round again."""
    ids = connection.execute(select(screening.c.id).order_by(screening.c.journal_seq)).scalars().all()
    return Replay(len(ids), tuple(one for one in ids if not replayed(connection, keyring, one)))


def findings_about(seen: ScreeningSeen, vaccine: Vaccine | None) -> tuple[Finding, ...]:
    """Return what a round says of one vaccine: what the person does not tolerate is looked up in its ingredients."""
    return findings_for(rule_set_of(seen), seen.given, vaccine)


def latest_screening_id(connection: Connection, visit_id: UUID) -> UUID:
    """Return which round of questions is a visit's latest, or raise ScreeningUnknown."""
    found: UUID | None = connection.execute(
        select(screening.c.id).where(screening.c.visit_id == visit_id).order_by(screening.c.journal_seq.desc()).limit(1)
    ).scalar()
    if found is None:
        raise ScreeningUnknown
    return found


def _opened(keyring: Keyring, row: Row[Any] | None) -> ScreeningSeen:
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


def _recipient(connection: Connection, person_id: UUID, today: date) -> Recipient:
    held = birth_facts(connection, person_id)
    return Recipient(held.age_on(today), held.sex, age_in_months(held.born_on, today))


def _case(tx: Tx, person_id: UUID, proposal: Proposal, vaccine: Vaccine | None) -> Case | None:
    """Return what the dose would be that is recommended."""
    if vaccine is None or proposal.product_code is None or proposal.outcome is not DecisionOutcome.RECOMMENDED:
        return None
    past = past_of(tx.connection, tx.keyring, person_id, tx.site.zone)
    return case_on(past, vaccines.shipped(), vaccine, tx.local_date)


def _findings_of(case: Case | None) -> tuple[Finding, ...]:
    """Return what the person's past says against a dose, in the words of a screening."""
    found = case.outlook.findings if case else ()
    return tuple(Finding(one.code, Weight(one.weight), one.source) for one in found)


def _clinic_day_ends(tx: Tx, site: SiteSettings) -> datetime:
    on = business_date(tx.now, site.zone, site.day_starts_at)
    return business_date_ends(on, site.zone, site.day_starts_at)


def _judge(  # noqa: PLR0913, PLR0917  # all that a decision rests on
    tx: Tx, visit: Standing, seen: ScreeningSeen, proposal: Proposal, vaccine: Vaccine | None, case: Case | None
) -> Override | None:
    """Return what a decision overrides, or raise what is wrong with it."""
    earlier = findings_from_earlier(earlier_decisions(tx.connection, visit), vaccine, tx.local_date)
    findings = (*findings_about(seen, vaccine), *earlier, *_findings_of(case))
    if vaccine is not None and case is not None:
        refuse_unfit(vaccine, rule_set_of(seen).antigens, case.past.born_on, tx.local_date)
        refuse_barred(case)
    refuse_unfounded(proposal, findings, tx.local_date)
    return override_of(proposal.outcome, findings)


def _append_override(tx: Tx, decision_id: UUID, override: Override) -> None:
    sealed = tx.keyring.seal(msgspec.json.encode(override).decode(), f"decision:override:{decision_id}")
    tx.append(DecisionOverride, decision_id=decision_id, override_sealed=sealed)


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
