"""The server's own eye on open vials: what is left in one whose minutes are over is written off by itself."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.stock.box import overdue, waste_overdue

LOOKS_EVERY_S = 15.0
_log = structlog.get_logger(__name__)


class OverdueVials:
    """Writes off overdue vials between ``async with``; lives on the event loop."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        self._house = house
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="overdue vials")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001  # a full disk passes; the vials are looked at again
                _log.error("overdue_vials_failed", code=type(error).__name__)  # a trace may tell data
            await asyncio.sleep(self._every_s)

    async def _look(self) -> None:
        db = self._house.db
        if await db.read(lambda connection: overdue(connection, db.clock.now())):
            await db.write(waste_overdue, system_actor("open vials"))
