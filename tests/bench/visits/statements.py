"""The yardstick ``sql``: the statements of recorded requests, sent again by the bare driver and committed alike.

Run as a program it sends a recording to a database that stands where the recorded one stood when the server started.
What came before the visits began is sent as it was; of the visits, so many requests go into a commit. It prints the
seconds of each of their commits.
"""

import json
import pickle
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Statement = tuple[str, Any]
_WRITER = "writer"
_BEGIN, _SAVEPOINT, _RELEASE = "BEGIN IMMEDIATE", "SAVEPOINT action", "RELEASE SAVEPOINT action"
_ANSWERED = "INSERT INTO first_answer"


@dataclass(slots=True)
class Action:
    """What one request sent to the database; ``opening`` is what its transaction began with."""

    opening: list[Statement] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    @property
    def is_request(self) -> bool:
        """Tell a request, whose answer is stored with it, from what the server does by itself."""
        return any(text.startswith(_ANSWERED) for text, _ in self.statements)


@dataclass(slots=True)
class Recorder:
    """Notes what the writer sends; ``heard`` is for SQLAlchemy's event ``before_cursor_execute``."""

    before: list[Action] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    _action: Action = field(default_factory=Action)
    _is_within: bool = False

    def heard(self, _connection: Any, _cursor: Any, text: str, values: Any, _context: Any, many: Any) -> None:
        """Note one statement of the writer's thread."""
        if threading.current_thread().name != _WRITER or text == _BEGIN:
            return
        if many:
            raise AssertionError(f"sent for many rows at once: {text}")
        self._is_within |= text == _SAVEPOINT
        if isinstance(values, tuple):
            values = tuple(bytes(one) if isinstance(one, memoryview) else one for one in values)
        (self._action.statements if self._is_within else self._action.opening).append((text, values))
        if text == _RELEASE:
            self.actions.append(self._action)
            self._action, self._is_within = Action(), False

    def mark(self) -> None:
        """Say that everything until now came before the visits."""
        self.before, self.actions = self.actions, []

    def save(self, file: Path) -> None:
        """Write all that came before, and since then the requests alone."""
        since = [one for one in self.actions if one.is_request]
        told = [[(one.opening, one.statements) for one in actions] for actions in (self.before, since)]
        file.write_bytes(pickle.dumps(told))


def main() -> None:
    """Send a recording again: FILE, URL of the database, requests in a commit."""
    file, url, together = sys.argv[1:]
    told = pickle.loads(Path(file).read_bytes())  # noqa: S301  # written by this bench
    before, actions = ([Action(*one) for one in part] for part in told)
    driver = _sqlite(url) if url.startswith("sqlite") else _postgres(url)
    driver.send(before, 1)
    json.dump(driver.send(actions, int(together)), sys.stdout)


@dataclass(frozen=True, slots=True)
class Driver:
    """A bare connection."""

    execute: Callable[..., Any]
    fetch_all: Callable[[], Any]
    begin: str

    def send(self, actions: Sequence[Action], together: int) -> list[float]:
        """Send actions, so many in a commit, and return the seconds of each commit."""
        return [self._commit(actions[first : first + together]) for first in range(0, len(actions), together)]

    def _commit(self, batch: Sequence[Action]) -> float:
        began_at = time.perf_counter()
        self.execute(self.begin)
        for text, values in (*batch[0].opening, *(one for action in batch for one in action.statements)):
            self.execute(text, values)
            self.fetch_all()
        self.execute("COMMIT")
        return time.perf_counter() - began_at


def _sqlite(url: str) -> Driver:
    from pysqlite3 import dbapi2  # noqa: PLC0415  # the other driver need not be there

    connection = dbapi2.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    cursor = connection.cursor()
    return Driver(cursor.execute, cursor.fetchall, _BEGIN)


def _postgres(url: str) -> Driver:
    import psycopg  # noqa: PLC0415  # as above

    cursor = psycopg.connect(url, autocommit=True).cursor()
    return Driver(cursor.execute, lambda: cursor.fetchall() if cursor.description else None, "BEGIN")


if __name__ == "__main__":
    main()
