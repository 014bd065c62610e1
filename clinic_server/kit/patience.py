"""Connections that are hung up on when the head of a request does not come, so that nobody waits behind them."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN_S: Final = 10.0
MOST_WAITED_FOR: Final = 200  # at once; in a crowd the one that has waited longest goes first

_waited_for: dict["ImpatientProtocol", asyncio.TimerHandle] = {}


class ImpatientProtocol(HttpToolsProtocol):
    """One connection; uvicorn itself would wait for the end of a head for ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def on_message_begin(self) -> None:
        """Wait for the rest of a head that has begun."""
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        """Serve it."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self in _waited_for:
            return
        _waited_for[self] = self.loop.call_later(HEAD_WITHIN_S, self.hang_up)
        if len(_waited_for) > MOST_WAITED_FOR:
            next(iter(_waited_for)).hang_up()

    def hang_up(self) -> None:
        """Let the line go."""
        self._stop_waiting()
        self.transport.abort()

    def _stop_waiting(self) -> None:
        timer = _waited_for.pop(self, None)
        if timer is not None:
            timer.cancel()
