"""The two engines' own ways to copy a running database, and to fill an empty one: VACUUM INTO, pg_dump, pg_restore."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import pysqlite3.dbapi2
from sqlalchemy import Connection, func, make_url, select, text

from clinic_server.backup.rules import BackupFailed
from clinic_server.kit.engines import is_sqlite, reader_engine, sqlite_path, writer_engine
from clinic_server.kit.journal import record_tables

T = TypeVar("T")
_CUSTOM: Final = "--format=custom"


def copied(url: str, to: Path, look: Callable[[Connection], T]) -> T:
    """Copy a database that a server may be writing to, and look at just what was copied.

    Errors: BackupFailed ``backup_copy_failed``, ``backup_copy_damaged``, ``program_missing``, ``program_failed``.
    """
    if not is_sqlite(url):
        return _dumped(url, to, look)
    _vacuumed(sqlite_path(url), to)
    with connected(f"sqlite:///{to}") as connection:
        if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
            raise BackupFailed("backup_copy_damaged")
        return look(connection)


def fill(url: str, copy: Path) -> None:
    """Fill an empty PostgreSQL database with a dump; all of it, or nothing."""
    _run("pg_restore", url, "--no-owner", "--exit-on-error", "--single-transaction", str(copy))


def is_empty(url: str) -> bool:
    """Tell whether a PostgreSQL database holds no table."""
    with looked_at(url) as connection:
        tables = text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        return not connection.execute(tables).scalar_one()


def rows_of(connection: Connection) -> dict[str, int]:
    """Return how many rows each table of records has."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in record_tables()
    }


def engine_of(url: str) -> str:
    """Name a database's engine as manifests do."""
    return make_url(url).get_backend_name()


@contextmanager
def looked_at(url: str) -> Iterator[Connection]:
    """Yield a connection that only reads, also from a database that a server writes to."""
    engine = reader_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """Yield a connection to a database that nobody else writes to."""
    engine = writer_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _vacuumed(path: Path, to: Path) -> None:
    try:
        with closing(pysqlite3.dbapi2.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
            source.execute("VACUUM INTO ?", (str(to),))
    except pysqlite3.dbapi2.Error as refused:
        raise BackupFailed("backup_copy_failed", str(refused)) from None


def _dumped(url: str, to: Path, look: Callable[[Connection], T]) -> T:
    engine = reader_engine(url).execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            _run("pg_dump", url, _CUSTOM, "--no-owner", f"--snapshot={snapshot}", f"--file={to}")
            return look(connection)
    finally:
        engine.dispose()


def _run(program: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, where no process list shows it."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed("program_missing", program)
    where = make_url(url)
    environment = {**os.environ, **({"PGPASSWORD": str(where.password)} if where.password else {})}
    name = where.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    command = [found, f"--dbname={name}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)  # noqa: S603  # no shell
    if done.returncode:
        raise BackupFailed("program_failed", program)
