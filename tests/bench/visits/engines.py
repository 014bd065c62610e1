"""The databases of a bench: made on SQLite or PostgreSQL, and copied while nobody uses them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy import make_url

from tests.peers import PostgresServer

_number = count(1)


class Databases(Protocol):
    """Makes databases of one engine."""

    def new(self) -> str:
        """Return the URL of an empty one."""
        ...

    def copy(self, url: str) -> str:
        """Return the URL of one like another that nobody uses just then."""
        ...


@dataclass(frozen=True, slots=True)
class SqliteFiles:
    """Files in a folder."""

    folder: Path

    def new(self) -> str:
        return f"sqlite:///{self.folder / f'bench-{next(_number)}.db'}"

    def copy(self, url: str) -> str:
        made = self.new()
        shutil.copyfile(str(make_url(url).database), str(make_url(made).database))
        return made


@dataclass(frozen=True, slots=True)
class PostgresDatabases:
    """Databases of a server."""

    server: PostgresServer

    def new(self) -> str:
        return self.server.new_database()

    def copy(self, url: str) -> str:
        return self.server.new_database(str(make_url(url).database))


@contextmanager
def databases(engine: str) -> Iterator[Databases]:
    """Yield a maker of databases on ``sqlite`` or ``postgresql``, all gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"clinic-{engine}-") as folder:
        if engine == "sqlite":
            yield SqliteFiles(Path(folder))
            return
        server = PostgresServer(Path(folder))
        try:
            yield PostgresDatabases(server)
        finally:
            server.stop()
