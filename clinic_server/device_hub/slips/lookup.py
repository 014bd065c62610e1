"""What the journal asks to be printed, and what stands on each slip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select

from clinic_server.device_hub.slips.rules import WANTED, SlipKind, Wanted
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import journal
from clinic_server.people.lookup import person
from clinic_server.stock.actions import require_product
from clinic_server.stock.units import unit_by_id
from clinic_server.visits.chain import visit_that_counts
from clinic_server.visits.slip_code import slip_code
from clinic_server.visits.steps import VisitUnknown
from clinic_server.visits.tables import dose, visit, watch
from clinic_server.visits.watch import due_at

MOST_LINES: Final = 200
_asking_after = (
    select(journal.c.seq, journal.c.at, journal.c.station, journal.c.ref, journal.c.kind)
    .where(journal.c.seq > bindparam("seq"), journal.c.kind.in_(WANTED))
    .order_by(journal.c.seq)
    .limit(MOST_LINES)
)


@dataclass(frozen=True, slots=True)
class Order:
    """One line of the journal that asks for a slip; ``ref`` names the visit, or the dose of a first slip."""

    seq: int
    at: datetime
    station: str | None
    ref: UUID
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stands on a queue ticket."""

    visit_id: UUID
    number: int
    code: str = field(repr=False)
    masked_name: str = field(repr=False)
    checked_in_at: datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """What stands on an observation slip; ``leave_at`` counts from the last dose of the visit."""

    visit_id: UUID
    number: int
    code: str = field(repr=False)
    masked_name: str = field(repr=False)
    product_name: str
    dose_number: int | None
    lot_number: str
    volume_ul: int
    given_at: datetime
    leave_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """The slips a visit has come to, each with the line of the journal that asked for it first."""

    visit_id: UUID
    number: int
    lines: Mapping[SlipKind, int]


def orders_after(connection: Connection, seq: int) -> Sequence[Order]:
    """Return the next lines that ask for a slip, in the journal's order, ``MOST_LINES`` at most."""
    rows = connection.execute(_asking_after, {"seq": seq})
    return [Order(row.seq, row.at, row.station, UUID(row.ref), WANTED[row.kind]) for row in rows]


def contents_of(connection: Connection, keyring: Keyring, order: Order) -> Ticket | Observation:
    """Return what stands on the slip that was asked for, as it is recorded now."""
    if order.wanted.kind is SlipKind.TICKET:
        return _ticket(connection, keyring, order.ref)
    return _observation(connection, keyring, order)


def asked_for(connection: Connection, visit_id: UUID) -> Asked:
    """Return the slips a visit has come to, or raise VisitUnknown."""
    opened = connection.execute(
        select(visit.c.ticket_number, visit.c.journal_seq).where(visit.c.id == visit_id)
    ).one_or_none()
    if opened is None:
        raise VisitUnknown
    watched = connection.execute(select(func.max(watch.c.journal_seq)).where(watch.c.visit_id == visit_id)).scalar()
    lines = {SlipKind.TICKET: opened.journal_seq} | ({} if watched is None else {SlipKind.OBSERVATION: watched})
    return Asked(visit_id, opened.ticket_number, lines)


def _ticket(connection: Connection, keyring: Keyring, visit_id: UUID) -> Ticket:
    held = _visit(connection, visit_id)
    masked_name = person(connection, keyring, held.person_id).masked_name
    return Ticket(visit_id, held.ticket_number, _code(keyring, held), masked_name, held.opened_at)


def _leave_at(connection: Connection, visit_id: UUID) -> datetime | None:
    """Return when the person of a visit may leave, whichever visit of their stay they are watched on by now."""
    return due_at(connection, visit_that_counts(connection, visit_id))


def _observation(connection: Connection, keyring: Keyring, order: Order) -> Observation:
    """Find the dose by itself, or for a copy the last one of the visit."""
    named = dose.c.visit_id if order.wanted.is_copy else dose.c.id
    given = connection.execute(
        select(dose).where(named == order.ref).order_by(dose.c.journal_seq.desc()).limit(1)
    ).one()
    held = _visit(connection, given.visit_id)
    unit, leave_at = unit_by_id(connection, given.unit_id), _leave_at(connection, given.visit_id)
    if unit is None or leave_at is None:
        raise LookupError("a dose without its unit or its observation")
    return Observation(
        given.visit_id,
        held.ticket_number,
        _code(keyring, held),
        person(connection, keyring, held.person_id).masked_name,
        require_product(connection, given.product_code).name,
        given.dose_number,
        unit.lot_number,
        given.volume_ul,
        given.given_at,
        leave_at,
    )


def _visit(connection: Connection, visit_id: UUID) -> Any:
    return connection.execute(
        select(visit.c.id, visit.c.business_on, visit.c.ticket_number, visit.c.person_id, visit.c.opened_at).where(
            visit.c.id == visit_id
        )
    ).one()


def _code(keyring: Keyring, held: Any) -> str:
    return slip_code(keyring, held.id, held.business_on, held.ticket_number)
