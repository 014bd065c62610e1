"""Products and lots: adding, taking units in, and what is on hand of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, select

from clinic_server.kit.tx import Tx
from clinic_server.stock import vaccines
from clinic_server.stock.places import require_place
from clinic_server.stock.rules import (
    LotReceivedExpired,
    Platform,
    ProductCodeTaken,
    ProductContradictsVaccine,
    ProductUnknown,
    ProductWithdrawn,
    Route,
    UnitAlreadyReceived,
    VaccineUnknown,
    normalised_code,
)
from clinic_server.stock.tables import Lot, Product, Unit, ledger_entry, lot, product, product_terms, unit, unit_now
from clinic_server.stock.terms import standing_terms
from clinic_server.stock.units import take_in
from clinic_server.stock.whereabouts import STOCK, Outside


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
    """A delivery of one lot: every unit by its trace code, and the place they are put into."""

    product_code: str
    number: str
    expires_on: date
    trace_codes: Sequence[str]
    place_code: str


@dataclass(frozen=True, slots=True)
class ReceivedLot:
    """What a delivery became."""

    lot_id: UUID
    units: int


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """A product as the desks see it; the last two are the site's own words (``terms.py``)."""

    product_id: UUID
    code: str
    name: str
    manufacturer: str
    vaccine_code: str
    doses_per_unit: int
    open_vial_minutes: int | None = None
    withdrawn_on: date | None = None

    def is_withdrawn(self, day: date) -> bool:
        """Whether the site no longer uses it."""
        return self.withdrawn_on is not None and self.withdrawn_on <= day


@dataclass(frozen=True, slots=True)
class Balance:
    """What is on hand of one lot, in doses."""

    product_code: str
    product_name: str
    lot_number: str
    expires_on: date
    units: int
    doses_received: int
    doses_given: int
    doses_left: int


def add_product(tx: Tx, new: NewProduct) -> UUID:
    """Add a product, or raise VaccineUnknown, ProductContradictsVaccine or ProductCodeTaken."""
    product_id = append_product(tx, new)
    tx.journal("product_added", product_id, STOCK)
    return product_id


def append_product(tx: Tx, new: NewProduct) -> UUID:
    """Append a product under whatever the action says of itself in the journal."""
    refuse_contradiction(new)
    if tx.execute(select(product.c.id).where(product.c.code == new.code)).scalar() is not None:
        raise ProductCodeTaken
    return tx.append(
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


def refuse_contradiction(new: NewProduct) -> None:
    """Raise VaccineUnknown, or ProductContradictsVaccine if the catalogue says otherwise of its vaccine."""
    vaccine = vaccines.shipped().get(new.vaccine_code)
    if vaccine is None:
        raise VaccineUnknown
    if findings := vaccine.contradictions(new.platform, new.route, new.volume_ul):
        raise ProductContradictsVaccine(findings=findings)


def receive_units(tx: Tx, delivery: NewLot, record_id: UUID | None = None) -> ReceivedLot:
    """Append the units of a lot and put them into their first place; ``record_id`` is the delivery they came with."""
    found = require_product(tx.connection, delivery.product_code)
    if found.is_withdrawn(tx.local_date):
        raise ProductWithdrawn
    if delivery.expires_on < tx.local_date:
        raise LotReceivedExpired
    into = require_place(tx.connection, delivery.place_code)
    codes = [normalised_code(code) for code in delivery.trace_codes]
    _refuse_known(tx, codes)
    lot_id = _lot(tx, found.product_id, delivery)
    new = {"lot_id": lot_id, "doses_per_unit": found.doses_per_unit, "received_at": tx.now}
    units = [(tx.append(Unit, trace_code=code, **new), found.doses_per_unit) for code in codes]
    take_in(tx, lot_id, units, into, record_id)
    return ReceivedLot(lot_id, len(codes))


def products(connection: Connection) -> list[ProductFacts]:
    """Return every product, by name."""
    return [ProductFacts(*row) for row in connection.execute(_all_products)]


def require_product(connection: Connection, code: str) -> ProductFacts:
    """Return a product this site uses, or raise ProductUnknown."""
    row = connection.execute(_one_product, {"code": code}).first()
    if row is None:
        raise ProductUnknown
    return ProductFacts(*row)


def balances(connection: Connection) -> list[Balance]:
    """Return what is on hand, lot by lot, the earliest expiry first."""
    here = (unit_now.c.lot_id == lot.c.id, unit_now.c.doses_left > 0)
    rows = connection.execute(
        select(
            product.c.code,
            product.c.name,
            lot.c.number,
            lot.c.expires_on,
            select(func.count()).where(*here).scalar_subquery(),
            -_ledger_balance(Outside.SUPPLIER),
            _ledger_balance(Outside.USED),
            select(func.coalesce(func.sum(unit_now.c.doses_left), 0)).where(*here).scalar_subquery(),
        )
        .join(product, product.c.id == lot.c.product_id)
        .order_by(lot.c.expires_on, lot.c.number)
    )
    return [Balance(*row) for row in rows]


def _products() -> Select[Any]:
    columns = (product.c.code, product.c.name, product.c.manufacturer, product.c.vaccine_code, product.c.doses_per_unit)
    own = (product_terms.c.open_vial_minutes, product_terms.c.withdrawn_on)
    return select(product.c.id, *columns, *own).outerjoin_from(product, product_terms, standing_terms())


def _ledger_balance(account: Outside) -> Any:
    """Return an expression for an account's balance of the lot at hand."""
    last = select(ledger_entry.c.balance).where(ledger_entry.c.account == account, ledger_entry.c.lot_id == lot.c.id)
    return func.coalesce(last.order_by(ledger_entry.c.number.desc()).limit(1).scalar_subquery(), 0)


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


_all_products = _products().order_by(product.c.name)
_one_product = _products().where(product.c.code == bindparam("code"))
