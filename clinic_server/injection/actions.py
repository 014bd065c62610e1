"""The bench: ask for a permit with the scanned unit, give the dose it permits, or send the person back."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, select

from clinic_server.immunisations.lookup import foreseen_of
from clinic_server.injection.needle import Bench, Hand, needle_facts, order_facts
from clinic_server.injection.recording import Given, Needle, append_dose, begin_watch
from clinic_server.injection.rules import (
    CheckListChanged,
    NeedleFacts,
    OrderFacts,
    PermitExpired,
    PermitFacts,
    PermitOfAnother,
    PermitRefused,
    PermitUnknown,
    PermitUsed,
    SentBackReason,
    findings_for_needle,
    permit_ends,
    refuse_foreign_permit,
    same_order,
)
from clinic_server.injection.tables import BenchCheck, Permit, SentBack, bench_check, permit
from clinic_server.kit.clock import date_ends
from clinic_server.kit.tx import Tx
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import qualified, require_qualification
from clinic_server.staff.rules import QualificationKind, QualificationMissing
from clinic_server.stock.rules import BodySite, UnitFacts, normalised_code
from clinic_server.stock.units import draw_dose, unit_by_code, unit_by_id
from clinic_server.visits.against import mark_against_rule
from clinic_server.visits.body_sites import findings_about, refuse_unexplained
from clinic_server.visits.flow import Outcome, Stage, StepOutOfOrder
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, require_stage, take_step
from clinic_server.visits.tables import dose


@dataclass(frozen=True, slots=True)
class Granted:
    """A permit as the bench is told: what may be given, and until when."""

    permit_id: UUID
    product_code: str
    product_name: str
    lot_number: str
    expires_on: date
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PermitAsked:
    """What a bench says when it asks: the code on the unit, the edition of its check list, what it confirmed."""

    trace_code: str
    check_list: str
    confirmed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """A permit on a screen; ``fault`` is the error that a dose would meet, with its findings."""

    permit: PermitFacts
    fault: str | None = None
    findings: tuple[str, ...] = ()


def grant_permit(tx: Tx, site: SiteSettings, visit_id: UUID, asked: PermitAsked) -> Granted:
    """Permit one dose of the scanned unit for this visit at the actor's bench, or raise PermitRefused."""
    require_stage(tx, visit_id, Stage.WAITING_FOR_INJECTION, Outcome.DOSE_GIVEN)
    vaccinator_id = require_qualification(tx, QualificationKind.VACCINATOR)
    bench = Bench.of(tx, site)
    if asked.check_list != bench.check_list.edition:
        raise CheckListChanged
    unit = unit_by_code(tx.connection, normalised_code(asked.trace_code))
    facts = needle_facts(bench, visit_id, order_facts(tx.connection, visit_id), unit, Hand(asked.confirmed))
    order, unit = _cleared(facts)
    expires_at = permit_ends(tx.now, order, unit, date_ends(unit.expires_on, site.zone))
    permit_id = tx.append(
        Permit,
        visit_id=visit_id,
        order_id=order.order_id,
        consent_id=order.consent_id,
        unit_id=unit.unit_id,
        station=tx.actor.station,
        vaccinator_id=vaccinator_id,
        granted_at=tx.now,
        expires_at=expires_at,
    )
    tx.append(
        BenchCheck,
        permit_id=permit_id,
        check_list=asked.check_list,
        confirmed=",".join(bench.check_list.codes),
        confirmed_by=vaccinator_id,
        confirmed_at=tx.now,
    )
    tx.journal("permit_granted", visit_id, VISITS)
    return Granted(permit_id, unit.product_code, unit.product_name, unit.lot_number, unit.expires_on, expires_at)


def give_dose(tx: Tx, site: SiteSettings, permit_id: UUID, body_site: BodySite, reason: str = "") -> Given:
    """Record the dose a permit allows; everything the permit rested on is asked again, now (``already_in.py``).

    Where it went in is recorded as it was: a place that a rule speaks against takes a ``reason`` and is marked.
    """
    held, bench = permit_by_id(tx.connection, permit_id), Bench.of(tx, site)
    refuse_foreign_permit(held, tx.actor.station, tx.actor.staff_id, tx.now)
    require_stage(tx, held.visit_id, Stage.WAITING_FOR_INJECTION, Outcome.DOSE_GIVEN)
    require_qualification(tx, QualificationKind.VACCINATOR)
    order = order_facts(tx.connection, held.visit_id)
    unit = unit_by_id(tx.connection, held.unit_id)
    hand = Hand(confirmed_for(tx.connection, permit_id), permit_id)
    facts = needle_facts(bench, held.visit_id, order if same_order(held, order) else None, unit, hand)
    order, unit = _cleared(facts)
    against = findings_about(body_site, facts.body_sites, facts.sites_used)
    refuse_unexplained(against, reason)
    foreseen = foreseen_of(tx.connection, tx.keyring, order.decision_id)  # as it still is: the needle was cleared
    needle = Needle(held, order, unit, foreseen, body_site)
    dose_id = append_dose(tx, needle, draw_dose(tx, unit))
    if against:
        mark_against_rule(tx, dose_id, against, reason)
    return begin_watch(tx, site, needle, dose_id, Outcome.DOSE_GIVEN)


def look_at_unit(bench: Bench, visit_id: UUID, trace_code: str) -> UnitFacts:
    """Return the unit in hand when nothing but the confirmations stands before its permit, or raise PermitRefused."""
    stage = standing(bench.connection, visit_id).stage
    if stage is not Stage.WAITING_FOR_INJECTION:
        raise StepOutOfOrder(stage=stage.value, outcome=Outcome.DOSE_GIVEN.value)
    unit = unit_by_code(bench.connection, normalised_code(trace_code))
    hand = Hand(frozenset(bench.check_list.codes))
    _, unit = _cleared(needle_facts(bench, visit_id, order_facts(bench.connection, visit_id), unit, hand))
    return unit


def send_back(tx: Tx, visit_id: UUID, reason: SentBackReason) -> Stage:
    """Send a person from the bench back to the questions; the decision and the consent fall with it."""
    require_stage(tx, visit_id, Stage.WAITING_FOR_INJECTION, Outcome.SENT_BACK)
    record_id = tx.append(SentBack, visit_id=visit_id, reason=reason)
    stage = take_step(tx, visit_id, Outcome.SENT_BACK, record_id)
    tx.journal("person_sent_back", visit_id, VISITS)
    return stage


def _cleared(facts: NeedleFacts) -> tuple[OrderFacts, UnitFacts]:
    findings = findings_for_needle(facts)
    if findings or facts.order is None or facts.unit is None:
        raise PermitRefused(findings=findings)
    return facts.order, facts.unit


def shown_permit(bench: Bench, station: str, visit_id: UUID, permit_id: UUID) -> Shown:
    """Return a permit as a bench's screen may show it: green only while a dose would be taken, else why not."""
    held = permit_by_id(bench.connection, permit_id)
    if held.visit_id != visit_id:
        raise PermitUnknown
    try:
        refuse_foreign_permit(held, station, bench.vaccinator_id, bench.now)
    except (PermitUsed, PermitOfAnother, PermitExpired) as refused:
        return Shown(held, refused.code)
    if not qualified(bench.connection, held.vaccinator_id, QualificationKind.VACCINATOR, bench.today):
        return Shown(held, QualificationMissing.code)
    order = order_facts(bench.connection, visit_id)
    unit = unit_by_id(bench.connection, held.unit_id)
    hand = Hand(confirmed_for(bench.connection, permit_id), permit_id)
    facts = needle_facts(bench, visit_id, order if same_order(held, order) else None, unit, hand)
    findings = findings_for_needle(facts)
    return Shown(held, PermitRefused.code, findings) if findings else Shown(held)


def confirmed_for(connection: Connection, permit_id: UUID) -> frozenset[str]:
    """Return what was confirmed at the bench for a permit."""
    codes = connection.execute(_confirmations, {"permit_id": permit_id}).scalar()
    return frozenset((codes or "").split(","))


def permit_by_id(connection: Connection, permit_id: UUID) -> PermitFacts:
    """Return a permit as it stands, or raise PermitUnknown."""
    row = connection.execute(_permit, {"permit_id": permit_id}).first()
    if row is None:
        raise PermitUnknown
    return PermitFacts(*row)


_confirmations = select(bench_check.c.confirmed).where(bench_check.c.permit_id == bindparam("permit_id"))
_permit = select(
    permit.c.id,
    permit.c.visit_id,
    permit.c.order_id,
    permit.c.consent_id,
    permit.c.unit_id,
    permit.c.station,
    permit.c.vaccinator_id,
    permit.c.granted_at,
    permit.c.expires_at,
    exists().where(dose.c.permit_id == permit.c.id),
).where(permit.c.id == bindparam("permit_id"))
