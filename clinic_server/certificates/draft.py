"""The draft of a vaccination certificate: the fields of T/CPMA 024-2020, for whoever it is about to check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.immunisations.lookup import site_zone
from clinic_server.immunisations.seen import DueSeen, immunisations_of
from clinic_server.kit.crypto import Keyring
from clinic_server.people.lookup import person
from clinic_server.people.rules import PersonFacts
from clinic_server.staff.actions import members
from clinic_server.stock.rules import BodySite
from clinic_server.stock.tables import lot, product
from clinic_server.visits.against import given_against_rule
from clinic_server.visits.doses import body_site_now, in_error
from clinic_server.visits.lookup import Standing, standing
from clinic_server.visits.tables import dose


@dataclass(frozen=True, slots=True)
class CertifiedDose:
    """One dose that stands; ``dose_number`` is what the schedule made of it, None where it named none.

    ``against_rule`` are the findings that speak against it as it was given.
    """

    dose_id: UUID
    product: str
    dose_number: int | None
    given_on: date
    lot_number: str
    manufacturer: str
    body_site: BodySite
    vaccinator: str = field(repr=False)
    against_rule: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a certificate would say: every dose given here that stands, the earliest first, and what follows of them."""

    visit: Standing
    person: PersonFacts
    doses: Sequence[CertifiedDose]
    due: Sequence[DueSeen]
    drawn_up_at: datetime


def draft_of(connection: Connection, keyring: Keyring, visit_id: UUID, local_now: datetime) -> Draft:
    """Draw up the draft of a visit's person, or raise VisitUnknown; ``local_now`` is the site's wall clock."""
    visit = standing(connection, visit_id)
    names = {one.staff_id: one.name for one in members(connection, keyring)}
    of_person = given_against_rule(connection, keyring, dose.c.person_id == visit.person_id, with_reasons=False)
    against = {one.dose_id: one.findings for one in of_person}
    given = _given(connection, visit.person_id)
    doses = [_certified(row, names, site_zone(local_now), against.get(row.id, ())) for row in given]
    past = immunisations_of(connection, keyring, visit.person_id, local_now, ())
    here = {one.dose_id for one in doses}
    begun = {worth.series for one in past.doses if one.dose_id in here for worth in one.worth}
    due = [one for one in past.due if one.series in begun and one.earliest_on is not None]
    return Draft(visit, person(connection, keyring, visit.person_id), doses, due, local_now)


def _given(connection: Connection, person_id: UUID) -> Sequence[Any]:
    return connection.execute(
        select(
            dose.c.id,
            product.c.name,
            dose.c.dose_number,
            dose.c.given_at,
            lot.c.number,
            product.c.manufacturer,
            body_site_now().label("body_site"),
            dose.c.vaccinator_id,
        )
        .join_from(dose, lot, lot.c.id == dose.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .where(dose.c.person_id == person_id, ~in_error())
        .order_by(dose.c.given_at, dose.c.journal_seq)
    ).all()


def _certified(row: Any, names: Mapping[UUID, str], zone: tzinfo, against_rule: tuple[str, ...]) -> CertifiedDose:
    return CertifiedDose(
        row.id,
        row.name,
        row.dose_number,
        row.given_at.astimezone(zone).date(),
        row.number,
        row.manufacturer,
        BodySite(row.body_site),
        names[row.vaccinator_id],
        against_rule,
    )
