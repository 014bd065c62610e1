"""Bringing a database to the schema this server was written for, or refusing to touch it."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
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
    with _held(url), _connection(url) as connection:
        config = _config(connection, scripts)
        directory = _shipped() if scripts == SCRIPTS else ScriptDirectory.from_config(config)
        current = _refuse_newer(connection, directory)
        if current == directory.get_current_head():
            return
        if current is not None and is_sqlite(url):
            _keep_copy(connection, sqlite_path(url), current)
        command.upgrade(config, "head")
        _refuse_broken_references(connection)


class Schema(Enum):
    """How a database's schema stands to this server's."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def schema_of(connection: Connection) -> Schema:
    """Tell how a database's schema stands to this server's, changing nothing."""
    scripts = _shipped()
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return Schema.NONE
    if current == scripts.get_current_head():
        return Schema.CURRENT
    return Schema.OLDER if current in {script.revision for script in scripts.walk_revisions()} else Schema.NEWER


def head_revision(scripts: Path = SCRIPTS) -> str:
    """Return the revision this server was written for."""
    config = Config()
    config.set_main_option("script_location", str(scripts))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def differences(url: str) -> list[object]:
    """Return how the database's schema differs from the declared tables; empty when they agree."""
    load_tables()
    with _connection(url) as connection:
        config = _config(connection)
        try:
            command.check(config)
        except Exception as error:  # noqa: BLE001  # Alembic raises several kinds; each names its difference
            return [str(error)]
    return []


def write_revision(url: str, message: str, revision_id: str) -> None:
    """Write a migration script from what the tables declare and the database does not have yet."""
    load_tables()
    with _connection(url) as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision_id)


@contextmanager
def _held(url: str) -> Iterator[None]:
    """Keep a running server's file from being migrated under it; on PostgreSQL the writing connection does."""
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


@cache
def _shipped() -> ScriptDirectory:
    """Return this server's own migrations; they are read once."""
    return ScriptDirectory(str(SCRIPTS))


def _config(connection: Connection, scripts: Path = SCRIPTS) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["connection"] = connection
    return config


def _refuse_newer(connection: Connection, directory: ScriptDirectory) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    if current is not None and current not in {script.revision for script in directory.walk_revisions()}:
        raise UnsafeDatabase(f"The database has schema {current}, which this older server does not know.")
    return current


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
