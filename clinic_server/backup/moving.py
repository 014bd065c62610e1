"""A whole site from one database into another, as from SQLite to PostgreSQL: every row, then compared and verified."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, insert, select
from sqlmodel import SQLModel

from clinic_server.backup.copies import connected, is_empty
from clinic_server.backup.rules import BackupFailed
from clinic_server.kit.engines import is_sqlite, sqlite_path
from clinic_server.kit.journal import Head, verify
from clinic_server.kit.schema import Schema, kept_from_servers, load_tables, schema_of, upgrade

_MOST_AT_ONCE: Final = 1_000  # rows in memory


@dataclass(frozen=True, slots=True)
class Moved:
    """How many rows each table has in both databases now, and the last line of their journal."""

    rows: Mapping[str, int]
    head: Head


@dataclass(frozen=True, slots=True)
class _Held:
    """What a table holds, whatever the order its engine returns the rows in."""

    rows: int
    digest: int


def move(url: str, to_url: str, journal_key: bytes) -> Moved:
    """Copy every row of a site's database into an empty one; the site's own stays as it is.

    Errors: BackupFailed ``move_not_empty``, ``move_schema_older``, ``move_differs``, ``backup_copy_damaged``;
    UnsafeDatabase while a server runs on either.
    """
    load_tables()
    _refuse_filled(to_url)
    with kept_from_servers(url), connected(url) as here:
        if schema_of(here) is not Schema.CURRENT:
            raise BackupFailed("move_schema_older")
        upgrade(to_url)
        with connected(to_url) as there, there.begin():
            rows = {table.name: _moved(table, here, there) for table in SQLModel.metadata.sorted_tables}
            seen = verify(there, journal_key)
            if seen.faults:
                raise BackupFailed("backup_copy_damaged", seen.faults[0])
    return Moved(rows, seen.head)


def _refuse_filled(to_url: str) -> None:
    """Refuse a database in which there is anything."""
    if sqlite_path(to_url).exists() if is_sqlite(to_url) else not is_empty(to_url):
        raise BackupFailed("move_not_empty")


def _moved(table: Table, here: Connection, there: Connection) -> int:
    """Copy a table and compare what is there then with what is here."""
    for some in _rows(table, here):
        there.execute(insert(table), some)
    held = _held_in(table, here)
    if held != _held_in(table, there):
        raise BackupFailed("move_differs", table.name)
    return held.rows


def _rows(table: Table, connection: Connection) -> Iterator[list[dict[str, object]]]:
    result = connection.execute(select(table), execution_options={"yield_per": _MOST_AT_ONCE})
    for some in result.mappings().partitions():
        yield [dict(row) for row in some]


def _held_in(table: Table, connection: Connection) -> _Held:
    prints = [
        int.from_bytes(hashlib.sha256(repr(sorted(row.items())).encode()).digest())
        for some in _rows(table, connection)
        for row in some
    ]
    return _Held(len(prints), sum(prints))
