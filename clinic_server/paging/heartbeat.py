"""Telling a watcher outside that the alarm path lives: whole, or not at all, for silence is the message."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import structlog

from clinic_server.kit.call import House
from clinic_server.kit.errors import Unavailable
from clinic_server.kit.journal import head_of
from clinic_server.kit.watcher import Watcher
from devices.errors import DeviceError
from devices.pagers.guard import Guard
from devices.pagers.http import Call, HttpDoor

BEATS_EVERY_S: Final = 60.0
READS_WITHIN_S: Final = 10.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the alarm path, and how to tell that it lives."""

    name: str
    is_alive: Callable[[], bool]


class Heartbeat(Watcher):
    """Tells the watcher every minute between ``async with``, while all ``parts`` live and the database serves."""

    def __init__(self, house: House, parts: Sequence[Part], every_s: float = BEATS_EVERY_S) -> None:
        super().__init__("heartbeat", every_s)
        self._house = house
        self._parts = parts
        self._url = house.settings.paging.heartbeat_url
        self._door = HttpDoor(Guard(house.settings.paging.may_reach))

    async def look(self) -> None:
        """Tell the watcher, unless a part is dead."""
        if not self._url:
            return
        if dead := await self.dead_parts():
            _log.error("heartbeat_withheld", reason=", ".join(dead))
            return
        try:
            answer = await self._door.ask(Call(self._url, method="GET"))
        except DeviceError as error:
            _log.warning("heartbeat_not_taken", code=error.detail)
            return
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            _log.warning("heartbeat_not_taken", code=str(answer.status))

    async def dead_parts(self) -> Sequence[str]:
        """Return the names of the parts of the alarm path that do not work."""
        dead = [one.name for one in self._parts if not one.is_alive()]
        return dead if await self._database_serves() else [*dead, "database"]

    async def _database_serves(self) -> bool:
        try:
            async with asyncio.timeout(READS_WITHIN_S):
                await self._house.db.read(head_of)
        except (TimeoutError, Unavailable):
            return False
        return self._house.db.is_recording
