"""Units of a delivery are scanned, one by one or by the carton their packing list knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from clinic_server.kit.tx import Tx
from clinic_server.receiving.learning import refuse_other_product, refuse_whole_package
from clinic_server.receiving.lookup import Article, LineFacts, article_of, line_of, packing_list, require_open
from clinic_server.receiving.rules import (
    ArrivedUnit,
    ScanContradictsLine,
    UnitNotListed,
    UnitScannedTwice,
    contents_of,
    findings_for_arrival,
)
from clinic_server.receiving.tables import UnitArrival, unit_arrival
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.rules import UnitAlreadyReceived
from clinic_server.stock.scans import Scanned, UnitScan, unit_code
from clinic_server.stock.tables import unit
from clinic_server.stock.whereabouts import STOCK


@dataclass(frozen=True, slots=True)
class ArrivedUnits:
    """How many units a scan of a delivery added."""

    delivery_id: UUID
    units: int


def arrived_unit(scanned: Scanned) -> ArrivedUnit:
    """Return what a scanned code tells of a unit, or raise a Refused that says what it is instead."""
    code = unit_code(scanned)
    match scanned:
        case UnitScan(lot=lot, expires_on=expires_on):
            return ArrivedUnit(code, scanned.article, lot, expires_on)
        case _:
            return ArrivedUnit(code)


def scan_units(tx: Tx, delivery_id: UUID, line_id: UUID, scanned: Iterable[ArrivedUnit]) -> ArrivedUnits:
    """Record units of a line as arrived, all of them or none; what was scanned before counts once."""
    scanned_by = require_signed_in(tx)
    line = line_of(require_open(tx.connection, delivery_id), line_id)
    meant = _meant_by(tx, line, {one.code: one for one in scanned}.values())
    new = _new_ones(tx, delivery_id, meant)
    if not new:
        raise UnitScannedTwice
    for one, scanned_code in new:
        tx.append(
            UnitArrival,
            delivery_id=delivery_id,
            line_id=line_id,
            trace_code=one.code,
            scanned_code=scanned_code,
            article=one.article,
            scanned_by=scanned_by,
            scanned_at=tx.now,
        )
    tx.journal("delivery_scanned", delivery_id, STOCK)
    return ArrivedUnits(delivery_id, len(new))


def _meant_by(tx: Tx, line: LineFacts, scanned: Iterable[ArrivedUnit]) -> Sequence[tuple[ArrivedUnit, str]]:
    """Return the units that scanned codes stand for, each with the code that was scanned."""
    contents = contents_of(packing_list(tx.connection, line.line_id))
    known: dict[str | None, Article | None] = {}
    meant = []
    for one in scanned:
        if one.article not in known:
            known[one.article] = article_of(tx.connection, one.article)
        refuse_other_product(known[one.article], line, one.code)
        meant += [(unit, one.code) for unit in _units_of(one, line, contents, known[one.article])]
    return meant


def _units_of(
    one: ArrivedUnit, line: LineFacts, contents: Mapping[str, Sequence[str]], known: Article | None
) -> Sequence[ArrivedUnit]:
    if findings := findings_for_arrival(one, line.lot_number, line.expires_on):
        raise ScanContradictsLine(findings=findings, trace_code=one.code)
    inside = contents.get(one.code, ())
    if inside and one.code not in inside:
        return [ArrivedUnit(code, UnitScan(code).article) for code in inside]
    refuse_whole_package(known, one.code)
    if contents and not inside:
        raise UnitNotListed(trace_code=one.code)
    return [one]


def _new_ones(tx: Tx, delivery_id: UUID, meant: Sequence[tuple[ArrivedUnit, str]]) -> Sequence[tuple[ArrivedUnit, str]]:
    codes = [one.code for one, _ in meant]
    received = tx.execute(select(unit.c.trace_code).where(unit.c.trace_code.in_(codes))).scalars().first()
    if received is not None:
        raise UnitAlreadyReceived(trace_code=received)
    seen = set(tx.execute(select(unit_arrival.c.trace_code).where(unit_arrival.c.delivery_id == delivery_id)).scalars())
    new = []
    for one, scanned_code in meant:
        if one.code not in seen:
            seen.add(one.code)
            new.append((one, scanned_code))
    return new
