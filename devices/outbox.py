"""What is still to be sent on a line whose reader must not wait for it."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from devices.errors import LinkLost
from devices.links import Link


class Outbox:
    """Sends beside the reading; holds one payload, the newest. Used as `async with`, inside that of its link.

    A line that cannot be written to is not told: the reader finds out if it is lost, and goes on if it is not.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._payload = b""
        self._filled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def put(self, payload: bytes) -> None:
        """Send this next, instead of whatever has not been begun."""
        self._payload = payload
        self._filled.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._send_for_ever(), name="outbox")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _send_for_ever(self) -> None:
        while True:
            await self._filled.wait()
            self._filled.clear()
            write = asyncio.ensure_future(self._link.write(self._payload))
            try:
                with suppress(LinkLost):
                    await asyncio.shield(write)
            finally:
                # A port may not be closed under a thread that writes to it.
                await asyncio.gather(write, return_exceptions=True)
