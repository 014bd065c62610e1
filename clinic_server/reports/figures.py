"""The figures of a clinic day, counted from the records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.kit.journal import journal
from clinic_server.stock.tables import lot, unit
from clinic_server.visits.doses import in_error
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import count_by_stage
from clinic_server.visits.tables import dose, visit


@dataclass(frozen=True, slots=True)
class DayFigures:
    """How a clinic day stands; persons and doses are never mixed."""

    business_on: date
    visits_by_stage: dict[Stage, int]
    doses_given: int
    persons_vaccinated: int
    doses_entered_in_error: int


@dataclass(frozen=True, slots=True)
class DoseLine:
    """One dose of a day, by identifiers."""

    dose_id: UUID
    visit_id: UUID
    person_id: UUID
    product_code: str
    lot_number: str
    trace_code: str
    given_at: datetime


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of the journal as auditors read it."""

    seq: int
    at: datetime
    actor: str
    station: str | None
    kind: str
    ref: str | None
    hash: str


def day_figures(connection: Connection, business_on: date) -> DayFigures:
    """Count a clinic day."""
    doses = (
        select(func.count(), func.count(func.distinct(dose.c.person_id)))
        .join(visit, visit.c.id == dose.c.visit_id)
        .where(visit.c.business_on == business_on)
    )
    given, persons = connection.execute(doses.where(~in_error())).one()
    denied, _ = connection.execute(doses.where(in_error())).one()
    return DayFigures(business_on, count_by_stage(connection, business_on), given, persons, denied)


def doses_of_day(connection: Connection, business_on: date) -> Sequence[DoseLine]:
    """Return a clinic day's doses, without those entered in error, in the order they were given."""
    rows = connection.execute(
        select(
            dose.c.id,
            dose.c.visit_id,
            dose.c.person_id,
            dose.c.product_code,
            lot.c.number,
            unit.c.trace_code,
            dose.c.given_at,
        )
        .join(visit, visit.c.id == dose.c.visit_id)
        .join(unit, unit.c.id == dose.c.unit_id)
        .join(lot, lot.c.id == dose.c.lot_id)
        .where(visit.c.business_on == business_on, ~in_error())
        .order_by(dose.c.journal_seq)
    )
    return [DoseLine(*row) for row in rows]


def journal_after(connection: Connection, seq: int, most: int) -> Sequence[JournalEntry]:
    """Return the journal lines after ``seq``, oldest first."""
    line = journal.c
    rows = connection.execute(
        select(line.seq, line.at, line.actor, line.station, line.kind, line.ref, line.hash)
        .where(line.seq > seq)
        .order_by(line.seq)
        .limit(most)
    )
    return [JournalEntry(*row[:-1], row[-1].hex()) for row in rows]
