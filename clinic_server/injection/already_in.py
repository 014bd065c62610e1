"""A needle that was in before anybody could be told not to: recorded as it was, with all that stood against it.

The press that records a dose refuses first, for whoever has not injected yet. Whoever has says so here, and why. A
permit of this bench for this visit is what it rests on: a dose that nothing ever permitted is none of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, select

from clinic_server.alerts.raising import raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.immunisations.lookup import past_of
from clinic_server.immunisations.outlooks import Foreseen
from clinic_server.injection.actions import confirmed_for, permit_by_id
from clinic_server.injection.needle import Bench, Hand, case_at_needle, facts_of, needle_facts, order_facts
from clinic_server.injection.recording import Given, Needle, append_dose, begin_watch
from clinic_server.injection.rules import (
    ABOUT_VIAL,
    NeedleFacts,
    NeedleUnexplained,
    OrderFacts,
    PermitFacts,
    PermitOfAnotherDay,
    findings_for_needle_in,
    refuse_permit_of_elsewhere,
)
from clinic_server.injection.tables import permit
from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import qualified, require_signed_in
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock.places import box_of
from clinic_server.stock.rules import BodySite
from clinic_server.stock.units import draw_given, require_unit
from clinic_server.visits.against import mark_against_rule, mark_despite_refusal
from clinic_server.visits.body_sites import MOST_REASON_CHARACTERS, findings_about
from clinic_server.visits.flow import Outcome, advance
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import order_placed
from clinic_server.visits.steps import end_visits_begun_since
from clinic_server.visits.tables import dose


@dataclass(frozen=True, slots=True)
class _Found:
    order: OrderFacts
    facts: NeedleFacts
    findings: tuple[str, ...]


def record_needle_in(tx: Tx, site: SiteSettings, permit_id: UUID, body_site: BodySite, reason: str) -> Given:
    """Record a dose whose needle was in when its permit had ended, or something came in between.

    What stands against it is kept with it and with the ``reason``, and never keeps it out of the record.
    """
    require_signed_in(tx)
    held = permit_by_id(tx.connection, permit_id)
    bench = Bench.of(tx, site)
    refuse_unrecordable(bench, held)
    found = _found(bench, held)
    against = findings_about(body_site, found.facts.body_sites, found.facts.sites_used)
    _refuse_unexplained((*found.findings, *against), reason)
    needle = Needle(held, found.order, require_unit(tx.connection, held.unit_id), _foreseen(bench, found), body_site)
    end_visits_begun_since(tx, held.visit_id)
    dose_id = append_dose(tx, needle, draw_given(tx, needle.unit, box_of(tx.connection, held.station)))
    if against:
        mark_against_rule(tx, dose_id, against, reason)
    if found.findings:
        mark_despite_refusal(tx, dose_id, found.findings, reason)
        _tell_keepers(tx, needle, found.findings, dose_id)
    return begin_watch(tx, site, needle, dose_id, Outcome.NEEDLE_WAS_IN if found.findings else Outcome.DOSE_GIVEN)


def refuse_unrecordable(bench: Bench, held: PermitFacts) -> None:
    """Raise unless a needle may be recorded under a permit at all: unused, of this bench and day, and no dose yet."""
    refuse_permit_of_elsewhere(held, bench.station)
    of_day = (bench.site.zone, bench.site.day_starts_at)
    if business_date(held.granted_at, *of_day) != business_date(bench.now, *of_day):
        raise PermitOfAnotherDay
    advance(standing(bench.connection, held.visit_id).stage, Outcome.NEEDLE_WAS_IN)


def unused_permits(connection: Connection, visit_id: UUID, station: str) -> Sequence[PermitFacts]:
    """Return the permits that a bench was given for a visit and that no dose is recorded under, the latest first."""
    found = connection.execute(_unused, {"visit_id": visit_id, "station": station}).scalars()
    return [permit_by_id(connection, one) for one in found]


def _found(bench: Bench, held: PermitFacts) -> _Found:
    """Return the order that was permitted, and everything that stands against its needle now."""
    connection = bench.connection
    of_permit = replace(bench, vaccinator_id=held.vaccinator_id)
    standing_now = order_facts(connection, held.visit_id)
    order = _as_permitted(connection, held, standing_now)
    unit = require_unit(connection, held.unit_id)
    hand = Hand(confirmed_for(connection, held.permit_id), held.permit_id)
    facts = needle_facts(of_permit, held.visit_id, order, unit, hand)
    is_qualified = qualified(connection, held.vaccinator_id, QualificationKind.VACCINATOR, bench.today)
    findings = findings_for_needle_in(held, facts, standing_now, is_qualified=is_qualified, told_by=bench.vaccinator_id)
    return _Found(order, facts, findings)


def _as_permitted(connection: Connection, held: PermitFacts, now: OrderFacts | None) -> OrderFacts:
    """Return the order of a permit; without its consent where that fell, or another took its place."""
    if now is None or now.order_id != held.order_id:
        return replace(facts_of(order_placed(connection, held.order_id)), consent_id=held.consent_id)
    return now if now.consent_id == held.consent_id else replace(now, consent_id=None)


def _foreseen(bench: Bench, found: _Found) -> Foreseen:
    """Return which dose it is by the person's past as it stands now, not as it stood at the decision."""
    past = past_of(bench.connection, bench.keyring, found.facts.person_id, bench.site.zone)
    told = case_at_needle(bench, past, found.order).outlook
    return Foreseen(told.dose_number, told.schedule_code, told.schedule_version, (), ())


def _refuse_unexplained(findings: tuple[str, ...], reason: str) -> None:
    if findings and not 0 < len(reason.strip()) <= MOST_REASON_CHARACTERS:
        raise NeedleUnexplained(findings=findings)


def _tell_keepers(tx: Tx, needle: Needle, findings: tuple[str, ...], dose_id: UUID) -> None:
    """Call those who look after vaccine where what was given should not have been."""
    barring = [one for one in findings if one in ABOUT_VIAL]
    if not barring:
        return
    told = tell(Phrase.BARRED_VIAL, lot=needle.unit.lot_number, barring=" ".join(barring))
    ticket = standing(tx.connection, needle.held.visit_id).ticket_number
    raise_alarm(tx, Alarm(AlertKind.BARRED_VIAL_GIVEN, Severity.ALARM, told, f"ticket-{ticket}", dose_id))


_unused = (
    select(permit.c.id)
    .where(
        permit.c.visit_id == bindparam("visit_id"),
        permit.c.station == bindparam("station"),
        ~exists().where(dose.c.permit_id == permit.c.id),
    )
    .order_by(permit.c.journal_seq.desc())
)
