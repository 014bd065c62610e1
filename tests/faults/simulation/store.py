"""The database of the simulated site: the server's own, with commits that fail when they are told to."""

import queue
from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

import pysqlite3.dbapi2
from sqlalchemy import Connection

from clinic_server.kit.access import Actor
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx

T = TypeVar("T")


class Trouble(StrEnum):
    """What becomes of a commit."""

    FULL = "database or disk is full"
    NOTHING_KEPT = "disk I/O error (nothing of it is kept)"
    ALL_KEPT = "disk I/O error (all of it is kept)"


class _NoQueue:
    """Has an action recorded by whoever asks, at once; the writer's own thread has nothing to do but to end."""

    def __init__(self, record: Callable[[Any], None], of_the_thread: "queue.Queue[Any]") -> None:
        self.put_nowait = record
        self.put, self.get = of_the_thread.put, of_the_thread.get


class TroubledDatabase(Database):
    """Does at once what others await, so that nothing depends on threads; ``trouble`` meets the next commit."""

    def __init__(self, url: str, **parts: Any) -> None:
        super().__init__(url, **parts)
        self._queue = _NoQueue(self._record_now, self._queue)  # type: ignore[assignment]  # all that is used of it
        self.trouble: Trouble | None = None
        self._dialect = self._writer.dialect
        self._commit_really = self._dialect.do_commit
        self._dialect.do_commit = self._commit_or_not  # type: ignore[method-assign]  # where a disk would fail

    def close(self) -> None:
        """See Database; the dialect is that of the process, and the next database's, too."""
        del self._dialect.do_commit
        super().close()

    async def write(self, action: Callable[[Tx], T], actor: Actor) -> T:
        """See Database."""
        return self.write_now(action, actor)

    async def read(self, question: Callable[[Connection], T]) -> T:
        """See Database."""
        return self.read_now(question)

    def _record_now(self, waiting: Any) -> None:
        self._record([waiting])
        self._settle([waiting])

    def _commit_or_not(self, raw: Any) -> None:
        trouble, self.trouble = self.trouble, None
        if trouble is None or trouble is Trouble.ALL_KEPT:
            self._commit_really(raw)
        else:
            raw.rollback()  # as SQLite does by itself when a commit finds no room or a broken disk
        if trouble is not None:
            raise pysqlite3.dbapi2.OperationalError(trouble.value)
