"""Asking for a further vaccine while somebody is watched, and taking it back."""

from dataclasses import replace
from uuid import UUID

from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.observation.actions import require_watched
from clinic_server.observation.checks.actions import refuse_unwell
from clinic_server.observation.further.rules import NoFurtherAsked, refuse_unexplained
from clinic_server.observation.further.tables import FurtherWithdrawn
from clinic_server.people.lookup import birth_facts
from clinic_server.queue.actions import go_first_by_age, spot_for, take_spot
from clinic_server.queue.promises import doses_promised
from clinic_server.queue.rules import refuse_without_dose
from clinic_server.settings import SiteSettings
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.chain import further_visit
from clinic_server.visits.flow import Outcome
from clinic_server.visits.further import end_further_visit, open_further_visit
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, OpenedVisit


def ask_for_further(tx: Tx, site: SiteSettings, visit_id: UUID) -> OpenedVisit:
    """Give somebody who is watched a visit and a ticket for a further vaccine, at the questions.

    Refused while they are cared for, were found unwell, wait for one already, or no dose is left.
    """
    asked_by = require_signed_in(tx)
    refuse_unwell(tx, visit_id, require_watched(tx, visit_id, Outcome.CONTINUED))
    day = business_date(tx.now, site.zone, site.day_starts_at)
    watched, promised = standing(tx.connection, visit_id), doses_promised(tx.connection, site, tx.local_date)
    opened = open_further_visit(tx, watched, asked_by, day)
    refuse_without_dose(promised)
    spot = spot_for(tx, site, day)
    take_spot(tx, opened.visit_id, day, replace(spot, batch=None) if spot else None)  # they were let in before
    whose = birth_facts(tx.connection, watched.person_id)
    go_first_by_age(tx, site, opened.visit_id, whose.age_on(day))
    tx.journal("further_asked_for", opened.visit_id, VISITS)
    return opened


def withdraw_further(tx: Tx, visit_id: UUID, words: str) -> UUID:
    """Take back the further vaccine asked for on a watched visit, and say why; return the visit that ends with it."""
    withdrawn_by = require_signed_in(tx)
    refuse_unexplained(words)
    further = further_visit(tx.connection, visit_id)
    if further is None:
        raise NoFurtherAsked
    row_id = tx.new_id()
    sealed = tx.keyring.seal(words.strip(), f"further_withdrawn:words:{row_id}")
    said = {"visit_id": further, "words_sealed": sealed, "withdrawn_by": withdrawn_by, "withdrawn_at": tx.now}
    tx.append(FurtherWithdrawn, id=row_id, **said)
    end_further_visit(tx, visit_id)
    tx.journal("further_withdrawn", further, VISITS)
    return further
