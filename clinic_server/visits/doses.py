"""The doses given on visits: whose, of what, where on the body, and which of them were entered in error."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Exists, bindparam, exists, func, select

from clinic_server.kit.clock import business_date
from clinic_server.settings import SiteSettings
from clinic_server.stock.rules import BodySite
from clinic_server.visits.tables import body_site_corrected, dose, dose_entered_in_error


@dataclass(frozen=True, slots=True)
class DoseGiven:
    """One dose given here that stands, as corrected: its record was not entered in error."""

    dose_id: UUID
    visit_id: UUID
    product_code: str
    given_at: datetime
    body_site: BodySite


def in_error() -> Exists:
    """Say of a row of ``dose`` that no needle gave it."""
    return exists().where(dose_entered_in_error.c.dose_id == dose.c.id)


def body_site_now() -> ColumnElement[BodySite]:
    """Say of a row of ``dose`` where it went in, as it was corrected last."""
    corrected = (
        select(body_site_corrected.c.body_site)
        .where(body_site_corrected.c.dose_id == dose.c.id)
        .order_by(body_site_corrected.c.journal_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(corrected, dose.c.body_site)


def doses_given(connection: Connection, person_id: UUID) -> Sequence[DoseGiven]:
    """Return the doses that stand for one person, the earliest first."""
    return [DoseGiven(*row) for row in connection.execute(_given, {"person_id": person_id})]


def given_on_day_of(connection: Connection, site: SiteSettings, person_id: UUID, at: datetime) -> Sequence[DoseGiven]:
    """Return those of the clinic day of an instant, the earliest first."""
    of_day = (site.zone, site.day_starts_at)
    day = business_date(at, *of_day)
    return [one for one in doses_given(connection, person_id) if business_date(one.given_at, *of_day) == day]


_given = (
    select(dose.c.id, dose.c.visit_id, dose.c.product_code, dose.c.given_at, body_site_now())
    .where(dose.c.person_id == bindparam("person_id"), ~in_error())
    .order_by(dose.c.given_at, dose.c.journal_seq)
)
