"""The box of a bench: what stands in it, waste and extra doses of its vials, and those whose minutes are over."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.kit.errors import NotPermitted
from clinic_server.kit.tx import Tx
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import AtBench, NothingLeftToGain, UnitFacts
from clinic_server.stock.stops import standing_stops
from clinic_server.stock.tables import lot, movement, product, unit_now
from clinic_server.stock.units import gain_dose, unit_by_id, units_in, units_where, waste_doses
from clinic_server.stock.vials import InBox, seen_in_box
from clinic_server.stock.whereabouts import STOCK, GainReason, MovementKind, PlaceFacts, UnitUnknown, WasteReason

_LONGEST_OPEN = timedelta(days=28)  # a multi-dose vial policy of WHO allows no more
KEEPERS = frozenset({Role.COLD_CHAIN_KEEPER, Role.SITE_LEAD})


@dataclass(frozen=True, slots=True)
class NewWaste:
    """Doses that will never be given; all that is left where ``doses`` is None."""

    unit_id: UUID
    reason: WasteReason
    doses: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """The movement an act became, in doses."""

    movement_id: UUID
    doses: int


def waste(tx: Tx, new: NewWaste) -> Moved:
    """Record doses that will never be given, or raise UnitUnknown, UnitIsEmpty or NotPermitted at another's box."""
    unit = _own_unit(tx, new.unit_id)
    doses = unit.doses_left if new.doses is None else new.doses
    movement_id = waste_doses(tx, unit, doses, new.reason, new.note)
    tx.journal("doses_wasted", movement_id, STOCK)
    return Moved(movement_id, doses)


def gain(tx: Tx, unit_id: UUID, reason: GainReason) -> Moved:
    """Record that an emptied vial holds one dose more than it says, or raise NothingLeftToGain."""
    unit = _own_unit(tx, unit_id)
    is_over = unit.open_until is not None and tx.now > unit.open_until
    if unit.opened_at is None or unit.doses_left > 0 or is_over or unit.is_held:
        raise NothingLeftToGain(trace_code=unit.trace_code)
    movement_id = gain_dose(tx, unit, reason)
    tx.journal("dose_gained", movement_id, STOCK)
    return Moved(movement_id, 1)


def overdue(connection: Connection, now: datetime) -> list[UnitFacts]:
    """Return the opened vials that still hold something and are no longer good."""
    opened = units_where(connection, unit_now.c.opened_at.is_not(None), unit_now.c.doses_left > 0)
    return [unit for unit in opened if unit.open_until is not None and now > unit.open_until]


def waste_overdue(tx: Tx) -> int:
    """Record as waste what is left in vials that were open too long; return how many vials."""
    found = overdue(tx.connection, tx.now)
    for unit in found:
        movement_id = waste_doses(tx, unit, unit.doses_left, WasteReason.OPEN_TOO_LONG)
        tx.journal("doses_wasted", movement_id, STOCK)
    return len(found)


def box_seen(connection: Connection, box: PlaceFacts, at: AtBench, since: datetime) -> list[InBox]:
    """Return what stands in a bench's box; ``since`` is when the clinic day began."""
    units = units_in(connection, box.place_id)
    return list(seen_in_box(units, at, standing_stops(connection), _in_use(connection, at.station, since)))


def emptied(connection: Connection, box: PlaceFacts, now: datetime) -> list[UnitFacts]:
    """Return the opened vials of a box that are empty by their label and still good: one may hold a dose more."""
    is_empty = (unit_now.c.doses_left == 0, unit_now.c.opened_at >= now - _LONGEST_OPEN)
    opened = units_where(connection, unit_now.c.place_id == box.place_id, *is_empty)
    return [unit for unit in opened if unit.open_until is not None and now <= unit.open_until]


def _in_use(connection: Connection, station: str | None, since: datetime) -> Mapping[str, UUID]:
    """Return the lot a bench drew from last, product by product, this clinic day."""
    drawn = (movement.c.kind == MovementKind.DRAWN, movement.c.station == station, movement.c.moved_at >= since)
    rows = connection.execute(
        select(product.c.code, movement.c.lot_id)
        .join(lot, lot.c.id == movement.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .where(*drawn)
        .order_by(movement.c.journal_seq)
    )
    return {row.code: row.lot_id for row in rows}


def _own_unit(tx: Tx, unit_id: UUID) -> UnitFacts:
    """Return a unit that the actor may speak for: one in the box of their bench, or any as a keeper."""
    unit = unit_by_id(tx.connection, unit_id)
    if unit is None:
        raise UnitUnknown
    if not KEEPERS & tx.actor.roles and (unit.station is None or unit.station != tx.actor.station):
        raise NotPermitted
    return unit
