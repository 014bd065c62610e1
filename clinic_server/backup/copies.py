"""The two engines' own ways to copy a running database, and to fill an empty one: VACUUM INTO, pg_dump, pg_restore."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pysqlite3.dbapi2
from sqlalchemy import Connection, Table, func, make_url, select, text

from clinic_server.backup.rules import BackupFailed, Manifest
from clinic_server.kit.engines import is_sqlite, reader_engine, sqlite_path, writer_engine
from clinic_server.kit.journal import record_tables

_UTF8 = {"PGCLIENTENCODING": "UTF8"}


@contextmanager
def copied(url: str, folder: Path) -> Iterator[tuple[Path, Connection]]:
    """Copy a database that a server may be writing to; yield the copy, and a view of just what was copied."""
    to = folder / "database"
    if is_sqlite(url):
        with closing(pysqlite3.dbapi2.connect(f"{sqlite_path(url).absolute().as_uri()}?mode=ro", uri=True)) as source:
            source.execute("VACUUM INTO ?", (str(to),))
        with _view(f"sqlite:///{to}") as connection:
            if connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
                raise BackupFailed("backup_copy_damaged")
            yield to, connection
        return
    engine = reader_engine(url).execution_options(isolation_level="REPEATABLE READ")
    try:
        with engine.connect() as connection:
            snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
            _run("pg_dump", url, "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={to}")
            yield to, connection
    finally:
        engine.dispose()


def fill(url: str, copy: Path, engine_name: str) -> None:
    """Fill an empty database of the same engine with a copy."""
    if engine_name != ("sqlite" if is_sqlite(url) else "postgresql"):
        raise BackupFailed("backup_of_another_engine", engine_name)
    if is_sqlite(url):
        shutil.copyfile(copy, sqlite_path(url))
        return
    if not is_empty(url):
        raise BackupFailed("database_not_empty")
    _run("pg_restore", url, "--no-owner", "--exit-on-error", "--single-transaction", str(copy))


def is_empty(url: str) -> bool:
    """Tell whether a PostgreSQL database holds no table."""
    engine = writer_engine(url)
    try:
        with engine.connect() as connection:
            count = connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar_one()
            return int(count) == 0
    finally:
        engine.dispose()


def rows_of(connection: Connection) -> dict[str, int]:
    """Return how many rows each table of records has."""
    return {table.name: _count(connection, table) for table in record_tables()}


def engine_of(url: str) -> str:
    """Name a database's engine as manifests do."""
    return make_url(url).get_backend_name()


def same_rows(manifest: Manifest, found: dict[str, int]) -> bool:
    """Tell whether a database holds as many rows as its manifest says, whatever tables came later."""
    return all(found.get(name, 0) == count for name, count in manifest.rows.items())


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


@contextmanager
def _view(url: str) -> Iterator[Connection]:
    engine = writer_engine(url)  # a copy is nobody else's; writers may turn it back to WAL
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _run(program: str, url: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; the password goes by the environment, where no process list shows it."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed("program_missing", program)
    where = make_url(url)
    environment = {**os.environ, **_UTF8, **({"PGPASSWORD": str(where.password)} if where.password else {})}
    plain = where.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run([found, f"--dbname={plain}", *arguments], env=environment, capture_output=True, check=False)  # noqa: S603  # by its full path, no shell
    if done.returncode:
        raise BackupFailed("program_failed", f"{program} {done.returncode}")
