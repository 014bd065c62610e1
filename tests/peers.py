"""Real programs the tests and the fault runs talk to, each started on a folder of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, text

POSTGRES_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


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
