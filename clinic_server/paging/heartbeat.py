"""Telling a watcher outside that the alarm path lives: whole, or not at all, for silence is the message."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import httpx2
import structlog

from clinic_server.kit.call import House
from clinic_server.kit.journal import head_of
from clinic_server.kit.watcher import Watcher

BEATS_EVERY_S: Final = 60.0
ANSWERS_WITHIN_S: Final = 10.0
_log = structlog.get_logger(__name__)


class Heartbeat(Watcher):
    """Tells the watcher every minute between ``async with``, while all of ``parts`` look and the database answers."""

    def __init__(self, house: House, parts: Sequence[Part], every_s: float = BEATS_EVERY_S) -> None:
        super().__init__("heartbeat", every_s)
        self._house = house
        self._parts = parts

    async def look(self) -> None:
        """Tell the watcher, unless a part is dead."""
        url = self._house.settings.paging.heartbeat_url
        if not url:
            return
        dead = await self.dead_parts()
        if dead:
            _log.error("heartbeat_withheld", reason=", ".join(dead))
            return
        async with httpx2.AsyncClient(timeout=ANSWERS_WITHIN_S, trust_env=False) as client:
            answer = await client.get(url)
        if not answer.is_success:
            _log.warning("heartbeat_not_taken", code=answer.status_code)

    async def dead_parts(self) -> Sequence[str]:
        """Return the names of the parts of the alarm path that do not work."""
        dead = [one.name for one in self._parts if not one.is_alive()]
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._house.db.read(head_of)
            is_recording = self._house.db.is_recording
        except (TimeoutError, Unavailable):
            is_recording = False
        return dead if is_recording else [*dead, "database"]
