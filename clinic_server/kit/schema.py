"""Bringing a database to the schema this server was written for, or refusing to touch it."""

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from functools import cache
from pathlib import Path
from types import ModuleType

from sqlalchemy import Connection
from sqlmodel import SQLModel

from clinic_server.kit.engines import UnsafeDatabase, is_sqlite, sqlite_path, writer_engine
from clinic_server.kit.single import hold_file
from clinic_server.kit.tables import table_of

_PACKAGE = Path(__file__).parents[1]
SCRIPTS = _PACKAGE / "migrations"


@cache
def load_tables() -> None:
    """Import every slice's ``tables`` so that the metadata is whole."""
    for path in sorted(_PACKAGE.rglob("tables.py")):
        if path.parent.name != "kit":
            importlib.import_module(".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts))
    importlib.import_module(f"{_PACKAGE.name}.kit.journal")
    importlib.import_module(f"{_PACKAGE.name}.kit.idempotency")
    importlib.import_module(f"{_PACKAGE.name}.kit.turns")


def append_only_tables() -> list[str]:
    """Return the names of the tables that may only grow."""
    load_tables()
    mapped = [mapper.class_ for mapper in SQLModel._sa_registry.mappers]  # noqa: SLF001  # SQLModel offers no public way
    return sorted(table_of(model).name for model in mapped if getattr(model, "append_only", False))


def upgrade(url: str, scripts: Path = SCRIPTS) -> None:
    """Create or migrate the schema; a migration that fails leaves no trace, a newer file is refused."""
    load_tables()
    with kept_from_servers(url), _connection(url) as connection:
        current, known = _current_revision(connection), _revisions(scripts)
        connection.rollback()
        if current is not None and current not in known:
            raise UnsafeDatabase(f"The database has schema {current}, which this older server does not know.")
        if current == known[-1]:
            return
        if current is not None and is_sqlite(url):
            _keep_copy(connection, sqlite_path(url), current)
        _migrating().migrate(connection, scripts)
        _refuse_broken_references(connection)


def create_in(connection: Connection) -> None:
    """Create the schema in an empty PostgreSQL database, as a part of the transaction that the connection is in."""
    load_tables()
    _migrating().migrate(connection, SCRIPTS)


class Schema(Enum):
    """How a database's schema stands to this server's."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def schema_of(connection: Connection) -> Schema:
    """Tell how a database's schema stands to this server's, changing nothing."""
    current, known = _current_revision(connection), _revisions(SCRIPTS)
    if current is None:
        return Schema.NONE
    if current == known[-1]:
        return Schema.CURRENT
    return Schema.OLDER if current in known else Schema.NEWER


def head_revision() -> str:
    """Return the revision this server was written for."""
    return _revisions(SCRIPTS)[-1]


def differences(url: str) -> list[object]:
    """Return how the database's schema differs from the declared tables; empty when they agree."""
    load_tables()
    with _connection(url) as connection:
        found: list[object] = _migrating().declared_otherwise(connection, SCRIPTS)
        return found


def write_revision(url: str, message: str, revision_id: str) -> None:
    """Write a migration script from what the tables declare and the database does not have yet."""
    load_tables()
    with _connection(url) as connection:
        _migrating().write_script(connection, SCRIPTS, message, revision_id)


def _migrating() -> ModuleType:
    """Alembic takes 11 MB and a tenth of the start, and on nearly every start there is nothing to migrate."""
    return importlib.import_module("clinic_server.kit.migrating")


@cache
def _revisions(scripts: Path) -> Sequence[str]:
    """Return what the scripts bring a schema to, in order: each script's name begins with it."""
    return sorted(path.name.partition("_")[0] for path in (scripts / "versions").glob("[0-9]*.py"))


def _current_revision(connection: Connection) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


@contextmanager
def kept_from_servers(url: str) -> Iterator[None]:
    """Keep every server from an SQLite file meanwhile; on PostgreSQL the writing connection itself does."""
    held = hold_file(sqlite_path(url)) if is_sqlite(url) else None
    try:
        yield
    finally:
        if held is not None:
            held.release()


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """Yield a connection with foreign keys off, because batch migrations rebuild tables."""
    engine = writer_engine(url)
    try:
        with engine.connect() as connection:
            if is_sqlite(url):
                connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]  # a live connection has one
            yield connection
    finally:
        engine.dispose()


def _keep_copy(connection: Connection, path: Path, current: str) -> None:
    copy = path.with_name(f"{path.stem}.before-{current}{path.suffix}")
    copy.unlink(missing_ok=True)
    connection.connection.driver_connection.execute("VACUUM INTO ?", (str(copy),))  # type: ignore[union-attr]  # as above


def _refuse_broken_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    connection.rollback()
    if broken:
        raise UnsafeDatabase(f"After the migration {len(broken)} references lead nowhere.")
