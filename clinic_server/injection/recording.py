"""Recording a needle: the dose, its draw, what spoke against it, the watch that begins and the step that is taken."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from clinic_server.immunisations.outlooks import Foreseen
from clinic_server.injection.rules import OrderFacts, PermitFacts, minutes_to_stay
from clinic_server.kit.tx import Tx
from clinic_server.settings import SiteSettings
from clinic_server.stock.rules import BodySite, UnitFacts
from clinic_server.stock.whereabouts import STOCK
from clinic_server.visits.flow import Outcome
from clinic_server.visits.further import continue_watch
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, take_step
from clinic_server.visits.tables import Dose
from clinic_server.visits.watch import start_watch


@dataclass(frozen=True, slots=True)
class Given:
    """A dose as recorded, and until when its recipient stays."""

    dose_id: UUID
    lot_number: str
    observe_until: datetime


@dataclass(frozen=True, slots=True)
class Needle:
    """A needle that went in: under which permit, by which order, of which unit, which dose it is, and where."""

    held: PermitFacts
    order: OrderFacts
    unit: UnitFacts
    foreseen: Foreseen = field(repr=False)
    body_site: BodySite


def append_dose(tx: Tx, needle: Needle, draw_id: UUID) -> UUID:
    """Append the dose itself; who gave it is who was permitted to."""
    held, unit, foreseen = needle.held, needle.unit, needle.foreseen
    return tx.append(
        Dose,
        permit_id=held.permit_id,
        order_id=held.order_id,
        draw_id=draw_id,
        visit_id=held.visit_id,
        person_id=standing(tx.connection, held.visit_id).person_id,
        unit_id=unit.unit_id,
        lot_id=unit.lot_id,
        product_code=unit.product_code,
        dose_number=foreseen.dose_number,
        schedule_code=foreseen.schedule_code or None,
        schedule_version=foreseen.schedule_version or None,
        volume_ul=unit.volume_ul,
        route=unit.route,
        body_site=needle.body_site,
        vaccinator_id=held.vaccinator_id,
        given_at=tx.now,
    )


def begin_watch(tx: Tx, site: SiteSettings, needle: Needle, dose_id: UUID, outcome: Outcome) -> Given:
    """Begin the observation after a dose, take the step, and journal."""
    visit_id = needle.held.visit_id
    minutes = minutes_to_stay(needle.order, site.observation_minutes)
    observe_until = start_watch(tx, visit_id, tx.now, minutes)
    continue_watch(tx, visit_id, dose_id)
    take_step(tx, visit_id, outcome, dose_id)
    tx.journal("dose_given", dose_id, VISITS, STOCK)
    return Given(dose_id, needle.unit.lot_number, observe_until)
