"""What is more than the server can serve is told at once to come again, so that those who work here are served."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clinic_server.kit.errors import Busy
from clinic_server.kit.web import answer_error

MOST_AT_ONCE: Final = 96  # requests begun and not yet answered; live streams and files do not count
MOST_STRANGERS_AT_ONCE: Final = 24  # of these, requests that bring neither session nor credential
MOST_WAITING: Final = 200
MOST_STRANGERS_WAITING: Final = 600  # all displays of a large site ask at the same instant, and are all to be served
_STREAMS: Final = ("/live", "/api/v1/agents/words")
_SESSION: Final = b"clinic_session="


class Shedding:
    """Lets so many requests in at once and so many wait; the rest get 503 and Retry-After before anything is read.

    A session is believed here without looking it up: who lies about it is still kept within the bound of all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._all = _Room(MOST_AT_ONCE, MOST_WAITING)
        self._strangers = _Room(MOST_STRANGERS_AT_ONCE, MOST_STRANGERS_WAITING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http" or scope["path"].startswith("/static/") or scope["path"].endswith(_STREAMS):
            await self._app(scope, receive, send)
            return
        async with AsyncExitStack() as places:
            try:
                if not _brings_a_session(scope):
                    await places.enter_async_context(self._strangers.place())
                await places.enter_async_context(self._all.place())
            except Busy as busy:
                await answer_error(Request(scope), busy)(scope, receive, send)
                return
            await self._app(scope, receive, send)


class _Room:
    """So many places, and so many who may wait for one."""

    def __init__(self, places: int, most_waiting: int) -> None:
        self._free = asyncio.Semaphore(places)
        self._most_waiting = most_waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place as soon as one is free; raise Busy where too many wait already."""
        if self._free.locked() and self._waiting >= self._most_waiting:
            raise Busy
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


def _brings_a_session(scope: Scope) -> bool:
    return any(
        name == b"authorization" or (name == b"cookie" and _SESSION in content) for name, content in scope["headers"]
    )
