"""The server's own eye on its clock: a turn is recorded although nobody writes, and a restart finds a late mark."""

from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.turns import keep_mark, moment_of
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 3.0
MARKS_EVERY_S = 30.0
_CLOCK = system_actor("clock")


class ClockWatch(Watcher):
    """Keeps the time between ``async with``."""

    def __init__(self, db: Database, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("clock", every_s)
        self._db = db
        self._marked_at_s = float("-inf")

    async def look(self) -> None:
        """Record a turn; otherwise keep the time now and then."""
        now_s = self._db.clock.monotonic()
        if self._db.is_clock_turned or now_s - self._marked_at_s >= MARKS_EVERY_S:
            await self._db.write(keep_time, _CLOCK)
            self._marked_at_s = now_s


def keep_time(tx: Tx) -> None:
    """Keep the present as what a restart goes on from; the writer records a turn before it."""
    keep_mark(tx, moment_of(tx.connection))
