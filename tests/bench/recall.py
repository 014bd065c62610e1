"""How long a recall looks for who got a lot, beside reading every dose there is."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, insert, select

from clinic_server.kit.engines import reader_engine, writer_engine
from clinic_server.kit.schema import upgrade
from clinic_server.recall.lookup import RecallFacts, given_to
from clinic_server.stock.rules import BodySite, Platform, Route, StopScope, lot_code
from clinic_server.stock.tables import lot, product
from clinic_server.visits.tables import dose

ROUNDS = 5
IN_ONE_INSERT = 20_000
FIRST = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recalled:
    """The median of a recall and of a scan, in seconds, and how many doses both found."""

    doses: int
    lots: int
    found: int
    recall_s: float
    scan_s: float


def measure(doses: int, lots: int) -> Recalled:
    """Make up so many doses of so many lots, and call one lot back both ways; they must find the same."""
    with tempfile.TemporaryDirectory(prefix="clinic-recall-") as folder:
        url = f"sqlite:///{Path(folder) / 'clinic.db'}"
        upgrade(url)
        _fill(url, doses, lots)
        engine = reader_engine(url)
        with engine.connect() as connection:
            wanted = lots // 2
            told = RecallFacts(_id(0), _id(0), StopScope.LOT, lot_code("vaccine", f"L{wanted}"), "", "", FIRST)
            by_recall, recall_s = _median(lambda: {one.dose_id for one in given_to(connection, told)})
            by_scan, scan_s = _median(lambda: _scanned(connection, _id(wanted + 1)))
        engine.dispose()
    if by_recall != by_scan:
        raise AssertionError(f"the recall found {len(by_recall)} doses, the scan {len(by_scan)}")
    return Recalled(doses, lots, len(by_recall), recall_s, scan_s)


def _scanned(connection: Connection, lot_id: UUID) -> set[UUID]:
    return {row.id for row in connection.execute(select(dose.c.id, dose.c.lot_id)) if row.lot_id == lot_id}


def _median(look: Callable[[], set[UUID]]) -> tuple[set[UUID], float]:
    found, took = set(), []
    for _ in range(ROUNDS):
        began_at = time.perf_counter()
        found = look()
        took.append(time.perf_counter() - began_at)
    return found, sorted(took)[ROUNDS // 2]


def _fill(url: str, doses: int, lots: int) -> None:
    """Write the rows a recall reads; what they refer to beyond that is not there, and is not asked for."""
    engine = writer_engine(url)
    with engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]  # a live connection has one
        about = {"name": "V", "manufacturer": "M", "vaccine_code": "v", "platform": Platform.INACTIVATED}
        kept = {**about, "route": Route.INTRAMUSCULAR, "volume_ul": 500, "doses_per_unit": 1}
        connection.execute(insert(product), {"id": _id(0), "journal_seq": 1, "code": "vaccine", **kept})
        made = ({"id": _id(n + 1), "journal_seq": 1, "product_id": _id(0), "number": f"L{n}"} for n in range(lots))
        connection.execute(insert(lot), [{**one, "expires_on": date(2027, 1, 1)} for one in made])
        rows = list[dict[str, object]]()
        for row in _doses(doses, lots):
            rows.append(row)
            if len(rows) == IN_ONE_INSERT:
                connection.execute(insert(dose), rows)
                rows.clear()
        if rows:
            connection.execute(insert(dose), rows)
        connection.commit()
    engine.dispose()


def _doses(doses: int, lots: int) -> Iterator[dict[str, object]]:
    alike = {"product_code": "vaccine", "volume_ul": 500, "route": Route.INTRAMUSCULAR}
    alike |= {"body_site": BodySite.LEFT_UPPER_ARM, "vaccinator_id": _id(0), "journal_seq": 1}
    own = ("id", "permit_id", "order_id", "draw_id", "visit_id", "person_id", "unit_id")
    for number in range(doses):
        given_at = FIRST + timedelta(seconds=number)
        yield {**alike, **dict.fromkeys(own, _id(number + 1)), "lot_id": _id(number % lots + 1), "given_at": given_at}


def _id(number: int) -> UUID:
    return UUID(int=number)
