"""Receiving lots, looking up units, drawing doses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Exists, Select, exists, func, select

from clinic_server.kit.tx import Tx
from clinic_server.stock import vaccines
from clinic_server.stock.rules import (
    LotReceivedExpired,
    Platform,
    ProductCodeTaken,
    ProductUnknown,
    Route,
    UnitAlreadyReceived,
    UnitFacts,
    VaccineUnknown,
    normalised_code,
)
from clinic_server.stock.tables import Draw, Lot, Product, Unit, UnitReturn, draw, lot, product, unit, unit_return

STOCK = "stock"  # the topic of every page that shows what is on hand


@dataclass(frozen=True, slots=True)
class NewProduct:
    """What is told of a product when it is added."""

    code: str
    name: str
    manufacturer: str
    vaccine_code: str
    platform: Platform
    route: Route
    volume_ul: int
    doses_per_unit: int


@dataclass(frozen=True, slots=True)
class NewLot:
    """A delivery of one lot: every unit by its trace code."""

    product_code: str
    number: str
    expires_on: date
    trace_codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ReceivedLot:
    """What a delivery became."""

    lot_id: UUID
    units: int


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """A product as the desks see it."""

    code: str
    name: str
    manufacturer: str
    vaccine_code: str
    doses_per_unit: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What is on hand of one lot, in doses."""

    product_code: str
    product_name: str
    lot_number: str
    expires_on: date
    units: int
    doses_received: int
    doses_drawn: int

    @property
    def doses_left(self) -> int:
        """Doses not drawn yet."""
        return self.doses_received - self.doses_drawn


def add_product(tx: Tx, new: NewProduct) -> UUID:
    """Add a product, or raise VaccineUnknown or ProductCodeTaken."""
    if new.vaccine_code not in vaccines.shipped():
        raise VaccineUnknown
    if tx.execute(select(product.c.id).where(product.c.code == new.code)).scalar() is not None:
        raise ProductCodeTaken
    product_id = tx.append(
        Product,
        code=new.code,
        name=new.name,
        manufacturer=new.manufacturer,
        vaccine_code=new.vaccine_code,
        platform=new.platform,
        route=new.route,
        volume_ul=new.volume_ul,
        doses_per_unit=new.doses_per_unit,
    )
    tx.journal("product_added", product_id, STOCK)
    return product_id


def receive_lot(tx: Tx, delivery: NewLot) -> ReceivedLot:
    """Take a delivery into stock, all of it or nothing."""
    found = tx.execute(
        select(product.c.id, product.c.doses_per_unit).where(product.c.code == delivery.product_code)
    ).first()
    if found is None:
        raise ProductUnknown
    if delivery.expires_on < tx.local_date:
        raise LotReceivedExpired
    codes = [normalised_code(code) for code in delivery.trace_codes]
    _refuse_known(tx, codes)
    lot_id = _lot(tx, found.id, delivery)
    for code in codes:
        tx.append(Unit, lot_id=lot_id, trace_code=code, doses_per_unit=found.doses_per_unit, received_at=tx.now)
    tx.journal("lot_received", lot_id, STOCK)
    return ReceivedLot(lot_id, len(codes))


def draw_dose(tx: Tx, facts: UnitFacts) -> UUID:
    """Record that the unit's next dose was drawn."""
    return tx.append(
        Draw,
        unit_id=facts.unit_id,
        doses_per_unit=facts.doses_per_unit,
        draw_number=facts.doses_used + 1,
        drawn_at=tx.now,
        after_return_id=_return_to_follow(tx, facts.unit_id),
    )


def return_draw(tx: Tx, draw_id: UUID, confirmed_by: UUID) -> UUID:
    """Record that nothing was drawn after all; the unit may be used again."""
    return tx.append(UnitReturn, draw_id=draw_id, confirmed_by=confirmed_by, returned_at=tx.now)


def unit_by_code(connection: Connection, trace_code: str) -> UnitFacts | None:
    """Return the unit with this trace code as it stands now."""
    return _unit_where(connection, unit.c.trace_code == trace_code)


def unit_by_id(connection: Connection, unit_id: UUID) -> UnitFacts | None:
    """Return one unit as it stands now."""
    return _unit_where(connection, unit.c.id == unit_id)


def products(connection: Connection) -> list[ProductFacts]:
    """Return every product, by name."""
    return [ProductFacts(*row) for row in connection.execute(_products().order_by(product.c.name))]


def require_product(connection: Connection, code: str) -> ProductFacts:
    """Return a product this site uses, or raise ProductUnknown."""
    row = connection.execute(_products().where(product.c.code == code)).first()
    if row is None:
        raise ProductUnknown
    return ProductFacts(*row)


def balances(connection: Connection) -> list[Balance]:
    """Return what is on hand, lot by lot, the earliest expiry first."""
    draws = (
        select(unit.c.lot_id, func.count().label("drawn"))
        .join(draw, draw.c.unit_id == unit.c.id)
        .where(~_is_returned())
    )
    drawn = draws.group_by(unit.c.lot_id).subquery()
    rows = connection.execute(
        select(
            product.c.code,
            product.c.name,
            lot.c.number,
            lot.c.expires_on,
            func.count(unit.c.id),
            func.sum(unit.c.doses_per_unit),
            func.coalesce(func.max(drawn.c.drawn), 0),
        )
        .select_from(unit)
        .join(lot, lot.c.id == unit.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .outerjoin(drawn, drawn.c.lot_id == lot.c.id)
        .group_by(product.c.code, product.c.name, lot.c.number, lot.c.expires_on)
        .order_by(lot.c.expires_on, lot.c.number)
    )
    return [Balance(*row) for row in rows]


def _products() -> Select[Any]:
    columns = (product.c.code, product.c.name, product.c.manufacturer, product.c.vaccine_code, product.c.doses_per_unit)
    return select(*columns)


def _unit_where(connection: Connection, condition: object) -> UnitFacts | None:
    used = select(func.count()).where(draw.c.unit_id == unit.c.id, ~_is_returned()).scalar_subquery()
    row: Any = connection.execute(
        select(
            unit.c.id,
            lot.c.id,
            lot.c.number,
            lot.c.expires_on,
            product.c.code,
            product.c.name,
            unit.c.doses_per_unit,
            used,
            product.c.volume_ul,
            product.c.route,
            product.c.vaccine_code,
            unit.c.trace_code,
        )
        .join(lot, lot.c.id == unit.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .where(condition)  # type: ignore[arg-type]  # a column comparison, which mypy sees as bool
    ).first()
    return UnitFacts(*row) if row else None


def _is_returned() -> Exists:
    return exists().where(unit_return.c.draw_id == draw.c.id)


def _return_to_follow(tx: Tx, unit_id: UUID) -> UUID | None:
    """Return the return of a unit's last draw, if it was returned: only then does a further draw follow it."""
    last = select(draw.c.id).where(draw.c.unit_id == unit_id).order_by(draw.c.journal_seq.desc()).limit(1)
    found: UUID | None = tx.execute(
        select(unit_return.c.id).where(unit_return.c.draw_id == last.scalar_subquery())
    ).scalar()
    return found


def _lot(tx: Tx, product_id: UUID, delivery: NewLot) -> UUID:
    known: UUID | None = tx.execute(
        select(lot.c.id).where(lot.c.product_id == product_id, lot.c.number == delivery.number)
    ).scalar()
    return known or tx.append(Lot, product_id=product_id, number=delivery.number, expires_on=delivery.expires_on)


def _refuse_known(tx: Tx, codes: Sequence[str]) -> None:
    seen: set[str] = set()
    for code in codes:
        known = tx.execute(select(unit.c.id).where(unit.c.trace_code == code)).scalar()
        if known is not None or code in seen:
            raise UnitAlreadyReceived
        seen.add(code)
