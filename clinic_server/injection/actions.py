"""The bench: ask for a permit with the scanned unit, give the dose it permits, or send the person back."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, exists, select

from clinic_server.injection.rules import (
    PERMIT_LASTS,
    OrderFacts,
    PermitFacts,
    PermitRefused,
    PermitUnknown,
    SentBackReason,
    findings_for_needle,
    refuse_foreign_permit,
    same_order,
    still_stands,
)
from clinic_server.injection.tables import Permit, SentBack, permit
from clinic_server.kit.access import Actor
from clinic_server.kit.tx import Tx
from clinic_server.opening.lookup import pauses
from clinic_server.staff.actions import require_qualification
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock.actions import STOCK, draw_dose, unit_by_code, unit_by_id
from clinic_server.stock.rules import BodySite, UnitFacts, normalised_code
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import standing_order
from clinic_server.visits.steps import VISITS, require_stage, take_step
from clinic_server.visits.tables import Dose, dose
from clinic_server.visits.watch import start_watch


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
class Given:
    """A dose as recorded, and until when its recipient stays."""

    dose_id: UUID
    lot_number: str
    observe_until: datetime


def grant_permit(tx: Tx, visit_id: UUID, scanned_code: str) -> Granted:
    """Permit one dose of the scanned unit for this visit at the actor's bench, or raise PermitRefused."""
    require_stage(tx, visit_id, Stage.WAITING_FOR_INJECTION, Outcome.DOSE_GIVEN)
    require_qualification(tx, QualificationKind.VACCINATOR)
    order = _order(tx.connection, visit_id)
    unit = unit_by_code(tx.connection, normalised_code(scanned_code))
    order, unit = _cleared(tx, order, unit)
    expires_at = tx.now + PERMIT_LASTS
    permit_id = tx.append(
        Permit,
        visit_id=visit_id,
        order_id=order.order_id,
        consent_id=order.consent_id,
        unit_id=unit.unit_id,
        station=tx.actor.station,
        vaccinator_id=tx.actor.staff_id,
        granted_at=tx.now,
        expires_at=expires_at,
    )
    tx.journal("permit_granted", visit_id, VISITS)
    return Granted(permit_id, unit.product_code, unit.product_name, unit.lot_number, unit.expires_on, expires_at)


def give_dose(tx: Tx, permit_id: UUID, body_site: BodySite, observe_minutes: int) -> Given:
    """Record the dose a permit allows; everything the permit rested on is asked again, now."""
    held = permit_by_id(tx.connection, permit_id)
    refuse_foreign_permit(held, tx.actor.station, tx.actor.staff_id, tx.now)
    require_stage(tx, held.visit_id, Stage.WAITING_FOR_INJECTION, Outcome.DOSE_GIVEN)
    require_qualification(tx, QualificationKind.VACCINATOR)
    order = _order(tx.connection, held.visit_id)
    _, unit = _cleared(tx, order if same_order(held, order) else None, unit_by_id(tx.connection, held.unit_id))
    dose_id = _record_dose(tx, held, unit, body_site)
    observe_until = start_watch(tx, held.visit_id, tx.now, observe_minutes)
    take_step(tx, held.visit_id, Outcome.DOSE_GIVEN, dose_id)
    tx.journal("dose_given", dose_id, VISITS, STOCK)
    return Given(dose_id, unit.lot_number, observe_until)


def send_back(tx: Tx, visit_id: UUID, reason: SentBackReason) -> Stage:
    """Send a person from the bench back to the questions; the decision and the consent fall with it."""
    require_stage(tx, visit_id, Stage.WAITING_FOR_INJECTION, Outcome.SENT_BACK)
    record_id = tx.append(SentBack, visit_id=visit_id, reason=reason)
    stage = take_step(tx, visit_id, Outcome.SENT_BACK, record_id)
    tx.journal("person_sent_back", visit_id, VISITS)
    return stage


def _record_dose(tx: Tx, held: PermitFacts, unit: UnitFacts, body_site: BodySite) -> UUID:
    return tx.append(
        Dose,
        permit_id=held.permit_id,
        order_id=held.order_id,
        draw_id=draw_dose(tx, unit),
        visit_id=held.visit_id,
        person_id=standing(tx.connection, held.visit_id).person_id,
        unit_id=unit.unit_id,
        lot_id=unit.lot_id,
        product_code=unit.product_code,
        volume_ul=unit.volume_ul,
        route=unit.route,
        body_site=body_site,
        vaccinator_id=tx.actor.staff_id,
        given_at=tx.now,
    )


def _cleared(tx: Tx, order: OrderFacts | None, unit: UnitFacts | None) -> tuple[OrderFacts, UnitFacts]:
    paused = pauses(tx.connection, tx.now, tx.site.zone)
    findings = paused + findings_for_needle(order, unit, tx.now, tx.local_date)
    if findings or order is None or unit is None:
        raise PermitRefused(findings=findings)
    return order, unit


def _order(connection: Connection, visit_id: UUID) -> OrderFacts | None:
    order = standing_order(connection, visit_id)
    if order is None:
        return None
    return OrderFacts(order.order_id, order.decision_id, order.product_code, order.consent_id, order.valid_until)


def shown_permit(
    connection: Connection, permit_id: UUID, visit_id: UUID, actor: Actor, at: tuple[datetime, date]
) -> PermitFacts | None:
    """Return a permit that would still be honoured for this visit at ``at`` (instant, site's date), else None."""
    held = permit_by_id(connection, permit_id)
    order = _order(connection, visit_id)
    unit = unit_by_id(connection, held.unit_id)
    findings = findings_for_needle(order if same_order(held, order) else None, unit, *at)
    stands = held.visit_id == visit_id and still_stands(held, (actor.station, actor.staff_id), findings, at[0])
    return held if stands else None


def permit_by_id(connection: Connection, permit_id: UUID) -> PermitFacts:
    """Return a permit as it stands, or raise PermitUnknown."""
    used = exists().where(dose.c.permit_id == permit.c.id)
    row = connection.execute(
        select(
            permit.c.id,
            permit.c.visit_id,
            permit.c.order_id,
            permit.c.consent_id,
            permit.c.unit_id,
            permit.c.station,
            permit.c.vaccinator_id,
            permit.c.expires_at,
            used,
        ).where(permit.c.id == permit_id)
    ).first()
    if row is None:
        raise PermitUnknown
    return PermitFacts(*row)
