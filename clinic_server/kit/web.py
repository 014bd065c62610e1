"""What holds for every request: error answers, security headers, sizes, and no trace of a stack."""

import asyncio
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinic_server.kit.call import House, as_problem, fields_at_fault, go_to, problem_response, waiting_headers
from clinic_server.kit.errors import BodyTooLarge, ClinicError, Malformed, NotFound, NotSignedIn
from clinic_server.kit.i18n import choose_language, current_language

_PIECE_WITHIN_S = 15.0
_log = structlog.get_logger(__name__)

_HEADERS = (
    (b"content-security-policy", b"default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Internal(ClinicError):
    """A fault of the program; the log has its place, the answer does not."""

    code = "internal"
    status = 500


class MethodNotAllowed(ClinicError):
    """The address exists, the method does not."""

    code = "method_not_allowed"
    status = 405


class BodyTooSlow(ClinicError):
    """The body did not come in time."""

    code = "body_too_slow"
    status = 408


class SecurityHeaders:
    """Adds to every answer what a browser should refuse; personal pages are never kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kept = scope["path"].startswith("/static/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                keeping = b"public, max-age=31536000, immutable" if kept else b"no-store"
                named = {name for name, _ in message["headers"]}
                message["headers"].extend(_HEADERS)
                if b"cache-control" not in named:
                    message["headers"].append((b"cache-control", keeping))
            await send(message)

        await self._app(scope, receive, send_with_headers)


class BodyLimit:
    """Reads no more of a body than any desk sends; the framework's own limit would answer in plain English."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        is_too_large = announced.isdecimal() and int(announced) > self._most_bytes
        received, is_whole = 0, False

        async def receive_within_limit() -> Message:
            nonlocal received, is_whole
            if is_too_large:
                raise HTTPException(BodyTooLarge.status)
            message = await _next_piece(receive) if not is_whole else await receive()
            is_whole = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self._most_bytes:
                raise HTTPException(BodyTooLarge.status)
            return message

        await self._app(scope, receive_within_limit, send)


async def _next_piece(receive: Receive) -> Message:
    """Return the next piece of a body, or give up on a caller who sends none."""
    try:
        async with asyncio.timeout(_PIECE_WITHIN_S):
            return await receive()
    except TimeoutError:
        raise HTTPException(BodyTooSlow.status) from None


def install(app: FastAPI, most_body_bytes: int) -> None:
    """Give the application its error answers, headers and limits."""
    app.add_middleware(BodyLimit, most_bytes=most_body_bytes)
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(ClinicError, _answer_refusal)
    app.add_exception_handler(RequestValidationError, _answer_malformed)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(Exception, _answer_fault)


def static_files(folder: Path) -> ASGIApp:
    """Serve a folder compressed; only what is the same for everybody, for a page's length would tell of its secrets."""
    return GZipMiddleware(StaticFiles(directory=folder))


async def _answer_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClinicError)  # noqa: S101  # as registered above
    return answer_error(request, error)


async def _answer_malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as registered above
    return answer_error(request, Malformed(findings=fields_at_fault(error.errors())))


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as registered above
    known: dict[int, Callable[[], ClinicError]] = {
        404: NotFound,
        405: MethodNotAllowed,
        408: BodyTooSlow,
        413: BodyTooLarge,
    }
    return answer_error(request, known.get(error.status_code, Malformed)())


async def _answer_fault(request: Request, error: Exception) -> Response:
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-8:]]
    _log.error("fault", kind=type(error).__name__, frames=frames, route=_route_of(request))
    return answer_error(request, Internal())


def answer_error(request: Request, error: ClinicError) -> Response:
    """Answer an error as JSON, as a page's notice, or as a whole page, in the caller's language."""
    current_language.set(
        choose_language(request.cookies.get("clinic_language"), request.headers.get("accept-language", ""))
    )
    if request.url.path.startswith("/api/"):
        return problem_response(error)
    if isinstance(error, NotSignedIn):
        return go_to(request, "/sign-in")
    house: House = request.app.state.house
    template = "_notice.html" if "hx-request" in request.headers else "error.html"
    actor = getattr(request.state, "actor", None)  # who is signed in stays so, and finds the way on
    answer = house.pages.page(template, status=error.status, actor=actor, problem=as_problem(error))
    answer.headers.update(waiting_headers(error))
    return answer


def _route_of(request: Request) -> str:
    """Name the route by its pattern: an address may hold what a log must not."""
    route: Any = request.scope.get("route")
    return getattr(route, "path", "unknown")
