"""What is more than the server can serve is told at once to come again, so that those who work here are served."""

from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from clinic_server.kit.errors import Busy
from clinic_server.kit.web import answer_error

MOST_AT_ONCE: Final = 96  # requests begun and not yet answered; live streams and files do not count
MOST_STRANGERS_AT_ONCE: Final = 24  # of these, requests that bring neither session nor credential
_STREAMS: Final = ("/live", "/api/v1/agents/words")
_SESSION: Final = b"clinic_session="


class Shedding:
    """Lets so many requests in at once; the rest get 503 and Retry-After before anything is read or looked up.

    A session is believed here without looking it up: who lies about it is still kept within the bound of all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._all = 0
        self._strangers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http" or scope["path"].startswith("/static/") or scope["path"].endswith(_STREAMS):
            await self._app(scope, receive, send)
            return
        is_stranger = not _brings_a_session(scope)
        if self._all >= MOST_AT_ONCE or (is_stranger and self._strangers >= MOST_STRANGERS_AT_ONCE):
            await answer_error(Request(scope), Busy())(scope, receive, send)
            return
        self._all += 1
        self._strangers += is_stranger
        try:
            await self._app(scope, receive, send)
        finally:
            self._all -= 1
            self._strangers -= is_stranger


def _brings_a_session(scope: Scope) -> bool:
    return any(
        name == b"authorization" or (name == b"cookie" and _SESSION in content) for name, content in scope["headers"]
    )
