"""The ledger: every dose goes from one account to another, by lot; nothing is ever taken from an empty place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, select

from clinic_server.kit.tx import Tx
from clinic_server.stock.tables import LedgerEntry, Movement, ledger_entry, movement
from clinic_server.stock.whereabouts import MovementKind

_last_of_account = (
    select(ledger_entry.c.number, ledger_entry.c.balance)
    .where(ledger_entry.c.account == bindparam("account"), ledger_entry.c.lot_id == bindparam("lot_id"))
    .order_by(ledger_entry.c.number.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Posting:
    """A movement to be recorded; the fields are those of ``tables.Movement``."""

    kind: MovementKind
    lot_id: UUID
    doses: int
    from_account: str
    to_account: str
    unit_id: UUID | None = None
    record_id: UUID | None = None
    reason: str | None = None
    note: str | None = None


def post(tx: Tx, posting: Posting) -> UUID:
    """Record a movement and both its entries. Whoever posts has seen that the doses are there."""
    movement_id = tx.append(
        Movement,
        kind=posting.kind,
        lot_id=posting.lot_id,
        doses=posting.doses,
        from_account=posting.from_account,
        to_account=posting.to_account,
        unit_id=posting.unit_id,
        record_id=posting.record_id,
        reason=posting.reason,
        note=posting.note,
        station=tx.actor.station,
        moved_by=tx.actor.staff_id,
        moved_at=tx.now,
    )
    _enter(tx, movement_id, posting.from_account, posting.lot_id, -posting.doses)
    _enter(tx, movement_id, posting.to_account, posting.lot_id, posting.doses)
    return movement_id


def balances_at(connection: Connection, at: datetime) -> Mapping[tuple[str, UUID], int]:
    """Return every account's balance of every lot as it stood at an instant, in doses; empty ones are left out."""
    latest = (
        select(ledger_entry.c.account, ledger_entry.c.lot_id, func.max(ledger_entry.c.number).label("number"))
        .join(movement, movement.c.id == ledger_entry.c.movement_id)
        .where(movement.c.moved_at <= at)
        .group_by(ledger_entry.c.account, ledger_entry.c.lot_id)
        .subquery()
    )
    rows = connection.execute(
        select(ledger_entry.c.account, ledger_entry.c.lot_id, ledger_entry.c.balance).join(
            latest,
            and_(
                latest.c.account == ledger_entry.c.account,
                latest.c.lot_id == ledger_entry.c.lot_id,
                latest.c.number == ledger_entry.c.number,
            ),
        )
    )
    return {(row.account, row.lot_id): row.balance for row in rows if row.balance}


def balance_of(connection: Connection, account: str, lot_id: UUID) -> int:
    """Return how many doses of a lot an account holds now."""
    last = _last_entry(connection, account, lot_id)
    return 0 if last is None else last[1]


def _enter(tx: Tx, movement_id: UUID, account: str, lot_id: UUID, doses: int) -> None:
    last = _last_entry(tx.connection, account, lot_id)
    previous, before = last or (None, 0)
    tx.append(
        LedgerEntry,
        movement_id=movement_id,
        account=account,
        lot_id=lot_id,
        number=(previous or 0) + 1,
        previous_number=previous,
        doses=doses,
        balance_before=before,
        balance=before + doses,
    )


def _last_entry(connection: Connection, account: str, lot_id: UUID) -> tuple[int, int] | None:
    row = connection.execute(_last_of_account, {"account": account, "lot_id": lot_id}).first()
    return None if row is None else (row.number, row.balance)
