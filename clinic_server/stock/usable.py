"""The doses that could be given now: in a place of the site, of a lot in date, held by nobody, stopped by no order.

Vials that were open too long are not looked for: the server writes them off by itself (``overdue.py``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, exists, false, func, select

from clinic_server.stock.rules import Stop, StopScope
from clinic_server.stock.stops import standing_stops
from clinic_server.stock.tables import lot, place, product, unit, unit_hold, unit_now
from clinic_server.stock.unit_rows import still_held


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
    usable = _usable(connection, today, unit_now.c.doses_left).limit(enough).subquery()
    return int(connection.execute(select(func.coalesce(func.sum(usable.c.doses_left), 0))).scalar_one())


def usable_lots(connection: Connection, today: date) -> Sequence[LotInPlace]:
    """Return the usable doses of every lot in every place, the earliest expiry first."""
    keys = (lot.c.id, lot.c.number, lot.c.expires_on, product.c.name, product.c.vaccine_code, place.c.code)
    rows = connection.execute(
        _usable(connection, today, *keys, func.count(), func.sum(unit_now.c.doses_left))
        .join(product, product.c.id == lot.c.product_id)
        .join(place, place.c.id == unit_now.c.place_id)
        .group_by(*keys)
        .order_by(lot.c.expires_on, lot.c.number, place.c.code)
    )
    return [LotInPlace(*row) for row in rows]


def products_at_stations(connection: Connection, today: date, *stations: str) -> Mapping[str, frozenset[str]]:
    """Return the products that could be given today out of the box of each of these stations."""
    rows = connection.execute(
        _usable(connection, today, place.c.station, product.c.code)
        .join(product, product.c.id == lot.c.product_id)
        .join(place, place.c.id == unit_now.c.place_id)
        .where(place.c.station.in_(stations))
        .distinct()
        .order_by(place.c.station)
    )
    of_each = groupby(rows, key=lambda row: row.station)
    return {station: frozenset(row.code for row in found) for station, found in of_each}


def _usable(connection: Connection, today: date, *wanted: Any) -> Select[Any]:
    is_held = exists().where(unit_hold.c.unit_id == unit_now.c.unit_id, still_held())
    return (
        select(*wanted)
        .select_from(unit_now)
        .join(lot, lot.c.id == unit_now.c.lot_id)
        .where(unit_now.c.doses_left > 0, unit_now.c.place_id.is_not(None), lot.c.expires_on >= today, ~is_held)
        .where(*_not_stopped(standing_stops(connection)))
    )


def _not_stopped(stops: Iterable[Stop]) -> Iterator[Any]:
    for scope, group in groupby(sorted(stops, key=lambda stop: stop.scope), key=lambda stop: stop.scope):
        targets = [stop.target for stop in group]
        products = select(lot.c.id).join(product, product.c.id == lot.c.product_id)
        match scope:
            case StopScope.SITE:
                yield false()
            case StopScope.BENCH:
                yield unit_now.c.place_id.not_in(select(place.c.id).where(place.c.station.in_(targets)))
            case StopScope.PRODUCT:
                yield unit_now.c.lot_id.not_in(products.where(product.c.code.in_(targets)))
            case StopScope.LOT:
                code = product.c.code + "/" + lot.c.number  # as ``lot_code`` puts it
                yield unit_now.c.lot_id.not_in(products.where(code.in_(targets)))
            case StopScope.UNIT:
                yield unit_now.c.unit_id.not_in(select(unit.c.id).where(unit.c.trace_code.in_(targets)))
