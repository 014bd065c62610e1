"""Noticing looks beside the answer: gathered in memory, kept every few seconds under one line of the journal.

A page never waits for this. What a killed server had gathered since it last kept looks is lost, and no more than that.
"""

from collections.abc import Collection
from types import TracebackType
from typing import Any, Final
from uuid import UUID, uuid4

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clinic_server.audit.actions import keep_looks
from clinic_server.audit.rules import LatelySeen, Look, Subject, subject_of
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.call import SHOWN, House
from clinic_server.kit.watcher import Watcher

KEPT_EVERY_S: Final = 5.0
_MOST_GATHERED: Final = 50_000
_MOST_AT_ONCE: Final = 50  # some 10 ms of the writer's time, for which no desk waits long
_AUDIT: Final = system_actor("audit")
_log = structlog.get_logger(__name__)


class LookBook(Watcher):
    """Gathers looks on the event loop and keeps them; what cannot be kept now is tried again."""

    def __init__(self, house: House) -> None:
        super().__init__("looks", KEPT_EVERY_S, first_after_s=KEPT_EVERY_S)
        self._db = house.db
        self._seen = LatelySeen()
        self._gathered: list[Look] = []

    def note(self, actor: Actor, page: str, parameters: dict[str, Any]) -> None:
        """Note that somebody was shown a page, if it is one person's."""
        subject = subject_of(page, parameters)
        if subject is not None:
            self._gather(actor, page, *subject)

    def note_search(self, actor: Actor, page: str, shown: Collection[UUID]) -> None:
        """Note that somebody searched, and everybody whom the answer showed."""
        self._gather(actor, page, Subject.SEARCH, str(uuid4()))
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
        """Keep what was gathered."""
        while batch := self._gathered[:_MOST_AT_ONCE]:
            await self._db.write(lambda tx, batch=batch: keep_looks(tx, batch), _AUDIT)  # type: ignore[misc]  # bound
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
        book.note_search(actor, route.path, shown)
    elif was_shown and scope["method"] == "GET":
        book.note(actor, route.path, scope["path_params"])
