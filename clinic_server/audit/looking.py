"""Noticing looks beside the answer: gathered in memory, kept every few seconds under one line of the journal.

A page never waits for this. What a killed server had gathered since it last kept looks is lost, and no more than that.
"""

import asyncio
from collections.abc import Collection
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinic_server.audit.actions import keep_looks, tell_many_searches
from clinic_server.audit.lookup import searches_between, told_of_searches
from clinic_server.audit.rules import LatelySeen, Look, SearchLimit, Subject, TooManySearches, subject_of
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.call import SHOWN, House
from clinic_server.kit.watcher import Watcher
from clinic_server.settings import SecuritySettings

KEPT_EVERY_S: Final = 5.0
_MOST_GATHERED: Final = 50_000
_MOST_AT_ONCE: Final = 50  # some 10 ms of the writer's time, for which no desk waits long
_AUDIT: Final = system_actor("audit")
_log = structlog.get_logger(__name__)


def search_limit(security: SecuritySettings) -> SearchLimit:
    """Return how often one person may search at this site."""
    return SearchLimit(security.most_searches, timedelta(minutes=security.searches_minutes))


class LookBook(Watcher):
    """Gathers looks on the event loop and keeps them; what cannot be kept now is tried again."""

    def __init__(self, house: House) -> None:
        super().__init__("looks", KEPT_EVERY_S, first_after_s=KEPT_EVERY_S)
        self._db = house.db
        self._seen = LatelySeen()
        self._gathered: list[Look] = []
        self._limit = search_limit(house.settings.security)
        self._one_search, self._one_keeping = asyncio.Lock(), asyncio.Lock()

    def note(self, actor: Actor, page: str, parameters: dict[str, Any]) -> None:
        """Note that somebody was shown a page, if it is one person's."""
        subject = subject_of(page, parameters)
        if subject is not None:
            self._gather(actor, page, *subject)

    async def begin_search(self, actor: Actor, page: str) -> None:
        """Note that somebody searches, or raise TooManySearches, of which the site is told.

        One after the other, so that nobody asks many at once before the first is counted.
        """
        async with self._one_search:
            refusal = await self._refusal_of(actor)
            if refusal is None:
                self._gather(actor, page, Subject.SEARCH, str(uuid4()))
        if refusal is not None:
            await self._tell(actor)
            raise refusal

    async def _refusal_of(self, actor: Actor) -> TooManySearches | None:
        waiting = [one for one in self._gathered if one.subject is Subject.SEARCH and one.staff_id == actor.staff_id]
        limit, now = self._limit, self._db.clock.now()
        kept = await self._db.read(lambda one: searches_between(one, actor.staff_id, now - limit.within, now))
        begun = dict(kept) | {one.subject_id: one.looked_at for one in waiting}  # some are kept while this is asked
        return limit.refusal(begun.values(), now)

    async def _tell(self, actor: Actor) -> None:
        """Raise the alarm, unless it was raised of these same searches."""
        since = self._db.clock.now() - self._limit.within
        if not await self._db.read(lambda connection: told_of_searches(connection, actor.staff_id, since)):
            await self._db.write(lambda tx: tell_many_searches(tx, self._limit), actor)

    def note_shown(self, actor: Actor, page: str, shown: Collection[UUID]) -> None:
        """Note everybody whom an answer showed."""
        for person_id in shown:
            self._gather(actor, page, Subject.PERSON, str(person_id))

    def _gather(self, actor: Actor, page: str, subject: Subject, subject_id: str) -> None:
        if actor.staff_id is None:
            return
        look = Look(UUID(int=actor.staff_id.int), subject, subject_id, page, self._db.clock.now(), actor.station)
        if not self._seen.is_one_more(look):
            return
        if len(self._gathered) >= _MOST_GATHERED:
            _log.error("look_lost", kind=look.page)
            return
        self._gathered.append(look)

    async def look(self) -> None:
        """Keep what was gathered; whoever asks meanwhile waits, or looks would be kept twice or not at all."""
        async with self._one_keeping:
            while batch := self._gathered[:_MOST_AT_ONCE]:
                await self._db.write(partial(keep_looks, looks=batch), _AUDIT)
                del self._gathered[: len(batch)]

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        await self.look()


class LooksNoted:
    """Tells the book of every page, API answer and search that was given to somebody signed in (ASGI)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                _note(scope, was_shown=message["status"] == 200)  # noqa: PLR2004  # HTTP: OK
            await send(message)

        await self._app(scope, receive, send_and_note)


def _note(scope: Scope, *, was_shown: bool) -> None:
    actor: Actor | None = scope.get("state", {}).get("actor")
    route = scope.get("route")
    book: LookBook | None = getattr(scope["app"].state, "look_book", None)
    if actor is None or route is None or book is None:
        return
    if (shown := scope["state"].get(SHOWN)) is not None:
        book.note_shown(actor, route.path, shown)
    elif was_shown and scope["method"] == "GET":
        book.note(actor, route.path, scope["path_params"])
