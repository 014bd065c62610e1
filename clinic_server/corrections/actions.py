"""Setting a dose's record right, putting an untouched unit back, assessing what a correction left open."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import exists, select

from clinic_server.corrections.lookup import dose_as_corrected
from clinic_server.corrections.rules import (
    IncidentAssessedBefore,
    IncidentKind,
    IncidentUnknown,
    refuse_denied,
    refuse_other_site,
    refuse_return,
    refuse_unexplained,
)
from clinic_server.corrections.tables import Incident, IncidentAssessed, incident, incident_assessed
from clinic_server.kit.tx import Tx
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock import vaccines
from clinic_server.stock.rules import BodySite
from clinic_server.stock.units import return_draw
from clinic_server.stock.whereabouts import STOCK
from clinic_server.visits.against import mark_against_rule
from clinic_server.visits.body_sites import findings_about
from clinic_server.visits.doses import given_on_day_of
from clinic_server.visits.steps import VISITS
from clinic_server.visits.tables import BodySiteCorrected, DoseEnteredInError

CORRECTIONS = "corrections"  # the topic of the page that lists them


@dataclass(frozen=True, slots=True)
class Corrected:
    """A correction as recorded."""

    correction_id: UUID
    incident_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class NewBodySite:
    """Where a dose was really given, and why that was not recorded; ``was`` is what the screen said."""

    was: BodySite
    should_be: BodySite
    reason: str = field(repr=False)


def correct_body_site(tx: Tx, site: SiteSettings, dose_id: UUID, new: NewBodySite) -> Corrected:
    """Record where a dose was really given; it is marked where a rule speaks against that place."""
    corrected_by = require_signed_in(tx)
    refuse_unexplained(new.reason)
    corrected = dose_as_corrected(tx.connection, dose_id)
    refuse_other_site(corrected, new.was, new.should_be)
    correction_id = tx.new_id()
    tx.append(
        BodySiteCorrected,
        id=correction_id,
        dose_id=dose_id,
        body_site=new.should_be,
        reason_sealed=tx.keyring.seal(new.reason.strip(), f"body_site_corrected:reason:{correction_id}"),
        corrected_by=corrected_by,
        corrected_at=tx.now,
    )
    of_day = given_on_day_of(tx.connection, site, corrected.person_id, corrected.given_at)
    used = [one.body_site for one in of_day if one.dose_id != dose_id]
    if against := findings_about(new.should_be, vaccines.shipped()[corrected.vaccine_code].body_sites, used):
        mark_against_rule(tx, dose_id, against, new.reason)
    tx.journal("body_site_corrected", correction_id, VISITS, CORRECTIONS)
    return Corrected(correction_id)


def deny_dose(tx: Tx, dose_id: UUID, reason: str) -> Corrected:
    """Record that no needle gave this dose; the visit's stage stays, and the contradiction is opened as an incident."""
    corrected_by = require_signed_in(tx)
    refuse_unexplained(reason)
    refuse_denied(dose_as_corrected(tx.connection, dose_id))
    correction_id = tx.new_id()
    tx.append(
        DoseEnteredInError,
        id=correction_id,
        dose_id=dose_id,
        reason_sealed=tx.keyring.seal(reason.strip(), f"dose_entered_in_error:reason:{correction_id}"),
        corrected_by=corrected_by,
        corrected_at=tx.now,
    )
    opened = {"kind": IncidentKind.DOSE_DENIED, "dose_id": dose_id, "opened_by": corrected_by, "opened_at": tx.now}
    incident_id = tx.append(Incident, **opened)
    tx.journal("dose_entered_in_error", correction_id, VISITS, STOCK, CORRECTIONS)
    return Corrected(correction_id, incident_id)


def return_unit(tx: Tx, dose_id: UUID) -> Corrected:
    """Put back the unit of a dose that was never given; whoever does so saw it closed and untouched."""
    confirmed_by = require_signed_in(tx)
    dose = dose_as_corrected(tx.connection, dose_id)
    refuse_return(dose, confirmed_by, tx.local_date)
    return_id = return_draw(tx, dose.draw_id, confirmed_by)
    tx.journal("unit_returned", return_id, STOCK, CORRECTIONS)
    return Corrected(return_id)


def assess_incident(tx: Tx, incident_id: UUID, comment: str) -> UUID:
    """Record what was found out about an incident; it is open no longer."""
    assessed_by = require_signed_in(tx)
    refuse_unexplained(comment)
    if not tx.execute(select(exists().where(incident.c.id == incident_id))).scalar_one():
        raise IncidentUnknown
    if tx.execute(select(exists().where(incident_assessed.c.incident_id == incident_id))).scalar_one():
        raise IncidentAssessedBefore
    assessment_id = tx.new_id()
    tx.append(
        IncidentAssessed,
        id=assessment_id,
        incident_id=incident_id,
        comment_sealed=tx.keyring.seal(comment.strip(), f"incident_assessed:comment:{assessment_id}"),
        assessed_by=assessed_by,
        assessed_at=tx.now,
    )
    tx.journal("incident_assessed", assessment_id, CORRECTIONS)
    return assessment_id
