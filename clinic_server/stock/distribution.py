"""Units on their way through the site: from store to store, out to a bench and back, from bench to bench."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import UnitFacts, passed_over
from clinic_server.stock.units import move_units, require_known, units_in
from clinic_server.stock.whereabouts import (
    STOCK,
    EarlierExpiryFirst,
    MovementKind,
    PlaceFacts,
    PlaceKind,
)


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """Units to be brought into a place; ``reason`` says why units that expire earlier are passed over."""

    to_place: str
    trace_codes: Sequence[str]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Transferred:
    """How many units went into a place; ``movement_id`` is the first of their movements."""

    movement_id: UUID
    place_code: str
    units: int


def transfer(tx: Tx, new: NewTransfer) -> Transferred:
    """Bring units into a place, all of them or none; raise EarlierExpiryFirst where an earlier one is passed over."""
    to = require_place(tx.connection, new.to_place)
    units = [require_known(tx.connection, code) for code in dict.fromkeys(new.trace_codes)]
    if new.reason is None and to.kind is PlaceKind.BENCH_BOX:
        _refuse_passing_over(tx, units)
    movements = []
    for kind in MovementKind:
        if group := [one for one in units if _kind(one, to) is kind]:
            movements += move_units(tx, kind, group, to, new.reason)
    tx.journal("units_moved", movements[0], STOCK)
    return Transferred(movements[0], to.code, len(units))


def _kind(unit: UnitFacts, to: PlaceFacts) -> MovementKind:
    """Say what it is called when this unit goes to this place."""
    if to.kind is PlaceKind.BENCH_BOX:
        return MovementKind.ISSUED if unit.station is None else MovementKind.LENT
    return MovementKind.MOVED if unit.station is None else MovementKind.TAKEN_BACK


def _refuse_passing_over(tx: Tx, units: Sequence[UnitFacts]) -> None:
    stores = {one.place_id for one in units if one.place_id and one.station is None}
    standing = [one for place_id in stores for one in units_in(tx.connection, place_id)]
    if earlier := passed_over(units, standing, tx.local_date):
        raise EarlierExpiryFirst(trace_code=earlier.trace_code, lot_number=earlier.lot_number)
