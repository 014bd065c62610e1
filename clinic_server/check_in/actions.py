"""Checking somebody in: who it is, their visit, their ticket."""

from dataclasses import dataclass, field
from uuid import UUID

from clinic_server.check_in.admission import AdmissionOn
from clinic_server.check_in.rules import (
    How,
    TypedReason,
    findings_for,
    refuse_inadmissible,
)
from clinic_server.check_in.tables import CheckIn
from clinic_server.kit.clock import business_date
from clinic_server.kit.tx import Tx
from clinic_server.people.actions import Registered, append_guardian, append_phone, find_or_register
from clinic_server.people.rules import GuardianTold, IdentityFacts, Source, age_on
from clinic_server.queue.actions import go_first_by_age, spot_for, take_spot
from clinic_server.queue.promises import doses_promised
from clinic_server.queue.rules import Spot, refuse_without_dose
from clinic_server.settings import SiteSettings
from clinic_server.visits.flow import Stage
from clinic_server.visits.steps import VISITS, abandon, open_visit
from clinic_server.visits.withheld import deferral_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody at the desk. ``take_stated`` says the desk confirmed what the document says differently.

    ``document_seen`` is False where they were found on record and told their birth date instead.
    """

    stated: IdentityFacts
    how: How
    typed_reason: TypedReason | None = None
    take_stated: bool = False
    phone: str = field(default="", repr=False)
    document_seen: bool = True
    guardian: GuardianTold | None = field(default=None, repr=False)
    has_twins: bool = False

    @property
    def source(self) -> Source:
        """How what is stated came to us; a scan repeats what is held already."""
        return Source.TYPED if self.how is How.TYPED else Source.CARD


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A check-in as recorded, in words that may be stored for a replay: no name, no number."""

    visit_id: UUID
    ticket_number: int
    is_new: bool
    possible_duplicates: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A visit closed because the person went away."""

    visit_id: UUID
    stage: Stage


def check_in(
    tx: Tx, site: SiteSettings, arrival: Arrival, admission_on: AdmissionOn, spot: Spot | None = None
) -> CheckedIn:
    """Give somebody a visit and a ticket on this clinic day, registering them when nobody has their document.

    ``spot`` is where they stand in line when others of their group stand there; else the desk's next is theirs.
    """
    day = business_date(tx.now, site.zone, site.day_starts_at)
    admission = admission_on(tx.connection, day)
    refuse_inadmissible(arrival.stated, day, admission)
    registered = find_or_register(tx, arrival.stated, arrival.source, take_stated=arrival.take_stated)
    if arrival.phone:
        append_phone(tx, registered.person_id, arrival.phone)
    if arrival.guardian:
        append_guardian(tx, registered.person_id, arrival.guardian)
    promised = doses_promised(tx.connection, site, tx.local_date)
    findings = findings_for(
        arrival.stated,
        day,
        document_seen=arrival.document_seen,
        differs_from_held=registered.differs_from_held,
        has_duplicates=bool(registered.possible_duplicates),
        has_twins=arrival.has_twins,
        deferral=deferral_of(tx.connection, registered.person_id, tx.site.zone),
        promised=promised,
    )
    record_id = _append_record(tx, arrival, registered, " ".join(findings), admission.version)
    opened = open_visit(tx, registered.person_id, day, record_id)
    take_spot(tx, opened.visit_id, day, spot or spot_for(tx, site, day))
    go_first_by_age(tx, site, opened.visit_id, age_on(arrival.stated.born_on, day))
    refuse_without_dose(promised)  # last: who has a ticket already is told that, not that no dose is left
    tx.journal("checked_in", opened.visit_id, VISITS)
    return CheckedIn(
        opened.visit_id, opened.ticket_number, registered.is_new, len(registered.possible_duplicates), findings
    )


def close_abandoned(tx: Tx, visit_id: UUID) -> Abandoned:
    """Close the visit of somebody who went away before the needle."""
    return Abandoned(visit_id, abandon(tx, visit_id))


def _append_record(tx: Tx, arrival: Arrival, registered: Registered, findings: str, version: str) -> UUID:
    return tx.append(
        CheckIn,
        person_id=registered.person_id,
        how=arrival.how,
        typed_reason=arrival.typed_reason,
        document_kind=arrival.stated.document.kind,
        station=tx.actor.station,
        findings=findings,
        admission_version=version,
        checked_in_at=tx.now,
    )
