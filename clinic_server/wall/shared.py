"""One board for all displays that ask for the same: five hundred of them ask at the same instant, at every change."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from clinic_server.kit.db import Database
from clinic_server.kit.tx import Signal

_SHOWN_FOR_S: Final = 1


class SharedBoards:
    """Keeps each board, by a display's address and the language that has its turn, until something is recorded.

    It is kept no longer than a second, for minutes and pages turn by themselves.
    Whoever asks after a write was answered gets a board that was begun after it.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._writes = 0
        self._as_of: tuple[int, ...] = ()
        self._boards: dict[tuple[str, str], asyncio.Future[str]] = {}
        db.watch(self._written)

    async def board(self, asked: tuple[str, str], make: Callable[[], Awaitable[str]]) -> str:
        """Return the board that is being or was made for others who asked for the same, or make it."""
        if (as_of := self._now()) != self._as_of:
            self._as_of, self._boards = as_of, {}
        if asked not in self._boards:
            self._boards[asked] = asyncio.ensure_future(make())
        return await asyncio.shield(self._boards[asked])  # a display that goes away takes nobody's board with it

    def _now(self) -> tuple[int, ...]:
        clock = self._db.clock
        moments = (clock.monotonic(), clock.now().timestamp())
        return (self._writes, *(int(moment // _SHOWN_FOR_S) for moment in moments))

    def _written(self, _signals: Sequence[Signal]) -> None:
        self._writes += 1  # on the writer's thread alone
