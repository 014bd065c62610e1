"""What has arrived on a line and was not read yet."""

import asyncio

from devices.errors import LinkLost

UNREAD_LIMIT = 65536


class ByteInbox:
    """A bounded buffer with one reader; when nobody reads, the oldest bytes fall out, as in a UART."""

    def __init__(self) -> None:
        self._unread = bytearray()
        self._arrived = asyncio.Event()
        self._loss: str | None = None

    def feed(self, received: bytes) -> None:
        """Add what arrived."""
        self._unread += received
        del self._unread[: max(0, len(self._unread) - UNREAD_LIMIT)]
        self._arrived.set()

    def lose(self, reason: str) -> None:
        """End the line: what is unread may still be read, then LinkLost with the first reason given."""
        if self._loss is None:
            self._loss = reason
        self._arrived.set()

    @property
    def loss(self) -> str | None:
        """Why the line ended, or None while it is open."""
        return self._loss

    async def read(self, max_bytes: int, timeout_s: float | None) -> bytes:
        """Return 1..max_bytes bytes, or none after the silence. Raises LinkLost."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._unread and self._loss is None:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return b""
        if not self._unread:
            raise LinkLost(self._loss or "closed")
        taken = bytes(self._unread[:max_bytes])
        del self._unread[:max_bytes]
        return taken
