"""The doses given on visits: whose, of what, and which of them were entered in error."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Exists, bindparam, exists, select

from clinic_server.stock.rules import BodySite
from clinic_server.visits.tables import dose, dose_entered_in_error


@dataclass(frozen=True, slots=True)
class DoseGiven:
    """One dose given here that stands: its record was not entered in error."""

    dose_id: UUID
    visit_id: UUID
    product_code: str
    given_at: datetime
    body_site: BodySite


def in_error() -> Exists:
    """Say of a row of ``dose`` that no needle gave it."""
    return exists().where(dose_entered_in_error.c.dose_id == dose.c.id)


def doses_given(connection: Connection, person_id: UUID) -> Sequence[DoseGiven]:
    """Return the doses that stand for one person, the earliest first."""
    return [DoseGiven(*row) for row in connection.execute(_given, {"person_id": person_id})]


_given = (
    select(dose.c.id, dose.c.visit_id, dose.c.product_code, dose.c.given_at, dose.c.body_site)
    .where(dose.c.person_id == bindparam("person_id"), ~in_error())
    .order_by(dose.c.given_at, dose.c.journal_seq)
)
