"""What becomes of a unit: it comes in, moves, is opened, drawn from, wasted, held; each act posts to the ledger."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, exists, select, update

from clinic_server.kit.tx import Tx
from clinic_server.stock import vaccines
from clinic_server.stock.ledger import Posting, post
from clinic_server.stock.place_holds import hold_arrival
from clinic_server.stock.rules import UnitFacts
from clinic_server.stock.tables import (
    Draw,
    UnitMove,
    UnitNow,
    UnitOpened,
    UnitReturn,
    draw,
    movement,
    product,
    unit,
    unit_move,
    unit_now,
    unit_return,
)
from clinic_server.stock.unit_rows import unit_rows
from clinic_server.stock.whereabouts import (
    GainReason,
    MovementKind,
    Outside,
    PlaceFacts,
    UnitIsEmpty,
    UnitIsHeld,
    UnitNotHere,
    UnitNotMissing,
    UnitUnknown,
    WasteReason,
)


@dataclass(frozen=True, slots=True)
class Removal:
    """Why units leave the site's places for good, and to where: destroyed, sent away, missing at a count."""

    kind: MovementKind
    to: Outside
    reason: str
    record_id: UUID | None = None


def unit_by_code(connection: Connection, trace_code: str) -> UnitFacts | None:
    """Return the unit with this trace code as it stands now."""
    row = connection.execute(_by_code, {"code": trace_code}).first()
    return None if row is None else _facts(row)


def unit_by_id(connection: Connection, unit_id: UUID) -> UnitFacts | None:
    """Return one unit as it stands now."""
    row = connection.execute(_by_id, {"unit_id": unit_id}).first()
    return None if row is None else _facts(row)


def units_in(connection: Connection, place_id: UUID) -> Sequence[UnitFacts]:
    """Return the units in a place that hold anything, the earliest expiry first."""
    return units_where(connection, unit_now.c.place_id == place_id, unit_now.c.doses_left > 0)


def opened_in(connection: Connection, place_id: UUID, product_code: str) -> Sequence[UnitFacts]:
    """Return the opened units of a product in a place that still hold something."""
    is_open = (unit_now.c.opened_at.is_not(None), unit_now.c.doses_left > 0)
    return units_where(connection, unit_now.c.place_id == place_id, product.c.code == product_code, *is_open)


def units_by_code(connection: Connection, trace_codes: Iterable[str]) -> Mapping[str, UnitFacts | None]:
    """Return what stock knows of each code, None of one that was never received."""
    codes = list(dict.fromkeys(trace_codes))
    known = {one.trace_code: one for one in units_where(connection, unit.c.trace_code.in_(codes))}
    return {code: known.get(code) for code in codes}


def units_where(connection: Connection, *conditions: Any) -> Sequence[UnitFacts]:
    """Return units as they stand now, by expiry and trace code; conditions speak of unit, lot, product, unit_now."""
    rows = connection.execute(unit_rows().where(*conditions))
    return [_facts(row) for row in rows]


def take_in(tx: Tx, lot_id: UUID, units: Sequence[tuple[UUID, int]], to: PlaceFacts, record_id: UUID | None) -> None:
    """Put units that just arrived, each with its doses, into their first place."""
    doses = sum(count for _, count in units)
    posting = Posting(MovementKind.RECEIVED, lot_id, doses, Outside.SUPPLIER, to.code, record_id=record_id)
    movement_id = post(tx, posting)
    for unit_id, count in units:
        tx.insert(UnitNow, unit_id=unit_id, lot_id=lot_id, place_id=to.place_id, moves=1, doses_left=count)
        _append_move(tx, movement_id, unit_id, 1, (None, to.place_id))


def move_units(
    tx: Tx,
    kind: MovementKind,
    units: Sequence[UnitFacts],
    to: PlaceFacts,
    reason: str | None = None,
) -> list[UUID]:
    """Bring units from wherever they stand into another place; raise UnitIsEmpty, UnitIsHeld or UnitNotHere.

    Returns the movements, one for each lot and place of origin.
    """
    for one in units:
        refuse_unmovable(one)
    return carry_units(tx, kind, units, to, reason)


def carry_units(
    tx: Tx, kind: MovementKind, units: Sequence[UnitFacts], to: PlaceFacts, reason: str | None = None
) -> list[UUID]:
    """Bring units, held or not, into another place: vaccine is carried out of a warm fridge before anybody decides."""
    for one in units:
        refuse_gone(one)
        if one.place_code == to.code:
            raise UnitNotHere(trace_code=one.trace_code)
    movements = []
    for (lot_id, origin), group in _grouped(units).items():
        doses = sum(one.doses_left for one in group)
        movement_id = post(tx, Posting(kind, lot_id, doses, origin, to.code, reason=reason))
        _move_each(tx, movement_id, group, to.place_id)
        movements.append(movement_id)
    return movements


def remove_units(tx: Tx, units: Sequence[UnitFacts], removal: Removal) -> list[UUID]:
    """Take whole units out of the site's places for good; return the movements, one for each lot and place."""
    movements = []
    for (lot_id, origin), group in _grouped(units).items():
        doses = sum(one.doses_left for one in group)
        why = {"reason": removal.reason, "record_id": removal.record_id}
        movement_id = post(tx, Posting(removal.kind, lot_id, doses, origin, removal.to, **why))  # type: ignore[arg-type]  # as Posting names them
        _move_each(tx, movement_id, group, None)
        _set_left(tx, [one.unit_id for one in group], 0)
        movements.append(movement_id)
    return movements


def find_unit(tx: Tx, facts: UnitFacts, to: PlaceFacts, record_id: UUID) -> UUID:
    """Take back what a count had missed, with what was left in it; raise UnitNotMissing where none had."""
    last = select(movement.c.kind).join(unit_move, unit_move.c.movement_id == movement.c.id)
    latest = last.where(unit_move.c.unit_id == facts.unit_id).order_by(unit_move.c.number.desc()).limit(1)
    doses = _undrawn(tx, facts)
    if tx.execute(latest).scalar() != MovementKind.MISSING or doses == 0:
        raise UnitNotMissing(trace_code=facts.trace_code)
    accounts = (Outside.DIFFERENCE, to.code)
    movement_id = post(tx, Posting(MovementKind.FOUND, facts.lot_id, doses, *accounts, facts.unit_id, record_id))
    _move_each(tx, movement_id, [facts], to.place_id)
    _set_left(tx, [facts.unit_id], doses)
    return movement_id


def draw_dose(tx: Tx, facts: UnitFacts) -> UUID:
    """Record that the unit's next dose was drawn; the first of several opens the unit."""
    if facts.place_code is None:
        raise UnitNotHere(trace_code=facts.trace_code)
    draw_id = tx.append(
        Draw,
        unit_id=facts.unit_id,
        doses_per_unit=facts.doses_per_unit,
        draw_number=facts.doses_used + 1,
        drawn_at=tx.now,
        after_return_id=_return_to_follow(tx, facts.unit_id),
        gain_id=_gain_to_use(tx, facts),
    )
    if facts.doses_per_unit > 1 and facts.opened_at is None:
        open_unit(tx, facts)
    _post_for_unit(tx, facts, MovementKind.DRAWN, Outside.USED, 1, record_id=draw_id)
    _set_left(tx, [facts.unit_id], facts.doses_left - 1)
    return draw_id


def draw_given(tx: Tx, facts: UnitFacts, box: PlaceFacts) -> UUID:
    """Record the draw of a dose that is in somebody's arm already, whatever became of its unit in between.

    Where nothing is left by the unit's records, or it has left the site's places, the dose is gained in the bench's
    box first: what is in an arm was in the vial.
    """
    stands = facts if facts.place_code else replace(facts, place_id=box.place_id, place_code=box.code)
    if stands.doses_left > 0:
        return draw_dose(tx, stands)
    gain_dose(tx, stands, GainReason.NEEDLE_WAS_IN)
    return draw_dose(tx, replace(stands, doses_left=1))


def return_draw(tx: Tx, draw_id: UUID, confirmed_by: UUID) -> UUID:
    """Record that nothing was drawn after all; the unit may be used again."""
    return_id = tx.append(UnitReturn, draw_id=draw_id, confirmed_by=confirmed_by, returned_at=tx.now)
    unit_id = tx.execute(select(draw.c.unit_id).where(draw.c.id == draw_id)).scalar_one()
    facts = require_unit(tx.connection, unit_id)
    if facts.place_code is None:
        raise UnitNotHere(trace_code=facts.trace_code)
    accounts = (Outside.USED, facts.place_code)
    post(tx, Posting(MovementKind.DRAW_RETURNED, facts.lot_id, 1, *accounts, unit_id, return_id))
    _set_left(tx, [unit_id], facts.doses_left + 1)
    return return_id


def open_unit(tx: Tx, facts: UnitFacts) -> UUID:
    """Record that a unit of several doses was opened: its minutes run from now."""
    opened_id = tx.append(
        UnitOpened,
        unit_id=facts.unit_id,
        station=tx.actor.station,
        opened_by=tx.actor.staff_id,
        opened_at=tx.now,
    )
    tx.execute(update(unit_now).where(unit_now.c.unit_id == facts.unit_id).values(opened_at=tx.now))
    return opened_id


def waste_doses(tx: Tx, facts: UnitFacts, doses: int, reason: WasteReason, note: str | None = None) -> UUID:
    """Record that doses of a unit will never be given, or raise UnitIsEmpty."""
    if not 0 < doses <= facts.doses_left:
        raise UnitIsEmpty(trace_code=facts.trace_code)
    movement_id = _post_for_unit(tx, facts, MovementKind.WASTED, Outside.WASTED, doses, reason=reason, note=note)
    _set_left(tx, [facts.unit_id], facts.doses_left - doses)
    return movement_id


def gain_dose(tx: Tx, facts: UnitFacts, reason: GainReason, note: str | None = None) -> UUID:
    """Record that a unit held one dose more than it says."""
    if facts.place_code is None:
        raise UnitNotHere(trace_code=facts.trace_code)
    posting = Posting(
        MovementKind.GAINED,
        facts.lot_id,
        1,
        Outside.GAINED,
        facts.place_code,
        unit_id=facts.unit_id,
        reason=reason,
        note=note,
    )
    movement_id = post(tx, posting)
    _set_left(tx, [facts.unit_id], facts.doses_left + 1)
    return movement_id


def require_known(connection: Connection, trace_code: str) -> UnitFacts:
    """Return the unit with this trace code, or raise UnitUnknown."""
    found = unit_by_code(connection, trace_code)
    if found is None:
        raise UnitUnknown
    return found


def require_unit(connection: Connection, unit_id: UUID) -> UnitFacts:
    """Return a unit that is known to be there."""
    facts = unit_by_id(connection, unit_id)
    if facts is None:
        raise LookupError(unit_id)
    return facts


def refuse_gone(facts: UnitFacts) -> None:
    """Raise unless the unit stands in a place and there is something in it."""
    if facts.place_code is None:
        raise UnitNotHere(trace_code=facts.trace_code)
    if facts.doses_left == 0:
        raise UnitIsEmpty(trace_code=facts.trace_code)


def refuse_unmovable(facts: UnitFacts) -> None:
    """Raise unless there is something in the unit, it stands in a place and nothing holds it there."""
    refuse_gone(facts)
    if facts.is_held:
        raise UnitIsHeld(trace_code=facts.trace_code)


def _facts(row: Any) -> UnitFacts:
    *told, opened_at, own_minutes, place_id, place_code, station, is_held = row
    stands = {"place_id": place_id, "place_code": place_code, "station": station, "is_held": is_held}
    facts = UnitFacts(*told, **stands)
    if opened_at is None:
        return facts
    return replace(facts, opened_at=opened_at, open_until=_open_until(facts, opened_at, own_minutes))


def _open_until(facts: UnitFacts, opened_at: datetime, own_minutes: int | None) -> datetime:
    """Return when an opened unit is no longer good; at once where nobody said how long it is."""
    minutes = vaccines.open_vial_minutes(facts.vaccine_code, opened_at.date()) or 0
    return opened_at + timedelta(minutes=min(minutes, own_minutes or minutes))


def _grouped(units: Iterable[UnitFacts]) -> dict[tuple[UUID, str], list[UnitFacts]]:
    groups: dict[tuple[UUID, str], list[UnitFacts]] = defaultdict(list)
    for one in units:
        if one.place_code is None:
            raise UnitNotHere(trace_code=one.trace_code)
        groups[one.lot_id, one.place_code].append(one)
    return groups


def _move_each(tx: Tx, movement_id: UUID, units: Iterable[UnitFacts], to_place_id: UUID | None) -> None:
    for one in units:
        moves = tx.execute(select(unit_now.c.moves).where(unit_now.c.unit_id == one.unit_id)).scalar_one()
        _append_move(tx, movement_id, one.unit_id, moves + 1, (one.place_id, to_place_id))
        moved = {"place_id": to_place_id, "moves": moves + 1}
        tx.execute(update(unit_now).where(unit_now.c.unit_id == one.unit_id).values(moved))


def _append_move(
    tx: Tx, movement_id: UUID, unit_id: UUID, number: int, from_to: tuple[UUID | None, UUID | None]
) -> None:
    tx.append(
        UnitMove,
        movement_id=movement_id,
        unit_id=unit_id,
        number=number,
        from_place_id=from_to[0],
        to_place_id=from_to[1],
        moved_at=tx.now,
    )
    hold_arrival(tx, unit_id, from_to[1])


def _post_for_unit(tx: Tx, facts: UnitFacts, kind: MovementKind, to: Outside, doses: int, **about: Any) -> UUID:
    """Post doses of one unit from where it stands; ``about`` is what else Posting holds."""
    if facts.place_code is None:
        raise UnitNotHere(trace_code=facts.trace_code)
    return post(tx, Posting(kind, facts.lot_id, doses, facts.place_code, to, unit_id=facts.unit_id, **about))


def _set_left(tx: Tx, unit_ids: Sequence[UUID], doses_left: int) -> None:
    for unit_id in unit_ids:
        tx.execute(_leave, {"of_unit": unit_id, "doses_left": doses_left})


def _undrawn(tx: Tx, facts: UnitFacts) -> int:
    """Return what a unit's own records say is left in it, wherever it may be."""
    signs = {MovementKind.GAINED: 1, MovementKind.WASTED: -1}
    own = (movement.c.unit_id == facts.unit_id, movement.c.kind.in_(signs))
    moved = tx.execute(select(movement.c.kind, movement.c.doses).where(*own))
    moved_doses: int = sum(signs[row.kind] * row.doses for row in moved)
    return facts.doses_per_unit - facts.doses_used + moved_doses


def _return_to_follow(tx: Tx, unit_id: UUID) -> UUID | None:
    """Return the return of a unit's last draw, if it was returned: only then does a further draw follow it."""
    found: UUID | None = tx.execute(_return_of_last_draw, {"unit_id": unit_id}).scalar()
    return found


def _gain_to_use(tx: Tx, facts: UnitFacts) -> UUID | None:
    """Return the gain that a draw beyond the unit's doses rests on."""
    if facts.doses_used < facts.doses_per_unit:
        return None
    taken = exists().where(draw.c.gain_id == movement.c.id)
    found: UUID | None = tx.execute(
        select(movement.c.id)
        .where(movement.c.unit_id == facts.unit_id, movement.c.kind == MovementKind.GAINED, ~taken)
        .limit(1)
    ).scalar()
    return found


_by_code = unit_rows().where(unit.c.trace_code == bindparam("code"))
_by_id = unit_rows().where(unit.c.id == bindparam("unit_id"))
_leave = update(unit_now).where(unit_now.c.unit_id == bindparam("of_unit"))
_last_draw = (
    select(draw.c.id).where(draw.c.unit_id == bindparam("unit_id")).order_by(draw.c.journal_seq.desc()).limit(1)
)
_return_of_last_draw = select(unit_return.c.id).where(unit_return.c.draw_id == _last_draw.scalar_subquery())
