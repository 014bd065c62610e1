"""Durable events that no server has answered yet, in a file: on the disk before anyone is told they are safe."""

import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")
MOST_KEPT: Final = 200_000
MOST_REFUSED_KEPT: Final = 1_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS own (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS waiting (seq INTEGER PRIMARY KEY AUTOINCREMENT, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS refused (id TEXT PRIMARY KEY, reason TEXT NOT NULL, content BLOB NOT NULL);
"""


class SpoolTaken(Exception):
    """Another program holds the file."""


class SpoolFull(Exception):
    """As much is kept as ever will be. What is kept stays: it was promised; its senders keep what comes now."""


class SpoolFailed(Exception):
    """The disk refused; nothing was kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One event as it lies in the file, under an id it has for ever."""

    seq: int
    id: str
    content: bytes = field(repr=False)


class Spool:
    """The file, in order of arrival; used from one thread at a time. Damaged, it is set aside and begun anew.

    Not in WAL mode: the interpreter's own SQLite may be one whose log can lose what was committed.
    """

    def __init__(self, path: Path, most_kept: int = MOST_KEPT) -> None:
        self._path = path
        self._most_kept = most_kept
        self.set_aside = 0
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            _refuse_if_taken(error)
            self._begin_anew()

    def __len__(self) -> int:
        return self._depth

    @property
    def refused(self) -> int:
        """How many events the server would not have; they are kept apart, the newest of them."""
        return int(self._file.execute("SELECT count(*) FROM refused").fetchone()[0])

    def add(self, contents: Sequence[bytes]) -> None:
        """Keep events, on the disk before this returns. Raises SpoolFull or SpoolFailed, and keeps none."""
        if self._depth + len(contents) > self._most_kept:
            raise SpoolFull

        def insert() -> None:
            self._file.executemany("INSERT INTO waiting (content) VALUES (?)", [(one,) for one in contents])

        self._commit(insert)
        self._depth += len(contents)

    def oldest(self, most: int, most_bytes: int) -> list[Kept]:
        """Return what came first and was not answered; always at least one event if there is any."""
        rows = self._read("SELECT seq, content FROM waiting ORDER BY seq LIMIT ?", most)
        chosen: list[Kept] = []
        for seq, content in rows:
            most_bytes -= len(content)
            if chosen and most_bytes < 0:
                break
            chosen.append(Kept(seq, f"{self._id}-{seq}", content))
        return chosen

    def answered(self, kept: Sequence[Kept], refused: Mapping[str, str]) -> None:
        """Forget what the server has; what it refused for good is put apart, so that nothing behind it waits."""
        apart = [(one.id, refused[one.id], one.content) for one in kept if one.id in refused]

        def remove() -> None:
            self._file.executemany("INSERT OR REPLACE INTO refused VALUES (?, ?, ?)", apart)
            newest = "SELECT rowid FROM refused ORDER BY rowid DESC LIMIT ?"
            self._file.execute(f"DELETE FROM refused WHERE rowid NOT IN ({newest})", [MOST_REFUSED_KEPT])  # noqa: S608 - our own words
            self._file.executemany("DELETE FROM waiting WHERE seq = ?", [(one.seq,) for one in kept])

        self._commit(remove)
        self._depth -= len(kept)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _open(self) -> None:
        self._file = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            for setting in ("locking_mode = EXCLUSIVE", "journal_mode = DELETE", "synchronous = EXTRA"):
                self._file.execute(f"PRAGMA {setting}")
            self._file.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
            self._refuse_if_damaged()
            own = self._file.execute("SELECT id FROM own").fetchone()
            self._id = own[0] if own else secrets.token_hex(8)
            if not own:
                self._file.execute("INSERT INTO own VALUES (?)", [self._id])
            self._depth = int(self._file.execute("SELECT count(*) FROM waiting").fetchone()[0])
        except sqlite3.DatabaseError:
            self._file.close()
            raise
        self._path.chmod(0o600)

    def _refuse_if_damaged(self) -> None:
        if self._file.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("malformed")

    def _begin_anew(self) -> None:
        """Put a damaged file aside for whoever can read it, and go on with an empty one."""
        stamp = time.strftime("%Y%m%dT%H%M%S")
        with suppress(OSError):
            self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
            self._path.replace(self._path.with_name(f"{self._path.name}.damaged-{stamp}-{secrets.token_hex(2)}"))
        self.set_aside += 1
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            _refuse_if_taken(error)
            raise SpoolFailed from None

    def _read(self, question: str, *values: int) -> Iterable[tuple[int, bytes]]:
        return self._whole_or_anew(lambda: self._file.execute(question, values).fetchall())

    def _commit(self, change: Callable[[], None]) -> None:
        def commit() -> None:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                change()
                self._file.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._file.execute("ROLLBACK")
                raise

        self._whole_or_anew(commit)

    def _whole_or_anew(self, act: Callable[[], T]) -> T:
        """Act; once more on an empty file when the old one turns out to be damaged."""
        try:
            return act()
        except sqlite3.OperationalError:
            raise SpoolFailed from None
        except sqlite3.DatabaseError:
            self._file.close()
            self._begin_anew()
            return act()


def _refuse_if_taken(error: sqlite3.DatabaseError) -> None:
    if "locked" in str(error):
        raise SpoolTaken from None
    if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
        raise SpoolFailed from None
