"""What lies ahead of the site: the need of each vaccine day by day, and how far what is in stock goes.

Bookings would be a further part of a day's need; the site takes none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.demand.counts import Days, Ledger, due_by_day, ledger_since, walk_ins_by_day
from clinic_server.demand.rules import (
    DAYS_AHEAD,
    DAYS_BACK,
    DayAhead,
    LotOnHand,
    Need,
    Plan,
    days_known,
    loss_factor,
    need_on,
    planned,
    walk_ins_on,
)
from clinic_server.kit.clock import business_date_starts
from clinic_server.settings import SiteSettings
from clinic_server.stock import vaccines
from clinic_server.stock.actions import products
from clinic_server.stock.usable import LotInPlace, usable_lots


@dataclass(frozen=True, slots=True)
class VaccineAhead:
    """The coming days of one vaccine; ``late`` people should have come in the past days and are in no day's need.

    ``days_of_cover`` ends before the first day with a dose missing; None: no day was found with one.
    """

    vaccine_code: str
    vaccine_name: str
    usable: int
    written_off: int
    given: int
    loss: Decimal
    late: int
    days: tuple[DayAhead, ...]
    days_of_cover: int | None


@dataclass(frozen=True, slots=True)
class InPlace:
    """What of a lot stands in one place."""

    place_code: str
    units: int
    doses: int


@dataclass(frozen=True, slots=True)
class LotExpiring:
    """A lot that expires soon; ``left_over`` doses of it are not needed by then, as the need is foreseen."""

    product_name: str
    lot_number: str
    expires_on: date
    doses: int
    left_over: int
    places: tuple[InPlace, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """What lies ahead of the site from a clinic day on."""

    today: date
    vaccines: tuple[VaccineAhead, ...]
    expiring: tuple[LotExpiring, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the need of a vaccine is reckoned from."""

    due: Days
    walk_ins: Days
    days_open: Sequence[date]
    ledger: Ledger
    stock: Sequence[LotInPlace]


def demand_of(connection: Connection, site: SiteSettings, today: date) -> Demand:
    """Return what lies ahead of the site on its clinic day ``today``."""
    days = max(DAYS_AHEAD, site.near_expiry_days + 1)
    known = _known(connection, site, today, today + timedelta(days))
    plans = {code: planned(_needs(one, today, days), _lots(one.stock)) for code, one in known.items()}
    last = today + timedelta(site.near_expiry_days)
    expiring = [lot for code, one in known.items() for lot in _expiring(one.stock, plans[code], last)]
    return Demand(
        today,
        tuple(_ahead(code, one, plans[code], today) for code, one in known.items()),
        tuple(sorted(expiring, key=lambda lot: (lot.expires_on, lot.lot_number))),
    )


def _known(connection: Connection, site: SiteSettings, today: date, until: date) -> Mapping[str, _Known]:
    """Return what is known of every vaccine of which the site has a product, by its code."""
    first = today - timedelta(DAYS_BACK)
    due = due_by_day(connection, first, until)
    walk_ins = walk_ins_by_day(connection, first)
    ledger = ledger_since(connection, business_date_starts(first, site.zone, site.day_starts_at))
    days_open = days_known((on for days in walk_ins.values() for on in days), today)
    stock = usable_lots(connection, today)
    return {
        code: _Known(
            due.get(code, {}),
            walk_ins.get(code, {}),
            days_open,
            ledger.get(code, Ledger()),
            [one for one in stock if one.vaccine_code == code],
        )
        for code in sorted({product.vaccine_code for product in products(connection)})
    }


def _needs(known: _Known, today: date, days: int) -> Iterator[Need]:
    loss = loss_factor(known.ledger.written_off, known.ledger.given)
    for on in (today + timedelta(ahead) for ahead in range(days)):
        came = known.walk_ins.get(on, 0)  # of those who are expected today
        expected = max(Decimal(0), walk_ins_on(on, known.walk_ins, known.days_open) - came)
        yield need_on(on, known.due.get(on, 0), expected, loss)


def _ahead(code: str, known: _Known, plan: Plan, today: date) -> VaccineAhead:
    ledger = known.ledger
    return VaccineAhead(
        code,
        vaccines.shipped()[code].name,
        sum(one.doses for one in known.stock),
        ledger.written_off,
        ledger.given,
        loss_factor(ledger.written_off, ledger.given),
        sum(count for on, count in known.due.items() if on < today),
        plan.days[:DAYS_AHEAD],
        plan.days_of_cover,
    )


def _lots(stock: Sequence[LotInPlace]) -> Iterator[LotOnHand]:
    for _, places in _by_lot(stock):
        yield LotOnHand(places[0].lot_id, places[0].expires_on, sum(one.doses for one in places))


def _expiring(stock: Sequence[LotInPlace], plan: Plan, last: date) -> Iterator[LotExpiring]:
    for lot_id, places in _by_lot(stock):
        first = places[0]
        if first.expires_on <= last:
            yield LotExpiring(
                first.product_name,
                first.lot_number,
                first.expires_on,
                sum(one.doses for one in places),
                plan.left_over[lot_id],
                tuple(InPlace(one.place_code, one.units, one.doses) for one in places),
            )


def _by_lot(stock: Sequence[LotInPlace]) -> Iterator[tuple[UUID, Sequence[LotInPlace]]]:
    for lot_id, places in groupby(sorted(stock, key=lambda one: one.lot_id), key=lambda one: one.lot_id):
        yield lot_id, list(places)
