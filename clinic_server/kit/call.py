"""One call to the server: who makes it, what they may do, and how its effect is recorded once."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import core_schema
from sqlalchemy import Connection

from clinic_server.kit.access import Actor
from clinic_server.kit.clock import business_date
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError, Conflict, KeyMissing, Malformed, NotPermitted, NotSignedIn
from clinic_server.kit.i18n import choose_language, current_language
from clinic_server.kit.idempotency import Answer, RequestKey, once
from clinic_server.kit.inbox import Inbox
from clinic_server.kit.labels import label, labels
from clinic_server.kit.pages import Pages
from clinic_server.kit.routing import RouteTable
from clinic_server.kit.tx import Tx
from clinic_server.settings import Settings

T = TypeVar("T")
FormT = TypeVar("FormT", bound="Form")
SESSION_COOKIE = "clinic_session"
LANGUAGE_COOKIE = "clinic_language"
SHOWN = "people_shown"
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_OPEN_TO_ALL = frozenset({"signed_in", "anyone"})
_NOBODY = Actor(name="anonymous")


class Authenticate(Protocol):
    """Turns a session's token into the person it belongs to, or None."""

    def __call__(self, token: str) -> Awaitable[Actor | None]: ...


class Recognise(Protocol):
    """Tells what a text stands for that was typed by hand or by a scanner that plays keyboard."""

    def __call__(self, text: str) -> Any: ...


class NotesSearches(Protocol):
    """Keeps who searched for people, and refuses whoever searched for too many."""

    async def begin_search(self, actor: Actor, page: str) -> None: ...


@dataclass(frozen=True, slots=True)
class House:
    """What every call may use; made once by the composition root and kept as ``app.state.house``."""

    settings: Settings
    db: Database
    inbox: Inbox
    pages: Pages
    authenticate: Authenticate
    recognise: Recognise


class CrossSite(NotPermitted):
    """A write came from another site's page."""

    code = "cross_site"


class NoStation(Conflict):
    """The act belongs to a station, and the actor is signed in at none."""

    code = "no_station"


EMPTY_IS_NONE = BeforeValidator(lambda given: given or None)  # a form sends an empty field as empty text


class Form(BaseModel):
    """A page's form; unknown fields are refused, blanks around words do not count."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class Body(BaseModel):
    """An API body; unknown fields are refused and nothing is converted from another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Judge what FastAPI decoded as the JSON it was: only there strictness knows ISO dates, UUIDs and codes."""
        strict = handler(source)

        def as_json(given: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            return cls.model_validate_json(msgspec.json.encode(given)) if isinstance(given, dict) else inner(given)

        decoded = core_schema.no_info_wrap_validator_function(as_json, strict)
        return core_schema.json_or_python_schema(json_schema=strict, python_schema=decoded)


class Call:
    """One request by one actor."""

    def __init__(self, request: Request, house: House, actor: Actor) -> None:
        self.request = request
        self.house = house
        self.actor = actor

    def business_day(self, at: datetime) -> date:
        """Return the clinic day an instant belongs to; sessions pass midnight."""
        site = self.house.settings.site
        return business_date(at, site.zone, site.day_starts_at)

    def local_date(self, at: datetime) -> date:
        """Return the calendar date at the site; expiry dates know no clinic day."""
        return at.astimezone(self.house.settings.site.zone).date()

    def station(self) -> str:
        """Return the station the actor is signed in at, or raise NoStation."""
        if self.actor.station is None:
            raise NoStation
        return self.actor.station

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Ask the database."""
        return await self.house.db.read(question)

    async def record(
        self,
        act: Callable[[Tx], Any],
        *,
        status: int = 201,
        then: str | Callable[[Any], str] | None = None,
        key: str | None = None,
    ) -> Response:
        """Run an action once per Idempotency-Key; answer its result as JSON, or go on to ``then`` on pages.

        ``key`` is the server's own where it knows better than the caller what is one intent, such as a delivery.
        """
        request_key = await self._request_key(key)
        answer = await self.house.db.write(once(request_key, _answering(act, status, then)), self.actor)
        return self._response(answer)

    async def form(self, model: type[FormT]) -> FormT:
        """Return the page's form, or raise Malformed naming the fields."""
        await self.request.body()  # kept by the request, so that the fingerprint can read it again
        fields = await self.request.form()
        given = {name: value for name, value in fields.items() if isinstance(value, str) and name != "idempotency_key"}
        try:
            return model.model_validate(given)
        except ValidationError as refused:
            raise Malformed(findings=fields_at_fault(refused.errors())) from None

    def may(self, path: str, method: str = "GET") -> bool:
        """Tell whether this actor may make a call, so that a page offers nothing that would be refused."""
        tables = (one for one in self.request.app.routes if isinstance(one, RouteTable))
        allowed = frozenset[str]().union(*(one.callers(method, path.partition("?")[0]) for one in tables))
        return bool(allowed & (self.actor.roles | _OPEN_TO_ALL))

    async def begin_search(self) -> None:
        """Note that people are sought by what somebody typed, or raise TooManySearches; whom it shows ``showed`` says.

        A card or a slip on a reader is no search: its holder stands there.
        """
        searches: NotesSearches = self.request.app.state.look_book
        await searches.begin_search(self.actor, self.request.scope["route"].path)

    def showed(self, person_ids: Collection[UUID]) -> None:
        """Say whom an answer shows whose address names nobody: who looked is kept all the same."""
        self.request.scope["state"][SHOWN] = tuple(person_ids)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """Render a page for this actor."""
        known = {"actor": self.actor, "here": self.request.url.path, "may": self.may}
        return self.house.pages.page(template, status=status, **(known | context))

    async def _request_key(self, known: str | None) -> RequestKey:
        key = known or self.request.headers.get("idempotency-key")
        body = await self.request.body()
        if not key and self._is_form():
            key = str((await self.request.form()).get("idempotency_key") or "")
        if not key or len(key) > 64:  # noqa: PLR2004  # the column's length
            raise KeyMissing
        path: str = self.request.scope["path"]  # the whole URL is put together at every look at it
        return RequestKey(self.actor.label, key, self.house.db.keyring.fingerprint(path.encode(), body))

    def _is_form(self) -> bool:
        return self.request.headers.get("content-type", "").startswith(
            ("application/x-www-form-urlencoded", "multipart/form-data")
        )

    def _response(self, answer: Answer) -> Response:
        if answer.location is None:
            return Response(answer.body, answer.status, media_type="application/json")
        return go_to(self.request, answer.location)


def go_to(request: Request, location: str) -> Response:
    """Send the browser on after a write, with or without JavaScript."""
    if "hx-request" in request.headers:
        return Response(status_code=200, headers={"HX-Redirect": location})
    return RedirectResponse(location, status_code=303)


def allows(*roles: StrEnum) -> Any:
    """Declare who may make this call: anyone signed in with one of the roles."""
    wanted = frozenset(roles)

    async def call_of(request: Request) -> Call:
        call = await _signed_in(request)
        if not wanted & call.actor.roles:
            raise NotPermitted
        return call

    call_of.allowed = wanted  # type: ignore[attr-defined]  # read by the guard that lists every route
    return Depends(call_of)


def signed_in() -> Any:
    """Declare a call open to everyone who is signed in."""

    async def call_of(request: Request) -> Call:
        return await _signed_in(request)

    call_of.allowed = frozenset({"signed_in"})  # type: ignore[attr-defined]  # as above
    return Depends(call_of)


def anyone() -> Any:
    """Declare a call open to everyone on the LAN."""

    async def call_of(request: Request) -> Call:
        _refuse_cross_site(request)
        actor = await actor_of(request)
        _speak(request, actor)
        return Call(request, request.app.state.house, actor or _NOBODY)

    call_of.allowed = frozenset({"anyone"})  # type: ignore[attr-defined]  # as above
    return Depends(call_of)


def cookie_name(settings: Settings, name: str) -> str:
    """Return a cookie's name at this site; behind TLS the prefix lets nobody but this host set it."""
    return f"__Host-{name}" if settings.server.secure_cookies else name


def session_cookie(request: Request) -> str | None:
    """Return the token a browser keeps for us."""
    house: House = request.app.state.house
    return request.cookies.get(cookie_name(house.settings, SESSION_COOKIE))


async def actor_of(request: Request) -> Actor | None:
    """Return who is calling, by bearer token or by session cookie."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else session_cookie(request)
    if not token:
        return None
    house: House = request.app.state.house
    return await house.authenticate(token)


async def _signed_in(request: Request) -> Call:
    _refuse_cross_site(request)
    actor = await actor_of(request)
    _speak(request, actor)
    if actor is None:
        raise NotSignedIn
    request.state.actor = actor  # for who notes what was shown to whom
    return Call(request, request.app.state.house, actor)


def _refuse_cross_site(request: Request) -> None:
    """Refuse a write that a foreign page made with our cookie (Fetch Metadata, or Origin on plain HTTP)."""
    if request.method in _SAFE_METHODS or "authorization" in request.headers:
        return
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        if fetch_site not in {"same-origin", "none"}:
            raise CrossSite
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc == request.headers.get("host"):
        return
    if origin is not None or session_cookie(request) is not None:
        raise CrossSite


def _speak(request: Request, actor: Actor | None) -> None:
    preferred = request.cookies.get(LANGUAGE_COOKIE) or (actor.language if actor else None)
    current_language.set(choose_language(preferred, request.headers.get("accept-language", "")))


def _answering(
    act: Callable[[Tx], Any], status: int, then: str | Callable[[Any], str] | None
) -> Callable[[Tx], Answer]:
    def answer(tx: Tx) -> Answer:
        result = act(tx)
        location = then(result) if callable(then) else then
        return Answer(status, msgspec.json.encode(result), location)

    return answer


def fields_at_fault(errors: Any) -> tuple[str, ...]:
    """Name the fields a body got wrong, never what was in them."""
    return tuple(sorted({".".join(str(part) for part in error["loc"] if part != "body") for error in errors}))


def as_problem(error: ClinicError) -> dict[str, Any]:
    """Return an error as the API states it: code, sentence and advice, the rules it rests on, the fields at fault."""
    shown = label("error", error.code, **error.facts)
    rules = [finding for finding in error.findings if finding in labels()["finding"]]
    return {
        "code": error.code,
        "message": shown.text,
        "fix": shown.fix,
        "findings": [{"code": rule, "message": label("finding", rule).text} for rule in rules],
        "fields": [name for name in error.findings if name not in rules],
        "facts": dict(error.facts),
    }


def waiting_headers(error: ClinicError) -> dict[str, str]:
    """Return the header that says when the same call may succeed, where it may at all."""
    return {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}


def problem_response(error: ClinicError) -> JSONResponse:
    """Return an error as JSON."""
    return JSONResponse(as_problem(error), error.status, waiting_headers(error))
