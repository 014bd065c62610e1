"""A PostgreSQL that may lose what it acknowledged is refused at the start."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from clinic_server.kit.engines import UnsafeDatabase, with_psycopg, writer_engine
from tests.peers import PostgresServer


@contextmanager
def set_up_with(url: str, setting: str) -> Iterator[None]:
    """Let the whole server have a setting for a while."""
    engine = create_engine(with_psycopg(url), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
            while connection.execute(text(f"SHOW {setting}")).scalar_one() != "off":
                pass
        yield
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"ALTER SYSTEM RESET {setting}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        engine.dispose()


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_postgresql_that_may_lose_what_it_acknowledged_is_refused(postgres: PostgresServer, setting: str) -> None:
    url = postgres.new_database()
    engine = writer_engine(url)
    with set_up_with(url, setting), pytest.raises(UnsafeDatabase, match=f"{setting}=off"):
        engine.connect()
    engine.dispose()


def test_commits_are_waited_for_whatever_the_database_says(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    with set_up_with(url, "synchronous_commit"):
        engine = writer_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
        engine.dispose()
