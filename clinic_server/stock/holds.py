"""Units set apart until a named person has decided about them: held one by one, by lot, or by place."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, exists, select

from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.staff.rules import Role
from clinic_server.stock.place_holds import hold_units
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import UnitFacts
from clinic_server.stock.tables import UnitHoldEnded, unit, unit_hold, unit_hold_ended, unit_now
from clinic_server.stock.unit_rows import still_held
from clinic_server.stock.units import (
    require_known,
    unit_by_id,
    units_in,
    units_where,
)
from clinic_server.stock.whereabouts import (
    STOCK,
    HoldEnd,
    HoldReason,
    NeedsDisposition,
    NothingToHold,
    UnitNotHeld,
    UnitUnknown,
)

HOLDERS = frozenset({Role.VACCINATOR, Role.PHYSICIAN, Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD})
DECIDERS = frozenset({Role.PHYSICIAN, Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD})
_MOST_IN_A_QUESTION = 5_000


@dataclass(frozen=True, slots=True)
class NewHold:
    """What is set apart: units by their codes, or everything in a place, of one lot where ``lot_number`` is told."""

    reason: HoldReason
    trace_codes: Sequence[str] = ()
    place_code: str | None = None
    lot_number: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """How many units were set apart."""

    units: int


@dataclass(frozen=True, slots=True)
class HeldUnit:
    """A held unit; ``end`` is what was decided of one that stays out of use."""

    unit: UnitFacts
    reason: HoldReason
    note: str | None
    held_at: datetime
    end: HoldEnd | None


def hold(tx: Tx, new: NewHold) -> Held:
    """Set units apart, all of them or none; raise UnitUnknown or NothingToHold."""
    require_signed_in(tx)
    units = [require_known(tx.connection, code) for code in dict.fromkeys(new.trace_codes)]
    if new.place_code is not None:
        inside = units_in(tx.connection, require_place(tx.connection, new.place_code).place_id)
        units += [one for one in inside if new.lot_number in {None, one.lot_number}]
    found = [one.unit_id for one in units if one.doses_left > 0]
    if not found:
        raise NothingToHold
    count = hold_units(tx, found, new.reason, new.note)
    tx.journal("units_held", None, STOCK)
    return Held(count)


def decide(tx: Tx, unit_id: UUID, end: HoldEnd, note: str) -> Held:
    """Record what becomes of a held unit; only one released may be used again.

    Raises UnitUnknown, UnitNotHeld, or NeedsDisposition for one that only its temperature holds.
    """
    require_signed_in(tx)
    if unit_by_id(tx.connection, unit_id) is None:
        raise UnitUnknown
    if not end_holds(tx, unit_id, end, note):
        raise NeedsDisposition if _is_undecided(tx, unit_hold.c.unit_id == unit_id) else UnitNotHeld
    tx.journal("hold_ended", unit_id, STOCK)
    return Held(1)


def end_holds(tx: Tx, unit_id: UUID, end: HoldEnd, note: str) -> int:
    """Record a decision about every hold of a unit that has none yet; return how many there were.

    What was held for its temperature stays so: that takes a disposition (``dispose``).
    """
    meant = and_(unit_hold.c.unit_id == unit_id, unit_hold.c.reason != HoldReason.TEMPERATURE)
    return _end(tx, meant, end, note)


def dispose(tx: Tx, unit_ids: Iterable[UUID], cause_id: UUID | None, end: HoldEnd, note: str) -> int:
    """End what holds units for their temperature, from one excursion or by hand; the caller has the disposition.

    Returns how many there were; the caller journals.
    """
    meant = and_(
        unit_hold.c.unit_id.in_(list(unit_ids)), unit_hold.c.reason == HoldReason.TEMPERATURE, _is_from(cause_id)
    )
    return _end(tx, meant, end, note)


def refuse_undecided(tx: Tx, unit_ids: Iterable[UUID]) -> None:
    """Raise NeedsDisposition for units out of their temperature of which nobody has decided with what it rests on."""
    meant = and_(unit_hold.c.unit_id.in_(list(unit_ids)), unit_hold.c.reason == HoldReason.TEMPERATURE)
    if _is_undecided(tx, meant):
        raise NeedsDisposition


def release_from(tx: Tx, cause_id: UUID, note: str) -> int:
    """Release what was held for one cause, which is no more; other holds of the same units stand."""
    return _end(tx, unit_hold.c.cause_id == cause_id, HoldEnd.RELEASED, note)


def held_for(connection: Connection, reason: HoldReason, cause_id: UUID | None) -> frozenset[UUID]:
    """Return the units that one cause holds, or somebody by hand, and of which nobody has decided yet."""
    rows = connection.execute(
        select(unit_hold.c.unit_id).where(unit_hold.c.reason == reason, _is_from(cause_id), _undecided())
    )
    return frozenset(rows.scalars())


def released_from(connection: Connection, unit_ids: Iterable[UUID], cause_id: UUID) -> Sequence[UUID]:
    """Return which of these units one cause held and somebody released, and are still here to be used."""
    asked, released = list(unit_ids), set[UUID]()
    for first in range(0, len(asked), _MOST_IN_A_QUESTION):
        rows = connection.execute(
            select(unit_hold.c.unit_id, unit_hold_ended.c.end)
            .outerjoin(unit_hold_ended, unit_hold_ended.c.hold_id == unit_hold.c.id)
            .join(unit_now, unit_now.c.unit_id == unit_hold.c.unit_id)
            .where(unit_hold.c.unit_id.in_(asked[first : first + _MOST_IN_A_QUESTION]))
            .where(unit_hold.c.cause_id == cause_id, unit_now.c.doses_left > 0)
        ).all()
        released |= {row.unit_id for row in rows} - {row.unit_id for row in rows if row.end is not HoldEnd.RELEASED}
    return sorted(released)


def held_units(connection: Connection) -> Sequence[HeldUnit]:
    """Return every unit that is set apart and still here, the longest held first."""
    rows = connection.execute(
        select(
            unit_hold.c.unit_id,
            unit_hold.c.reason,
            unit_hold.c.note,
            unit_hold.c.held_at,
            unit_hold_ended.c.end,
        )
        .outerjoin(unit_hold_ended, unit_hold_ended.c.hold_id == unit_hold.c.id)
        .where(still_held())
        .order_by(unit_hold.c.journal_seq, unit_hold.c.id)
    ).all()
    ids = {row.unit_id for row in rows}
    units = {one.unit_id: one for one in units_where(connection, unit.c.id.in_(ids))}
    found = []
    for row in rows:
        one = units.get(row.unit_id)
        if one is not None and one.doses_left > 0:
            found.append(HeldUnit(one, row.reason, row.note, row.held_at, row.end))
    return found


def _end(tx: Tx, meant: Any, end: HoldEnd, note: str) -> int:
    standing = tx.execute(select(unit_hold.c.id).where(meant, _undecided())).scalars().all()
    for hold_id in standing:
        tx.append(UnitHoldEnded, hold_id=hold_id, end=end, note=note, ended_by=tx.actor.staff_id, ended_at=tx.now)
    return len(standing)


def _is_undecided(tx: Tx, meant: Any) -> bool:
    found: bool = tx.execute(select(exists().where(meant, _undecided()))).scalar_one()
    return found


def _is_from(cause_id: UUID | None) -> Any:
    return unit_hold.c.cause_id.is_(None) if cause_id is None else unit_hold.c.cause_id == cause_id


def _undecided() -> Any:
    return ~exists().where(unit_hold_ended.c.hold_id == unit_hold.c.id)
