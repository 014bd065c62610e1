"""Asking a printer how it is and how far it got, over one open link."""

import asyncio
from collections.abc import Callable
from typing import Final

from devices.errors import NoAnswer
from devices.links import Link
from devices.receipt_printer import wire

CHUNK: Final = 256
ANSWER_S: Final = 1.0


class Conversation:
    """Picks single answer bytes out of whatever the printer sends; what belongs to nothing is dropped."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._unread = bytearray()

    async def trouble(self) -> wire.PrinterTrouble:
        """Return what the printer says of itself. Raises NoAnswer, LinkLost."""
        answers = [await self._asked(question) for question in (wire.ASK_OFFLINE_CAUSE, wire.ASK_PAPER)]
        return wire.decode_trouble(*answers)

    async def send(self, payload: bytes) -> None:
        """Send after forgetting everything that came before. Raises LinkLost."""
        while await self._link.read(CHUNK, 0):
            pass
        self._unread.clear()
        await self._link.write(payload)

    async def has_worked_off(self, within_s: float) -> bool:
        """Wait for the answer to ASK_PROGRESS. Raises LinkLost."""
        return await self._first(wire.is_progress_answer, within_s) is not None

    async def idle(self, wake: asyncio.Event, within_s: float) -> None:
        """Wait for the event or the time, and notice a lost line meanwhile. Raises LinkLost."""
        reading = asyncio.ensure_future(self._link.read(CHUNK, within_s))
        waking = asyncio.ensure_future(wake.wait())
        try:
            await asyncio.wait({reading, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            reading.cancel()
            await asyncio.gather(waking, reading, return_exceptions=True)
        if not reading.cancelled():
            reading.result()

    async def _asked(self, question: bytes) -> int:
        await self._link.write(question)
        answer = await self._first(wire.is_real_time_answer, ANSWER_S)
        if answer is None:
            raise NoAnswer
        return answer

    async def _first(self, is_wanted: Callable[[int], bool], within_s: float) -> int | None:
        """Return the first such byte and forget it; others stay for who asked for them."""
        ends_at_s = asyncio.get_running_loop().time() + within_s
        while (place := next((at for at, byte in enumerate(self._unread) if is_wanted(byte)), None)) is None:
            left_s = ends_at_s - asyncio.get_running_loop().time()
            received = await self._link.read(CHUNK, max(0.0, left_s))
            if not received:
                return None
            self._unread += received
            del self._unread[:-CHUNK]
        return self._unread.pop(place)
