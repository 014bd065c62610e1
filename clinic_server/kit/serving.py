"""Running the server: what its log may hold, how many it serves at once, and an end that no open stream delays."""

import asyncio
import gc
import logging
import resource
import socket
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TextIO, cast

import msgspec
import structlog
import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from clinic_server.kit.patience import ImpatientProtocol

_MOST_CONNECTIONS = 3000
_MOST_FILES = 8192
_GRACE_S = 3
_UVICORN_LOG = logging.getLogger("uvicorn.error")
_MOST_CHARACTERS = 200
LOGGED = frozenset(
    "at code detail device event frames kind level logger reason route size state waiting".split()  # noqa: SIM905  # reads as a list of words
)


class NotStarted(Exception):
    """The server cannot start; the message is for whoever started it."""


class ClinicServer(uvicorn.Server):
    """A server whose live streams end first when it is told to stop; otherwise each would hold it up."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self.app = app
        self.refused: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(
            uvicorn.Config(
                self._serve_app,
                host=host,
                port=port,
                loop="uvloop",
                http=ImpatientProtocol,
                ws="none",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,  # addresses may hold what a log must not
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes, or raise what refused the start."""
        _allow_files()
        listening = sockets or [listen(self.config.host, self.config.port)]
        try:
            super().run(listening)
        except SystemExit:
            if self.refused is not None:
                raise self.refused from None
            raise
        finally:
            for each in listening:
                each.close()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the house, then say where it is."""
        self._loop = asyncio.get_running_loop()
        _UVICORN_LOG.setLevel(logging.CRITICAL)  # whoever started it is told once, in a sentence
        await super().startup(sockets)
        settle_memory()
        _UVICORN_LOG.setLevel(logging.WARNING)
        sys.stdout.write(f"Listening on http://{self.config.host}:{self.config.port}\n")
        sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End every stream, then stop (signal handler)."""
        house = getattr(self.app.state, "house", None)
        if house is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(house.db.broadcaster.close)
        super().handle_exit(sig, frame)

    async def _serve_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the whole life of the application (ASGI); keep what refused its start."""
        try:
            await self.app(scope, receive, send)
        except BaseException as error:
            if scope["type"] == "lifespan":
                self.refused = error
            raise


def _allow_files() -> None:
    """Let as many connections be open as are served; systems begin with 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(_MOST_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def settle_memory() -> None:
    """Keep what was built at start out of later collections: they were the longest pauses."""
    gc.unfreeze()  # an earlier server of this process may have gone
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, or raise NotStarted when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise NotStarted(f"Cannot listen on {host} port {port}: {error.strerror}.") from None


def log_to(stream: TextIO) -> None:
    """Write every log line as JSON, with no more than the keys of ``LOGGED``; where it takes none, lines are lost."""
    log = cast("TextIO", _Lossy(stream))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            keep_allowed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=log),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(log)
    handler.setFormatter(LibraryLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


class _Lossy:
    """A stream that loses what it cannot write: whoever logs is about to answer somebody, or is the writer itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write what can be written."""
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        """Let go of what can be let go of."""
        with suppress(OSError):
            self._stream.flush()


def keep_allowed(_logger: Any, _name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop keys nobody has vouched for, and cut what is long (a structlog processor)."""
    return {key: _short(value) for key, value in line.items() if key in LOGGED}


class LibraryLine(logging.Formatter):
    """What libraries log: their sentence without what they filled in, and of an error its kind and place only.

    The devices' package fills in nothing but names of devices, kinds of errors and places in the code; that is kept.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line of JSON."""
        is_ours = record.name.startswith("devices.")
        event, *more = (record.getMessage() if is_ours else str(record.msg)).strip().splitlines() or [""]
        line: dict[str, Any] = {
            "event": _short(event),
            "level": record.levelname.lower(),
            "logger": record.name,
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if is_ours and more:
            line["frames"] = [_short(one.strip()) for one in more]
        if record.exc_info and record.exc_info[0]:
            line["kind"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])[-8:]
            line["frames"] = [f"{frame.filename}:{frame.lineno}" for frame in frames]
        return msgspec.json.encode(line).decode()


def _short(value: Any) -> Any:
    return value[:_MOST_CHARACTERS] if isinstance(value, str) else value
