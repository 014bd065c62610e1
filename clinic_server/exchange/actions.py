"""A file comes in: all of its rows or none, and the same file once."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_server.exchange.checks import site_faults
from clinic_server.exchange.dry_runs import DryRun
from clinic_server.exchange.rows import Told
from clinic_server.exchange.rules import ImportFaulty, ImportKind
from clinic_server.exchange.tables import Imported, imported
from clinic_server.kit.tx import Tx
from clinic_server.stock.actions import NewLot, NewProduct, append_product, receive_units
from clinic_server.stock.terms import NewTerms, append_terms
from clinic_server.stock.whereabouts import STOCK


@dataclass(frozen=True, slots=True)
class ImportDone:
    """A file that came in, now or before."""

    import_id: UUID
    rows: int


def import_file(tx: Tx, run: DryRun) -> ImportDone:
    """Record every row of a file, or raise ImportFaulty and record none; a file that came in before changes nothing."""
    before = tx.execute(
        select(imported.c.id, imported.c.rows).where(imported.c.kind == run.kind, imported.c.sha256 == run.sha256)
    ).first()
    if before is not None:
        return ImportDone(before.id, before.rows)
    faults = run.faults or site_faults(tx.connection, run.kind, run.told, tx.local_date)
    if faults:
        raise ImportFaulty(faults=len(faults))
    import_id = tx.append(
        Imported,
        kind=run.kind,
        sha256=run.sha256,
        file_name=run.file_name,
        rows=run.rows,
        imported_by=run.sent_by,
        imported_at=tx.now,
    )
    _TAKE[run.kind](tx, run.told, import_id)
    tx.journal("file_imported", import_id, STOCK)
    return ImportDone(import_id, run.rows)


def _take_products(tx: Tx, told: Sequence[Told], _import_id: UUID) -> None:
    for one in told:
        fields: dict[str, Any] = one.said.model_dump()
        terms = NewTerms(fields.pop("open_vial_minutes"), fields.pop("withdrawn_on"))
        append_product(tx, NewProduct(**fields))
        if terms != NewTerms():
            append_terms(tx, one.said.code, terms)


def _take_stock(tx: Tx, told: Sequence[Told], import_id: UUID) -> None:
    lots: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for one in told:
        said = one.said
        lots[said.product_code, said.number, said.expires_on, said.place_code].append(said.trace_code)
    for (product_code, number, expires_on, place_code), codes in lots.items():
        receive_units(tx, NewLot(product_code, number, expires_on, codes, place_code), import_id)


_TAKE: dict[ImportKind, Callable[[Tx, Sequence[Told], UUID], None]] = {
    ImportKind.PRODUCTS: _take_products,
    ImportKind.STOCK: _take_stock,
}
