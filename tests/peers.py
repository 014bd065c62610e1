"""Real programs the tests and the fault runs talk to, each started on a folder of its own."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, make_url, text

LISTENS_WITHIN_S = 60.0  # whatever else the machine does; how soon is nobody's question here
CHROMIUM = Path("/usr/bin/chromium-headless-shell")  # Chromium without the windows nobody sees: a quarter less work
POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_EMPTY = """
DO $$ DECLARE name text; is_filled boolean; BEGIN
  SET LOCAL session_replication_role = replica;  -- no trigger and no foreign key stands in the way
  FOR name IN SELECT quote_ident(tablename) FROM pg_tables
              WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE 'SELECT EXISTS (SELECT FROM ' || name || ')' INTO is_filled;
    IF is_filled THEN EXECUTE 'DELETE FROM ' || name; END IF;
  END LOOP;
END $$
"""
_SHAPE = """
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(attrelid::regclass || attname || atttypid, ' ' ORDER BY attrelid::regclass::text, attnum)
        FROM pg_attribute JOIN pg_class ON oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0),
       (SELECT string_agg(tgrelid::regclass || tgname || tgenabled::text, ' ' ORDER BY tgrelid::regclass::text, tgname)
        FROM pg_trigger WHERE NOT tgisinternal),
       (SELECT string_agg(conrelid::regclass || conname, ' ' ORDER BY conrelid::regclass::text, conname)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
       (SELECT string_agg(version_num, ' ') FROM alembic_version)
"""


class MissingPeer(Exception):
    """A program that belongs to every test run is not installed."""


class PostgresServer:
    """A PostgreSQL of our own on a free folder: Unix socket only, nothing on the network."""

    def __init__(self, folder: Path) -> None:
        if not POSTGRES_FOLDERS:
            raise MissingPeer("PostgreSQL is missing; `python3 run.py test` installs it.")
        self._bin = POSTGRES_FOLDERS[-1]
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else None
        self._count = 0
        self._clean: dict[str, list[str]] = {}
        self._shapes: dict[str, tuple[object, ...]] = {}
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", "data", "-A", "trust", "-U", "clinic", "-E", "UTF8", "--no-locale", "-N")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c shared_buffers=32MB"
        self._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def new_database(self, template: str = "template1") -> str:
        """Make a database, empty or as another one that nobody uses just then, and return its URL."""
        self._count += 1
        name = f"clinic_{self._count}"
        with self._connected("postgres") as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return self._url(name).replace("postgresql+psycopg", "postgresql")

    @contextmanager
    def lent(self, template: str) -> Iterator[str]:
        """Yield the URL of a database like the template; emptied afterwards it is lent again.

        Making one takes ten times as long as emptying one. One whose schema was changed is not lent again.
        """
        if template not in self._shapes:
            with self._connected(template) as connection:
                self._shapes[template] = tuple(connection.execute(text(_SHAPE)).one())
        clean = self._clean.setdefault(template, [])
        url = clean.pop() if clean else self.new_database(template)
        name = str(make_url(url).database)
        yield url
        with self._connected(name) as connection:
            connection.execute(text(_END_OTHERS))
            connection.execute(text(_EMPTY))
            if tuple(connection.execute(text(_SHAPE)).one()) == self._shapes[template]:
                clean.append(url)

    @contextmanager
    def _connected(self, name: str) -> Iterator[Connection]:
        engine = create_engine(self._url(name), isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://clinic@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), *arguments]
        if self._user:
            command = ["setpriv", "--reuid", self._user, "--regid", self._user, "--clear-groups", *command]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True)  # noqa: S603  # our own arguments


@contextmanager
def postgres_database() -> Iterator[str]:
    """Yield the URL of an empty database on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="clinic-pg-") as folder:
        server = PostgresServer(Path(folder))
        try:
            yield server.new_database()
        finally:
            server.stop()


@contextmanager
def mosquitto() -> Iterator[str]:
    """Yield the URL of a broker of its own, which keeps for an absent server whatever comes."""
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise MissingPeer("mosquitto is missing; `python3 run.py test` installs it.")
    port = free_port()
    with tempfile.NamedTemporaryFile("w", prefix="clinic-mosquitto-", suffix=".conf") as settings:
        settings.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nlog_dest none\n")
        settings.flush()
        command = [program, "-c", settings.name]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: S603  # our own arguments
            try:
                _wait_for(port)
                yield f"mqtt://127.0.0.1:{port}"
            finally:
                process.terminate()


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + LISTENS_WITHIN_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
