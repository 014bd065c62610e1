"""A watch over a site's server from another PC: it hears the server's heartbeat and wakes people when that stays away.

The server beats only while its whole alarm path lives, so silence means: nobody would be woken by it now.
"""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from devices.agent.dead_man import DeadMan, Said
from devices.agent.watch_orders import Orders, Person, pagers_of
from devices.pagers.page import Page, Reached

LOOKS_EVERY_S: Final = 1.0
MOST_REQUEST_BYTES: Final = 8_192
REQUEST_WITHIN_S: Final = 5.0
SENT_WITHIN_S: Final = 60.0
TRIES: Final = 3
TRIES_AGAIN_AFTER_S: Final = 20.0
_HEARD: Final = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
_UNKNOWN: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_WORDS: Final = {
    Said.SILENT: ("SERVER {site} SILENT {minutes}MIN - ALARMS MAY NOT REACH YOU", True),
    Said.STILL_SILENT: ("SERVER {site} STILL SILENT {minutes}MIN - ALARMS MAY NOT REACH YOU", True),
    Said.BACK: ("SERVER {site} IS BACK", False),
}
Tell = Callable[[str], None]


class Watch:
    """Listens and looks until cancelled. ``tell`` is given one line for whatever happens, without any secret."""

    def __init__(
        self,
        orders: Orders,
        tell: Tell,
        monotonic: Callable[[], float],
        tries_again_after_s: float = TRIES_AGAIN_AFTER_S,
    ) -> None:
        self._orders = orders
        self._tell = tell
        self._monotonic = monotonic
        self._tries_again_after_s = tries_again_after_s
        self._pagers = pagers_of(orders)
        self._dead_man = DeadMan(orders.silent_after_s, orders.repeats_after_s, monotonic())
        self._pages: set[asyncio.Task[None]] = set()
        self._number = 0
        self.port = orders.port

    async def stand(self) -> None:
        """Stand watch. Raises OSError when the port is taken."""
        server = await asyncio.start_server(
            self._hear, self._orders.listen, self._orders.port, limit=MOST_REQUEST_BYTES
        )
        self.port = server.sockets[0].getsockname()[1]
        self._tell(f"listening on port {self.port}; silence is told after {self._orders.silent_after_s} s")
        async with server:
            while True:
                self._say(self._dead_man.look(self._monotonic()))
                await asyncio.sleep(LOOKS_EVERY_S)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(REQUEST_WITHIN_S):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(_HEARD if self._is_beat(request) else _UNKNOWN)
                await writer.drain()
        writer.close()

    def _is_beat(self, request: bytes) -> bool:
        expected = f"GET /beat/{self._orders.secret} ".encode()
        if not hmac.compare_digest(request[: len(expected)], expected):
            return False
        self._say(self._dead_man.beat(self._monotonic()))
        return True

    def _say(self, said: Said | None) -> None:
        if said is None:
            return
        words, is_urgent = _WORDS[said]
        text = words.format(site=self._orders.site, minutes=self._dead_man.silent_minutes(self._monotonic()))
        self._number += 1
        self._tell(text.lower())
        page = Page(f"W{self._number}", text[:80], text, is_urgent)
        for person in self._orders.people:
            task = asyncio.create_task(self._wake(person, page))
            self._pages.add(task)
            task.add_done_callback(self._pages.discard)

    async def _wake(self, person: Person, page: Page) -> None:
        """Page somebody, again where it did not get through: nobody else will."""
        for turn in range(1, TRIES + 1):
            reached, reason = await self._send(person, page)
            self._tell(f"{page.number} to {person.name} by {person.channel}: {reached} {reason}".rstrip())
            if reached not in {Reached.FAILED, Reached.EXPIRED, Reached.UNCONFIRMED} or turn == TRIES:
                return
            await asyncio.sleep(self._tries_again_after_s)

    async def _send(self, person: Person, page: Page) -> tuple[Reached, str]:
        try:
            async with asyncio.timeout(SENT_WITHIN_S):
                outcome = await self._pagers[person.channel].send(person.address, page)
        except TimeoutError:
            return Reached.UNCONFIRMED, "no_answer"
        except Exception as fault:  # noqa: BLE001  # a fault of one driver must not end the watch
            return Reached.FAILED, type(fault).__name__
        return outcome.reached, outcome.reason
