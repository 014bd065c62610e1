"""Connections to SQLite and PostgreSQL, opened only where "recorded" can be true."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2
from sqlalchemy import BindParameter, Connection, Engine, Select, create_engine, event, make_url
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine import URL
from sqlalchemy.pool import QueuePool, StaticPool

from clinic_server.kit.prepared import PreparedConnection

READERS = 4
_MOST_STATEMENTS = 512  # kept by a connection as SQLite parsed them; a visit sends some hundred
_FIXED_SQLITE = ((3, 51, 3),)
_BACKPORTED_SQLITE = {(3, 44): 6, (3, 50): 7}
_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
_LOCK_NOT_AVAILABLE = "55P03"
_ONE_WRITER = 0x636C696E6963  # "clinic"; held by the writing connection for as long as it lives
_POSTGRES_MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")


class SayingLimits(SQLiteCompiler):
    """Writes limits into the text: SQLite parses a statement anew for every call that gives its limit as a value."""

    def limit_clause(self, select: Select[Any], **how: Any) -> str:
        """See SQLiteCompiler."""
        limit, offset = select._limit_clause, select._offset_clause  # noqa: SLF001  # SQLAlchemy offers no public way
        if offset is not None or not isinstance(limit, BindParameter):
            return str(super().limit_clause(select, **how))  # type: ignore[no-untyped-call]  # SQLAlchemy's
        return f"\n LIMIT {self.process(limit.render_literal_execute(), **how)}"


class UnsafeDatabase(Exception):
    """This database could lose what it acknowledged; the server will not start on it."""


def is_sqlite(url: str) -> bool:
    """Tell the engine from the URL."""
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_path(url: str) -> Path:
    """Return the file behind an SQLite URL."""
    return Path(make_url(url).database or "")


def writer_engine(url: str) -> Engine:
    """Return the engine of the one connection that writes and checkpoints."""
    if is_sqlite(url):
        refuse_wal_reset_bug(pysqlite3.dbapi2.sqlite_version_info)
        return _sqlite_engine(url, begin="BEGIN IMMEDIATE", on_connect=_prepare_sqlite_writer, pool_size=1)
    return _postgres_engine(url, on_connect=_prepare_postgres_writer, pool_size=1)


def reader_engine(url: str) -> Engine:
    """Return the engine of the connections that only read."""
    if is_sqlite(url):
        return _sqlite_engine(url, begin="BEGIN", on_connect=_prepare_sqlite_reader, pool_size=READERS)
    return _postgres_engine(url, on_connect=_prepare_postgres_reader, pool_size=READERS)


def refuse_wal_reset_bug(version: tuple[int, int, int]) -> None:
    """Refuse an SQLite that can corrupt a WAL database when two connections meet at a checkpoint.

    Versions 3.7.0 to 3.51.2 have it, save 3.44.6 and 3.50.7 and later of those lines.
    """
    if version >= _FIXED_SQLITE[0] or version[2] >= _BACKPORTED_SQLITE.get(version[:2], 1 << 30):
        return
    shown = ".".join(map(str, version))
    raise UnsafeDatabase(f"SQLite {shown} has the WAL-reset bug; this server needs 3.51.3 or later.")


def _sqlite_engine(url: str, *, begin: str, on_connect: Callable[[Any], None], pool_size: int) -> Engine:
    engine = _engine(
        url,
        module=pysqlite3.dbapi2,
        hide_parameters=True,
        poolclass=StaticPool if pool_size == 1 else QueuePool,
        connect_args={"check_same_thread": False, "cached_statements": _MOST_STATEMENTS},
        **({} if pool_size == 1 else {"pool_size": pool_size, "max_overflow": 0}),
    )

    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        on_connect(raw)

    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    engine.dialect.statement_compiler = SayingLimits
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin_transaction)
    return engine


def _engine(url: str | URL, **options: Any) -> Engine:
    engine = create_engine(url, **options)
    engine._connection_cls = PreparedConnection  # noqa: SLF001  # SQLAlchemy offers no public way
    return engine


def _prepare_sqlite_writer(raw: Any) -> None:
    raw.execute("PRAGMA auto_vacuum=INCREMENTAL")  # must come before WAL on a new file
    raw.execute("PRAGMA journal_mode=WAL")
    _prepare_sqlite(raw)


def _prepare_sqlite_reader(raw: Any) -> None:
    _prepare_sqlite(raw)
    raw.execute("PRAGMA wal_autocheckpoint=0")  # only the writer checkpoints
    raw.execute("PRAGMA query_only=ON")


def _prepare_sqlite(raw: Any) -> None:
    raw.execute("PRAGMA synchronous=FULL")
    raw.execute("PRAGMA foreign_keys=ON")
    raw.execute("PRAGMA busy_timeout=5000")
    for name, wanted in _PRAGMAS.items():
        found = raw.execute(f"PRAGMA {name}").fetchone()[0]
        if found != wanted:
            raise UnsafeDatabase(f"SQLite answers {name}={found}, this server needs {wanted}.")


def _postgres_engine(url: str, *, on_connect: Callable[[Any], None], pool_size: int) -> Engine:
    engine = _engine(with_psycopg(url), hide_parameters=True, pool_size=pool_size, max_overflow=0, pool_pre_ping=True)

    def prepare(raw: Any, _record: Any) -> None:
        raw.autocommit = True  # a SET inside a transaction would be undone with it
        on_connect(raw)
        raw.autocommit = False

    event.listen(engine, "connect", prepare)
    return engine


def is_locked(connection: Connection) -> bool:
    """Tell whether a server has a PostgreSQL database."""
    is_ours = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_ONE_WRITER})").scalar()
    if is_ours:
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ONE_WRITER})")
    return not is_ours


def with_psycopg(url: str) -> URL:
    """Return the URL with the driver this server brings."""
    return make_url(url).set(drivername="postgresql+psycopg")


def _prepare_postgres_writer(raw: Any) -> None:
    raw.execute("SET lock_timeout = '5s'")  # a server killed a moment ago is still letting go
    try:
        raw.execute(f"SELECT pg_advisory_lock({_ONE_WRITER})")
    except Exception as error:
        if getattr(error, "sqlstate", None) != _LOCK_NOT_AVAILABLE:  # psycopg is imported where PostgreSQL is used
            raise
        raise UnsafeDatabase("Another server is running on this PostgreSQL database.") from None
    raw.execute("SET synchronous_commit = on")
    for name in _POSTGRES_MUST_BE_ON:
        found = raw.execute(f"SHOW {name}").fetchone()[0]
        if found != "on":
            raise UnsafeDatabase(f"PostgreSQL answers {name}={found}, this server needs on.")
    raw.execute("SET TIME ZONE 'UTC'")


def _prepare_postgres_reader(raw: Any) -> None:
    raw.execute("SET default_transaction_read_only = on")
    raw.execute("SET default_transaction_isolation = 'repeatable read'")  # one instant for all of a question, as SQLite
    raw.execute("SET TIME ZONE 'UTC'")
