"""Stop orders: from one instant on no bench gives the unit, lot or product, or anything, or one bench nothing.

Two people lift one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, exists, select

from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import StationPlace, require_signed_in, stations
from clinic_server.staff.rules import Role, StationKind
from clinic_server.stock.rules import (
    Stop,
    StopIsLifted,
    StopScope,
    StopTargetUnknown,
    StopUnknown,
    lot_code,
    refuse_lift,
)
from clinic_server.stock.scans import Scanned, unit_code
from clinic_server.stock.tables import (
    StopLifted,
    StopLiftProposed,
    StopOrder,
    lot,
    product,
    stop_lift_proposed,
    stop_lifted,
    stop_order,
    unit,
)
from clinic_server.stock.whereabouts import STOCK

LIFTERS = frozenset({Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD, Role.PHYSICIAN})
STOPPERS = LIFTERS | {Role.VACCINATOR}


@dataclass(frozen=True, slots=True)
class NewStop:
    """What is to be stopped, and why; ``target`` is a trace code, ``product/lot``, another code, or empty."""

    scope: StopScope
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class StopRef:
    """Which stop order an action was about."""

    stop_id: UUID


def place_stop(tx: Tx, new: NewStop) -> StopRef:
    """Stop something at every bench from this transaction on, or raise StopTargetUnknown."""
    placed_by = require_signed_in(tx)
    if not _KNOWN[new.scope](tx.connection, new.target):
        raise StopTargetUnknown
    stop_id = tx.append(
        StopOrder,
        scope=new.scope,
        target=new.target,
        reason=new.reason,
        placed_by=placed_by,
        placed_at=tx.now,
    )
    _tell(tx, stop_id)
    tx.journal("stop_placed", stop_id, STOCK)
    return StopRef(stop_id)


def propose_lift(tx: Tx, stop_id: UUID, reason: str) -> StopRef:
    """Say as the first of two people that a stop order may be lifted; it stands until the second agrees."""
    proposed_by = require_signed_in(tx)
    require_stop(tx.connection, stop_id)
    tx.append(StopLiftProposed, stop_id=stop_id, reason=reason, proposed_by=proposed_by, proposed_at=tx.now)
    tx.journal("stop_lift_proposed", stop_id, STOCK)
    return StopRef(stop_id)


def confirm_lift(tx: Tx, stop_id: UUID) -> StopRef:
    """Lift a stop order as the second of two people, or raise StopLiftNotProposed or SecondPersonNeeded."""
    confirmed_by = require_signed_in(tx)
    stop = require_stop(tx.connection, stop_id)
    refuse_lift(stop, confirmed_by)
    tx.append(
        StopLifted,
        stop_id=stop_id,
        proposal_id=_latest_proposal(tx.connection, stop_id),
        proposed_by=stop.lift_proposed_by,
        confirmed_by=confirmed_by,
        lifted_at=tx.now,
    )
    _tell(tx)
    tx.journal("stop_lifted", stop_id, STOCK)
    return StopRef(stop_id)


def target_of(scope: StopScope, told: str, recognise: Callable[[str], Scanned]) -> str:
    """Return the code of what is to be stopped; a unit's is read as a bench reads it."""
    return unit_code(recognise(told)) if scope is StopScope.UNIT else told


def standing_stops(connection: Connection) -> Sequence[Stop]:
    """Return every stop order that stands, the latest first; there are few, and each bench asks for them."""
    return [Stop(*row) for row in connection.execute(_standing)]


def require_stop(connection: Connection, stop_id: UUID) -> Stop:
    """Return a stop order that stands, or raise StopUnknown or StopIsLifted."""
    standing = {stop.stop_id: stop for stop in standing_stops(connection)}
    if stop_id in standing:
        return standing[stop_id]
    known = connection.execute(select(stop_order.c.id).where(stop_order.c.id == stop_id)).first()
    raise StopIsLifted if known else StopUnknown


def _tell(tx: Tx, new_id: UUID | None = None) -> None:
    """Let the alert say how much is stopped, without people's words; a new order calls anew, the last lift ends it."""
    stops = standing_stops(tx.connection)
    if stops:
        told = tell(Phrase.STOPPED, count=len(stops), stop_scope=stops[0].scope)
        raise_alarm(tx, Alarm(AlertKind.STOP_ORDER, Severity.ALARM, told, cause_id=new_id))
    else:
        recover(tx, AlertKind.STOP_ORDER)


def _latest_proposal(connection: Connection, stop_id: UUID) -> UUID:
    latest = select(stop_lift_proposed.c.id).where(stop_lift_proposed.c.stop_id == stop_id)
    found: UUID = connection.execute(latest.order_by(stop_lift_proposed.c.journal_seq.desc()).limit(1)).scalar_one()
    return found


def _unit_known(connection: Connection, code: str) -> bool:
    return connection.execute(select(unit.c.id).where(unit.c.trace_code == code)).first() is not None


def _lot_known(connection: Connection, code: str) -> bool:
    lots = connection.execute(select(product.c.code, lot.c.number).join(lot, lot.c.product_id == product.c.id))
    return any(lot_code(*row) == code for row in lots)


def _product_known(connection: Connection, code: str) -> bool:
    return connection.execute(select(product.c.id).where(product.c.code == code)).first() is not None


def _bench_known(connection: Connection, code: str) -> bool:
    return StationPlace(code, StationKind.INJECTION) in stations(connection)


_KNOWN: dict[StopScope, Callable[[Connection, str], bool]] = {
    StopScope.UNIT: _unit_known,
    StopScope.LOT: _lot_known,
    StopScope.PRODUCT: _product_known,
    StopScope.BENCH: _bench_known,
    StopScope.SITE: lambda _, code: not code,
}


def _standing_orders() -> Select[Any]:
    proposer = (
        select(stop_lift_proposed.c.proposed_by)
        .where(stop_lift_proposed.c.stop_id == stop_order.c.id)
        .order_by(stop_lift_proposed.c.journal_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            stop_order.c.id,
            stop_order.c.scope,
            stop_order.c.target,
            stop_order.c.reason,
            stop_order.c.placed_at,
            stop_order.c.placed_by,
            proposer,
        )
        .where(~exists().where(stop_lifted.c.stop_id == stop_order.c.id))
        .order_by(stop_order.c.journal_seq.desc())
    )


_standing = _standing_orders()
