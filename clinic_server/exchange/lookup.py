"""What goes out: products, every unit on hand, the movements of a period; and which files came in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.exchange.rules import (
    MOST_EXPORTED,
    MOVEMENT_COLUMNS,
    PRODUCT_COLUMNS,
    STOCK_COLUMNS,
    Column,
    ExportKind,
    ExportTooLong,
    ImportKind,
)
from clinic_server.exchange.tables import imported
from clinic_server.kit.labels import label, labels
from clinic_server.kit.spreadsheets import Written
from clinic_server.staff.tables import staff
from clinic_server.stock.tables import lot, movement, place, product, product_terms, unit, unit_now
from clinic_server.stock.terms import standing_terms

_REASONS = ("waste", "gain", "hold")


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the site's calendar, both included."""

    since: date
    until: date
    zone: tzinfo

    @property
    def instants(self) -> tuple[datetime, datetime]:
        """Its first instant, and the first one after it."""
        begin = datetime.combine(self.since, time(), self.zone)
        return begin, datetime.combine(self.until + timedelta(days=1), time(), self.zone)


@dataclass(frozen=True, slots=True)
class ImportSeen:
    """A file that came in, and by whom, as their number."""

    import_id: UUID
    kind: ImportKind
    sha256: str
    file_name: str
    rows: int
    staff_number: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class Export:
    """A table that goes out, in the reader's language."""

    columns: Sequence[Column]
    lines: Sequence[Sequence[Written]]

    @property
    def headings(self) -> list[str]:
        """Its headings, which a file that comes in may have as well."""
        return [label("column", column).text for column in self.columns]


def imports(connection: Connection) -> Sequence[ImportSeen]:
    """Return every file that came in, the latest first."""
    columns = (imported.c.id, imported.c.kind, imported.c.sha256, imported.c.file_name, imported.c.rows)
    rows = connection.execute(
        select(*columns, staff.c.number, imported.c.imported_at)
        .join(staff, staff.c.id == imported.c.imported_by)
        .order_by(imported.c.journal_seq.desc())
    )
    return [ImportSeen(*row) for row in rows]


def export_of(connection: Connection, kind: ExportKind, period: Period) -> Export:
    """Return a table that goes out, or raise ExportTooLong; only movements are of a period."""
    match kind:
        case ExportKind.PRODUCTS:
            return Export(PRODUCT_COLUMNS, list(_products(connection)))
        case ExportKind.STOCK:
            return Export(STOCK_COLUMNS, _within_bounds(_stock(connection)))
        case ExportKind.MOVEMENTS:
            return Export(MOVEMENT_COLUMNS, _within_bounds(_movements(connection, period)))


def _products(connection: Connection) -> Iterator[Sequence[Written]]:
    told = (product.c.code, product.c.name, product.c.manufacturer, product.c.vaccine_code)
    given = (product.c.volume_ul, product.c.doses_per_unit)
    own = (product_terms.c.open_vial_minutes, product_terms.c.withdrawn_on)
    rows = connection.execute(
        select(*told, product.c.platform, product.c.route, *given, *own)
        .outerjoin_from(product, product_terms, standing_terms())
        .order_by(product.c.code)
    )
    for code, name, manufacturer, vaccine_code, platform, route, *rest in rows:
        words = (label("platform", platform).text, label("route", route).text)
        yield (code, name, manufacturer, vaccine_code, *words, *rest)


def _stock(connection: Connection) -> Iterator[Sequence[Written]]:
    columns = (product.c.code, lot.c.number, lot.c.expires_on, place.c.code, unit.c.trace_code, unit_now.c.doses_left)
    yield from connection.execute(
        select(*columns)
        .join(unit_now, unit_now.c.unit_id == unit.c.id)
        .join(lot, lot.c.id == unit.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .join(place, place.c.id == unit_now.c.place_id)
        .where(unit_now.c.doses_left > 0)
        .order_by(product.c.code, lot.c.expires_on, lot.c.number, unit.c.trace_code)
        .limit(MOST_EXPORTED + 1)
    )


def _movements(connection: Connection, period: Period) -> Iterator[Sequence[Written]]:
    begin, end = period.instants
    rows = connection.execute(
        select(movement, product.c.code, lot.c.number, unit.c.trace_code, staff.c.number.label("staff_number"))
        .join(lot, lot.c.id == movement.c.lot_id)
        .join(product, product.c.id == lot.c.product_id)
        .outerjoin(unit, unit.c.id == movement.c.unit_id)
        .outerjoin(staff, staff.c.id == movement.c.moved_by)
        .where(movement.c.moved_at >= begin, movement.c.moved_at < end)
        .order_by(movement.c.journal_seq, movement.c.id)
        .limit(MOST_EXPORTED + 1)
    )
    for row in rows:
        yield (
            row.moved_at.astimezone(period.zone).isoformat(timespec="seconds"),
            label("movement", row.kind).text,
            row.code,
            row.number,
            row.doses,
            _account(row.from_account),
            _account(row.to_account),
            row.trace_code,
            _reason(row.reason),
            row.note,
            row.station,
            row.staff_number,
        )


def _within_bounds(lines: Iterable[Sequence[Written]]) -> list[Sequence[Written]]:
    found = list(lines)
    if len(found) > MOST_EXPORTED:
        raise ExportTooLong(most=MOST_EXPORTED)
    return found


def _account(account: str) -> str:
    """Return a place's code, or the word for what is no place."""
    return label("account", account).text if account in labels()["account"] else account


def _reason(reason: str | None) -> str | None:
    """Return the words of a reason; one that is of no list was typed."""
    group = next((group for group in _REASONS if reason in labels()[group]), None)
    return label(group, reason).text if group and reason else reason
