"""What is read of a unit to tell how it stands: how much of it was drawn, where it is, whether anything holds it."""

from typing import Any

from sqlalchemy import Select, exists, func, select

from clinic_server.stock.tables import (
    draw,
    lot,
    place,
    product,
    unit,
    unit_hold,
    unit_hold_ended,
    unit_now,
    unit_return,
)
from clinic_server.stock.terms import minutes_said_at_opening
from clinic_server.stock.whereabouts import HoldEnd


def unit_rows() -> Select[Any]:
    """Return what is read of units, by expiry and trace code; conditions may speak of unit, lot, product, unit_now."""
    drawn = select(func.count()).where(draw.c.unit_id == unit.c.id, ~_is_returned()).scalar_subquery()
    return (
        select(
            unit.c.id,
            lot.c.id,
            lot.c.number,
            lot.c.expires_on,
            product.c.code,
            product.c.name,
            unit.c.doses_per_unit,
            drawn,
            product.c.volume_ul,
            product.c.route,
            product.c.vaccine_code,
            unit.c.trace_code,
            unit_now.c.doses_left,
            unit_now.c.opened_at,
            minutes_said_at_opening(),
            place.c.id,
            place.c.code,
            place.c.station,
            _is_held(),
        )
        .join(unit_now, unit_now.c.unit_id == unit.c.id)
        .join(lot, lot.c.id == unit.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .outerjoin(place, place.c.id == unit_now.c.place_id)
        .order_by(lot.c.expires_on, unit.c.trace_code)
    )


def still_held() -> Any:
    """Say of a row of ``unit_hold`` that it keeps its unit out of use: only a release ends that."""
    ended = unit_hold_ended.alias()
    return ~exists().where(ended.c.hold_id == unit_hold.c.id, ended.c.end == HoldEnd.RELEASED)


def _is_returned() -> Any:
    return exists().where(unit_return.c.draw_id == draw.c.id)


def _is_held() -> Any:
    return exists().where(unit_hold.c.unit_id == unit.c.id, still_held())
