"""Opening the visit of a further vaccine, ending it before its needle, and letting it take over the watch."""

from datetime import date
from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.visits.chain import followed_by, further_visit
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.lookup import Standing
from clinic_server.visits.steps import OpenedVisit, open_visit, stage_of, take_step
from clinic_server.visits.tables import VisitFollows


def open_further_visit(tx: Tx, watched: Standing, asked_by: UUID, business_on: date) -> OpenedVisit:
    """Give somebody who is watched a visit for a further vaccine; the caller journals. VisitAlreadyOpen for a third."""
    row_id = tx.new_id()
    opened = open_visit(tx, watched.person_id, business_on, row_id, beside=watched.visit_id)
    tx.append(
        VisitFollows,
        id=row_id,
        visit_id=opened.visit_id,
        follows_visit_id=watched.visit_id,
        asked_by=asked_by,
        asked_at=tx.now,
    )
    return opened


def end_further_visit(tx: Tx, visit_id: UUID) -> None:
    """Close the visit of the further vaccine that was asked for on a visit, where there is one; the caller journals."""
    if (further := further_visit(tx.connection, visit_id)) is not None:
        take_step(tx, further, Outcome.ABANDONED)


def continue_watch(tx: Tx, visit_id: UUID, dose_id: UUID) -> None:
    """End the visit that this one follows, at the needle that takes its watch over; the caller journals.

    Whoever is not watched any more has no watch to take over.
    """
    before = followed_by(tx.connection, visit_id)
    if before is not None and stage_of(tx, before) is Stage.OBSERVED:
        take_step(tx, before, Outcome.CONTINUED, dose_id)
