"""What the site already knows that speaks against the rows of a file; asked in the dry run and when it counts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from sqlalchemy import Connection, select

from clinic_server.exchange.rows import Told
from clinic_server.exchange.rules import CellFault, Column, Fault, ImportKind
from clinic_server.stock import vaccines
from clinic_server.stock.actions import ProductFacts, products
from clinic_server.stock.places import places
from clinic_server.stock.rules import (
    LotReceivedExpired,
    ProductCodeTaken,
    ProductFinding,
    ProductUnknown,
    ProductWithdrawn,
    UnitAlreadyReceived,
    VaccineUnknown,
)
from clinic_server.stock.tables import lot, product, unit
from clinic_server.stock.whereabouts import PlaceUnknown

_AT_ONCE = 500
_COLUMN_OF = {
    ProductFinding.OTHER_PLATFORM: Column.PLATFORM,
    ProductFinding.OTHER_ROUTE: Column.ROUTE,
    ProductFinding.OTHER_VOLUME: Column.VOLUME_UL,
}


def site_faults(connection: Connection, kind: ImportKind, told: Sequence[Told], today: date) -> list[Fault]:
    """Return every row that contradicts what the site knows or an earlier row of the file."""
    of_kind = _product_faults if kind is ImportKind.PRODUCTS else _stock_faults
    return list(of_kind(connection, told, today))


def _product_faults(connection: Connection, told: Sequence[Told], today: date) -> Iterator[Fault]:
    taken = {known.code for known in products(connection)}
    for one in told:
        if one.said.code in taken:
            yield Fault(one.number, Column.PRODUCT_CODE, ProductCodeTaken.code)
        taken.add(one.said.code)
        yield from _catalogue_faults(one, today)


def _catalogue_faults(one: Told, today: date) -> Iterator[Fault]:
    said = one.said
    vaccine = vaccines.shipped().get(said.vaccine_code)
    if vaccine is None:
        yield Fault(one.number, Column.VACCINE_CODE, VaccineUnknown.code)
        return
    for finding in vaccine.contradictions(said.platform, said.route, said.volume_ul):
        yield Fault(one.number, _COLUMN_OF[finding], finding)
    most = vaccines.open_vial_minutes(said.vaccine_code, today) or 0
    if (said.open_vial_minutes or 0) > most:
        yield Fault(one.number, Column.OPEN_VIAL_MINUTES, CellFault.CELL_OUT_OF_RANGE)


def _stock_faults(connection: Connection, told: Sequence[Told], today: date) -> Iterator[Fault]:
    known = {one.code: one for one in products(connection)}
    standing = {one.code for one in places(connection)}
    received = _received(connection, [one.said.trace_code for one in told])
    expiries = _expiries(connection, known)
    for one in told:
        said = one.said
        yield from _of_product(one, known.get(said.product_code), today)
        if said.place_code not in standing:
            yield Fault(one.number, Column.PLACE_CODE, PlaceUnknown.code)
        if said.trace_code in received:
            yield Fault(one.number, Column.TRACE_CODE, UnitAlreadyReceived.code)
        received.add(said.trace_code)
        if expiries.setdefault((said.product_code, said.number), said.expires_on) != said.expires_on:
            yield Fault(one.number, Column.EXPIRES_ON, CellFault.LOT_EXPIRY_DIFFERS)
        elif said.expires_on < today:
            yield Fault(one.number, Column.EXPIRES_ON, LotReceivedExpired.code)


def _of_product(one: Told, found: ProductFacts | None, today: date) -> Iterator[Fault]:
    if found is None:
        yield Fault(one.number, Column.PRODUCT_CODE, ProductUnknown.code)
    elif found.is_withdrawn(today):
        yield Fault(one.number, Column.PRODUCT_CODE, ProductWithdrawn.code)
    elif one.said.doses_left not in (None, found.doses_per_unit):
        yield Fault(one.number, Column.DOSES_LEFT, CellFault.UNIT_NOT_FULL)


def _received(connection: Connection, codes: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(codes), _AT_ONCE):
        some = codes[start : start + _AT_ONCE]
        found.update(connection.execute(select(unit.c.trace_code).where(unit.c.trace_code.in_(some))).scalars())
    return found


def _expiries(connection: Connection, codes: Iterable[str]) -> dict[tuple[str, str], date]:
    rows = connection.execute(
        select(product.c.code, lot.c.number, lot.c.expires_on)
        .join(lot, lot.c.product_id == product.c.id)
        .where(product.c.code.in_(list(codes)))
    )
    return {(row.code, row.number): row.expires_on for row in rows}
