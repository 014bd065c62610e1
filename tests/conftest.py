"""The real parts every test stands on: both database engines, a clock that waits to be told, a signed-in desk."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.schema import upgrade
from clinic_server.kit.tx import Site

POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def pass_time(self, **spans: float) -> None:
        """Let time pass, for the wall clock and for waiting alike."""
        self._now += timedelta(**spans)
        self._monotonic += timedelta(**spans).total_seconds()

    def step(self, **spans: float) -> None:
        """Set the wall clock by hand; waiting does not notice."""
        self._now += timedelta(**spans)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=("sqlite", "postgresql", "both"), default="both")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that touches the database on each engine asked for."""
    if "engine" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--engine")
        engines = ["sqlite", "postgresql"] if chosen == "both" else [chosen]
        metafunc.parametrize("engine", engines, scope="session")


class PostgresServer:
    """A PostgreSQL of our own on a free folder: Unix socket only, nothing on the network."""

    def __init__(self, folder: Path) -> None:
        if not POSTGRES_FOLDERS:
            pytest.fail("PostgreSQL is missing; `python3 run.py test` installs it.")
        self._bin = POSTGRES_FOLDERS[-1]
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else None
        self._count = 0
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "clinic", "-E", "UTF8", "--no-locale", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c shared_buffers=32MB"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        self._count += 1
        name = f"clinic_{self._count}"
        engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self._url(name).replace("postgresql+psycopg", "postgresql")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://clinic@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        if self._user:
            command = ["setpriv", "--reuid", self._user, "--regid", self._user, "--clear-groups", *command]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True)  # noqa: S603  # our own arguments


@pytest.fixture(scope="session", name="postgres")
def _postgres() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="clinic-pg-") as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="session", name="blank_sqlite")
def _blank_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema and nothing in it, copied for each test."""
    path = tmp_path_factory.mktemp("blank") / "clinic.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(name="database_url")
def _database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database with the schema, on the engine under test."""
    if engine == "postgresql":
        url: str = request.getfixturevalue("postgres").new_database()
        upgrade(url)
        return url
    shutil.copy(request.getfixturevalue("blank_sqlite"), tmp_path / "clinic.db")
    return f"sqlite:///{tmp_path / 'clinic.db'}"


@pytest.fixture(name="clock")
def _clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(name="keyring")
def _keyring() -> Keyring:
    return Keyring(bytes(range(32)))


@pytest.fixture(name="db")
def _db(database_url: str, clock: ManualClock, keyring: Keyring) -> Iterator[Database]:
    database = Database(database_url, site=Site("TEST", 1), keyring=keyring, clock=clock, ids=Ids(clock))
    yield database
    database.close()
