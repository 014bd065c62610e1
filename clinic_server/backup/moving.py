"""A whole site from one database into another, as from SQLite to PostgreSQL: every row, then compared and verified."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table, insert, select
from sqlmodel import SQLModel

from clinic_server.backup.copies import connected, is_empty
from clinic_server.backup.envelope import folder_to_disk
from clinic_server.backup.rules import BackupFailed
from clinic_server.kit.engines import is_sqlite, sqlite_path
from clinic_server.kit.journal import Head, verify
from clinic_server.kit.schema import Schema, create_in, kept_from_servers, load_tables, schema_of, upgrade

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
    with kept_from_servers(url), connected(url) as here:
        if schema_of(here) is not Schema.CURRENT:
            raise BackupFailed("move_schema_older")
        with _new_home(to_url) as there:
            rows = {table.name: _moved(table, here, there) for table in SQLModel.metadata.sorted_tables}
            seen = verify(there, journal_key)
            if seen.faults:
                raise BackupFailed("backup_copy_damaged", seen.faults[0])
    return Moved(rows, seen.head)


@contextmanager
def _new_home(to_url: str) -> Iterator[Connection]:
    """Yield a database with the schema and nothing in it; unless all goes well, not even the schema stays."""
    if is_sqlite(to_url):
        with _new_file(sqlite_path(to_url)) as there:
            yield there
        return
    if not is_empty(to_url):
        raise BackupFailed("move_not_empty")
    with connected(to_url) as there, there.begin():
        create_in(there)
        yield there


@contextmanager
def _new_file(path: Path) -> Iterator[Connection]:
    """Yield a database that bears its name only when it is finished."""
    if path.exists():
        raise BackupFailed("move_not_empty")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.unfinished-", dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        upgrade(f"sqlite:///{unfinished}")
        with connected(f"sqlite:///{unfinished}") as there, there.begin():
            yield there
        unfinished.rename(path)
        folder_to_disk(path.parent)


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
