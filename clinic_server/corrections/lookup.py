"""What can be corrected, and what corrections left open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, select

from clinic_server.corrections.rules import DoseAsCorrected, DoseUnknown, IncidentKind
from clinic_server.corrections.tables import incident, incident_assessed
from clinic_server.stock.rules import BodySite
from clinic_server.stock.tables import lot, product, unit, unit_return
from clinic_server.visits.doses import body_site_now
from clinic_server.visits.tables import dose, dose_entered_in_error, visit


@dataclass(frozen=True, slots=True)
class DoseLine:
    """One dose of a day as the correction desk lists it, without a name."""

    dose_id: UUID
    visit_id: UUID
    ticket_number: int
    product_code: str
    product_name: str
    lot_number: str
    trace_code: str
    body_site: BodySite
    given_at: datetime
    is_denied: bool
    is_returned: bool
    doses_per_unit: int


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident nobody assessed yet."""

    incident_id: UUID
    kind: IncidentKind
    dose_id: UUID
    ticket_number: int
    opened_at: datetime


def dose_as_corrected(connection: Connection, dose_id: UUID) -> DoseAsCorrected:
    """Return a dose as it stands now, or raise DoseUnknown."""
    row: Any = connection.execute(
        select(
            dose.c.id,
            dose.c.visit_id,
            dose.c.person_id,
            dose.c.given_at,
            product.c.vaccine_code,
            dose.c.draw_id,
            dose.c.unit_id,
            body_site_now(),
            unit.c.doses_per_unit,
            lot.c.expires_on,
            dose_entered_in_error.c.corrected_by,
            exists().where(unit_return.c.draw_id == dose.c.draw_id),
        )
        .join(unit, unit.c.id == dose.c.unit_id)
        .join(lot, lot.c.id == dose.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .outerjoin(dose_entered_in_error, dose_entered_in_error.c.dose_id == dose.c.id)
        .where(dose.c.id == dose_id)
    ).first()
    if row is None:
        raise DoseUnknown
    return DoseAsCorrected(*row)


def doses_of(connection: Connection, business_on: date) -> Sequence[DoseLine]:
    """Return a clinic day's doses, the latest first."""
    rows = connection.execute(
        select(
            dose.c.id,
            dose.c.visit_id,
            visit.c.ticket_number,
            dose.c.product_code,
            product.c.name,
            lot.c.number,
            unit.c.trace_code,
            body_site_now(),
            dose.c.given_at,
            exists().where(dose_entered_in_error.c.dose_id == dose.c.id),
            exists().where(unit_return.c.draw_id == dose.c.draw_id),
            unit.c.doses_per_unit,
        )
        .join(visit, visit.c.id == dose.c.visit_id)
        .join(unit, unit.c.id == dose.c.unit_id)
        .join(lot, lot.c.id == dose.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .where(visit.c.business_on == business_on)
        .order_by(dose.c.journal_seq.desc())
    )
    return [DoseLine(*row) for row in rows]


def open_incidents(connection: Connection) -> Sequence[OpenIncident]:
    """Return every incident nobody assessed yet, of any day, the oldest first."""
    rows = connection.execute(
        select(incident.c.id, incident.c.kind, incident.c.dose_id, visit.c.ticket_number, incident.c.opened_at)
        .join(dose, dose.c.id == incident.c.dose_id)
        .join(visit, visit.c.id == dose.c.visit_id)
        .where(~exists().where(incident_assessed.c.incident_id == incident.c.id))
        .order_by(incident.c.journal_seq)
    )
    return [OpenIncident(row[0], IncidentKind(row[1]), *row[2:]) for row in rows]
