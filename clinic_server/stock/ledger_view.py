"""The ledger as people read it: what each place held at an instant, and the movements of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, or_, select

from clinic_server.stock.ledger import balances_at
from clinic_server.stock.tables import lot, movement, product, unit
from clinic_server.stock.whereabouts import MovementKind


@dataclass(frozen=True, slots=True)
class StoodThen:
    """Doses of a lot that an account held at an instant."""

    account: str
    product_code: str
    product_name: str
    lot_number: str
    expires_on: date
    doses: int


@dataclass(frozen=True, slots=True)
class MovementSeen:
    """A movement as the ledger shows it; ``trace_code`` is None where no single unit is meant."""

    movement_id: UUID
    kind: MovementKind
    product_code: str
    product_name: str
    lot_number: str
    doses: int
    from_account: str
    to_account: str
    trace_code: str | None
    reason: str | None
    note: str | None
    station: str | None
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class MovementsAsked:
    """Which movements are asked for: from ``since`` until just before ``until``, of one account or lot where told."""

    since: datetime
    until: datetime
    account: str | None = None
    lot_number: str | None = None


def stood_at(connection: Connection, at: datetime) -> Sequence[StoodThen]:
    """Return what each account held of each lot at an instant, places before the outside."""
    then = balances_at(connection, at)
    rows = connection.execute(
        select(lot.c.id, product.c.code, product.c.name, lot.c.number, lot.c.expires_on)
        .join(product, product.c.id == lot.c.product_id)
        .where(lot.c.id.in_({lot_id for _, lot_id in then}))
    )
    lots = {row[0]: row[1:] for row in rows}
    found = [_stood(account, lots[lot_id], doses) for (account, lot_id), doses in then.items()]
    return sorted(found, key=lambda one: (one.account.startswith("="), one.account, one.expires_on, one.lot_number))


def movements(connection: Connection, asked: MovementsAsked, limit: int) -> Sequence[MovementSeen]:
    """Return the movements of a span, the latest first."""
    conditions = [movement.c.moved_at >= asked.since, movement.c.moved_at < asked.until]
    if asked.account is not None:
        conditions.append(or_(movement.c.from_account == asked.account, movement.c.to_account == asked.account))
    if asked.lot_number is not None:
        conditions.append(lot.c.number == asked.lot_number)
    columns: tuple[Any, ...] = (
        movement.c.id,
        movement.c.kind,
        product.c.code,
        product.c.name,
        lot.c.number,
        movement.c.doses,
        movement.c.from_account,
        movement.c.to_account,
        unit.c.trace_code,
        movement.c.reason,
        movement.c.note,
        movement.c.station,
        movement.c.moved_at,
    )
    rows = connection.execute(
        select(*columns)
        .join(lot, lot.c.id == movement.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .outerjoin(unit, unit.c.id == movement.c.unit_id)
        .where(*conditions)
        .order_by(movement.c.journal_seq.desc(), movement.c.id)
        .limit(limit)
    )
    return [MovementSeen(*row) for row in rows]


def _stood(account: str, told: Any, doses: int) -> StoodThen:
    code, name, number, expires_on = told
    return StoodThen(account, code, name, number, expires_on, doses)
