"""Years of visits behind a site, made from the rows of one real visit: as many rows, as long, in the order of time."""

import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2

A_DAY = 1_000
UNITS_OF_A_LOT = 200
IN_ONE_COMMIT = 5_000
_FIRST_TIME = 0x0180_0000_0000  # of the keys: milliseconds in 2022
_INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]*)\)")
_KEY = re.compile("[0-9a-f]{32}")
_AS_THEY_STAND = {"visit_now": "visit_id", "unit": "id", "unit_now": "unit_id", "unit_move": "unit_id"}
_SEQS = frozenset({"journal_seq", "seq", "since_seq"})
_OTHERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "number_index": ("randomblob(16 + ?)", lambda _: 0),
    "name_index": ("randomblob(16 + ?)", lambda _: 0),
    "ticket_number": (f"k % {A_DAY} + ?", lambda _: 1),
    "number": ("k + ?", lambda value: value),
    "previous_number": ("k + ?", lambda value: value),
    "key": ("? || printf('%09d', k)", lambda value: value[:-9]),
    "trace_code": ("? || printf('%09d', k)", lambda value: f"9{value[1:-9]}"),
    "lot_id": (f"printf('%012x', {_FIRST_TIME} + k / {UNITS_OF_A_LOT}) || ?", lambda value: value[12:]),
}
_EVERY = "WITH RECURSIVE past(k) AS (SELECT ? UNION ALL SELECT k + 1 FROM past WHERE k + 1 < ?)"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the visit that is repeated."""

    table: str
    values: dict[str, Any]


def give_past(database: Path, recording: Path, visits: int, today: date) -> int:
    """Fill a database that nobody uses with visits before its own, and return how many are there of earlier days.

    Their part of the journal does not verify.
    """
    with closing(dbapi2.connect(str(database))) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        rows = _rows_of_one_visit(connection, recording)
        inserts = [_insert(row, rows, visits, today) for row in rows]
        for first in range(0, visits, IN_ONE_COMMIT):
            for text, values in inserts:
                connection.execute(text, (first, min(first + IN_ONE_COMMIT, visits), *values))
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        earlier = "SELECT count(*) FROM visit WHERE business_on < ?"
        count: int = connection.execute(earlier, (today.isoformat(),)).fetchone()[0]
        return count


def _rows_of_one_visit(connection: Any, recording: Path) -> Sequence[Row]:
    """Return what the first visit of a recording left behind."""
    _, requests = pickle.loads(recording.read_bytes())  # noqa: S301  # written by this bench
    sent = [(text, values) for _, statements in requests for text, values in statements]
    inserted = [
        Row(found[1], dict(zip(found[2].replace('"', "").split(", "), values, strict=True)))
        for text, values in sent
        if (found := _INSERT.match(text))
    ]
    second = [place for place, row in enumerate(inserted) if row.table == "person"][1]
    own = [row for row in inserted[:second] if row.table not in _AS_THEY_STAND]
    own += [row for row in inserted if row.table == "departure"][:1]
    ids = {"visit_id": _value(own, "visit", "id"), "unit_id": _value(own, "dose", "unit_id")}
    ids["id"] = ids["unit_id"]
    for table, key in _AS_THEY_STAND.items():
        cursor = connection.execute(f"SELECT * FROM {table} WHERE {key} = ?", (ids[key],))  # noqa: S608  # our own names
        own += [Row(table, dict(zip((told[0] for told in cursor.description), found, strict=True))) for found in cursor]
    return own


def _insert(row: Row, rows: Sequence[Row], visits: int, today: date) -> tuple[str, list[Any]]:
    """Return the statement that repeats a row for the visits from its first value to before its second."""
    own = {one.values[name] for one in rows for name in ("id", "visit_id", "unit_id") if name in one.values}
    seqs = sorted({one.values[name] for one in rows for name in ("journal_seq", "seq") if name in one.values})
    changed = [_changed(name, value, own, seqs, today.isoformat()) for name, value in row.values.items()]
    columns, told = (", ".join(f'"{name}"' for name in row.values), ", ".join(text for text, _ in changed))
    told = told.format(visits=visits, today=today.isoformat(), seqs=len(seqs))
    text = f'{_EVERY} INSERT INTO "{row.table}" ({columns}) SELECT {told} FROM past'  # noqa: S608  # as above
    return text, [value for _, value in changed]


def _changed(name: str, value: Any, own: set[Any], seqs: Sequence[int], today: str) -> tuple[str, Any]:
    """Return how a column of the k-th visit is told in SQL, with one value for its question mark."""
    if name in _SEQS:
        return "(k - {visits}) * {seqs} + ?", seqs.index(value) if value in seqs else len(seqs) - 1
    if name in _OTHERS:
        told, kept = _OTHERS[name]
        return told, kept(value)
    if value in own and _KEY.fullmatch(str(value)):
        return f"printf('%012x', {_FIRST_TIME} + k) || ?", value[12:]
    if str(value).startswith(today):
        return f"date('{{today}}', ((k - {{visits}} + 1) / {A_DAY} - 1) || ' days') || ?", value[10:]
    return "?", value


def _value(rows: Sequence[Row], table: str, name: str) -> Any:
    return next(row.values[name] for row in rows if row.table == table)
