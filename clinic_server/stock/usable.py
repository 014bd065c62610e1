"""The doses that could be given now: in a place of the site, of a lot in date, held by nobody, stopped by no order.

Vials that were open too long are not looked for: the server writes them off by itself (``overdue.py``).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, false, func, select, true

from clinic_server.stock.rules import Stop, StopScope
from clinic_server.stock.stops import standing_stops
from clinic_server.stock.tables import lot, place, product, unit, unit_now
from clinic_server.stock.units import is_held


@dataclass(frozen=True, slots=True)
class LotInPlace:
    """The usable doses of one lot in one place."""

    lot_id: UUID
    lot_number: str
    expires_on: date
    product_name: str
    vaccine_code: str
    place_code: str
    units: int
    doses: int


def usable_doses(connection: Connection, today: date, enough: int) -> int:
    """Return how many doses could be given today; it stops counting at units that hold ``enough`` for certain.

    A check-in asks whether the stock covers those who wait, so that its cost grows with the queue and not the stock.
    """
    usable = _usable(select(unit_now.c.doses_left), connection, today).limit(enough).subquery()
    return int(connection.execute(select(func.coalesce(func.sum(usable.c.doses_left), 0))).scalar_one())


def usable_lots(connection: Connection, today: date) -> Sequence[LotInPlace]:
    """Return the usable doses of every lot in every place, the earliest expiry first."""
    keys = (lot.c.id, lot.c.number, lot.c.expires_on, product.c.name, product.c.vaccine_code, place.c.code)
    counted = _usable(select(*keys, func.count(), func.sum(unit_now.c.doses_left)), connection, today)
    rows = connection.execute(counted.group_by(*keys).order_by(lot.c.expires_on, lot.c.number, place.c.code))
    return [LotInPlace(*row) for row in rows]


def _usable(wanted: Any, connection: Connection, today: date) -> Any:
    return (
        wanted.select_from(unit_now)
        .join(unit, unit.c.id == unit_now.c.unit_id)
        .join(lot, lot.c.id == unit_now.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .join(place, place.c.id == unit_now.c.place_id)
        .where(unit_now.c.doses_left > 0, lot.c.expires_on >= today, ~is_held())
        .where(_not_stopped(standing_stops(connection)))
    )


def _not_stopped(stops: Iterable[Stop]) -> Any:
    targets: dict[StopScope, list[str]] = defaultdict(list)
    for stop in stops:
        targets[stop.scope].append(stop.target)
    if StopScope.SITE in targets:
        return false()
    codes = {
        StopScope.UNIT: unit.c.trace_code,
        StopScope.PRODUCT: product.c.code,
        StopScope.LOT: product.c.code + "/" + lot.c.number,  # as ``lot_code`` puts it
    }
    return and_(true(), *(codes[scope].not_in(stopped) for scope, stopped in targets.items()))
