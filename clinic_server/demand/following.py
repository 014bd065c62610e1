"""The server's own eye on what is due next: it follows the journal, some lines at a time, beside the desks."""

import asyncio
from types import TracebackType
from typing import Self

import structlog

from clinic_server.demand.actions import keep_due
from clinic_server.demand.reckoning import reckoned
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House

LOOKS_EVERY_S = 300.0
_log = structlog.get_logger(__name__)


class DosesDue:
    """Reckons the doses that are due between ``async with``; lives on the event loop."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        self._house = house
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name="doses due")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def catch_up(self) -> None:
        """Look at every line of the journal that was not looked at yet."""
        db, zone = self._house.db, self._house.settings.site.zone
        while found := await db.read(
            lambda connection: reckoned(connection, db.keyring, zone, db.clock.now().astimezone(zone).date())
        ):
            await db.write(lambda tx, found=found: keep_due(tx, found), system_actor("doses due"))  # type: ignore[misc]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.catch_up()
            except Exception as error:  # noqa: BLE001  # a full disk passes; the lines are looked at again
                _log.error("doses_due_failed", code=type(error).__name__)  # a trace may tell data
