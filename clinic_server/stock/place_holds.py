"""Units set apart one by one, and places where whatever arrives is set apart: until the cause is over there."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exists, select

from clinic_server.kit.tx import Tx
from clinic_server.stock.tables import PlaceHold, PlaceHoldEnded, UnitHold, place_hold, place_hold_ended
from clinic_server.stock.whereabouts import HoldReason


def hold_units(
    tx: Tx, unit_ids: Iterable[UUID], reason: HoldReason, note: str | None = None, cause_id: UUID | None = None
) -> int:
    """Hold units until somebody has decided about them; return how many."""
    count = 0
    for unit_id in unit_ids:
        tx.append(
            UnitHold,
            unit_id=unit_id,
            reason=reason,
            note=note,
            cause_id=cause_id,
            held_by=tx.actor.staff_id,
            held_at=tx.now,
        )
        count += 1
    return count


def hold_place(tx: Tx, place_id: UUID, reason: HoldReason, cause_id: UUID) -> None:
    """Set apart whatever comes into a place from now on; nothing is added where this cause holds it already."""
    if not tx.execute(select(exists().where(place_hold.c.cause_id == cause_id, _is_standing()))).scalar_one():
        tx.append(PlaceHold, place_id=place_id, reason=reason, cause_id=cause_id, held_at=tx.now)


def end_place_hold(tx: Tx, cause_id: UUID) -> None:
    """Let units come into a place again without being set apart; those that were wait for their decision."""
    standing = tx.execute(select(place_hold.c.id).where(place_hold.c.cause_id == cause_id, _is_standing())).scalars()
    for hold_id in standing.all():
        tx.append(PlaceHoldEnded, hold_id=hold_id, ended_at=tx.now)


def hold_arrival(tx: Tx, unit_id: UUID, place_id: UUID | None) -> None:
    """Set apart a unit that just came into a place where everything is; the caller journals."""
    causes = tx.execute(
        select(place_hold.c.reason, place_hold.c.cause_id).where(place_hold.c.place_id == place_id, _is_standing())
    )
    for one in causes.all():
        hold_units(tx, [unit_id], one.reason, cause_id=one.cause_id)


def is_place_held(connection: Connection, place_id: UUID) -> bool:
    """Tell whether whatever comes into a place is set apart."""
    held: bool = connection.execute(
        select(exists().where(place_hold.c.place_id == place_id, _is_standing()))
    ).scalar_one()
    return held


def _is_standing() -> Any:
    return ~exists().where(place_hold_ended.c.hold_id == place_hold.c.id)
