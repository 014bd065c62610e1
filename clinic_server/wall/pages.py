"""The public display: no sign-in, an address with the site's token, and its own stream."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from markupsafe import Markup
from sqlalchemy import Connection

from clinic_server.cold_chain.actions import overview
from clinic_server.kit.call import Call, anyone
from clinic_server.kit.i18n import current_language, speaking
from clinic_server.kit.live import events
from clinic_server.kit.pages import asset_url
from clinic_server.opening.pausing import OPENING, lapses_told
from clinic_server.people.lookup import people
from clinic_server.queue.lookup import hall
from clinic_server.staff.actions import stations
from clinic_server.visits.lookup import standing_at
from clinic_server.visits.steps import VISITS
from clinic_server.visits.watch import watched
from clinic_server.wall.address import Address, WallAddress
from clinic_server.wall.rules import WAITING_STAGES, Board, Seat, Turn, board_of, fridges_told, signs_of, turn_of
from clinic_server.wall.shared import SharedBoards

router = APIRouter(include_in_schema=False)
Anyone = Annotated[Call, anyone()]  # the address lets in
_MADE_OF: Final = ("wall.css", "wall.js", "live.js")


@router.get("/wall")
async def wall(call: Anyone, address: WallAddress) -> HTMLResponse:
    """Show the display."""
    return call.page("wall/display.html", not_live=_not_live(call, address), **await _shown(call, address))


@router.get("/wall/board")
async def board(call: Anyone, address: WallAddress) -> HTMLResponse:
    """Show what the display refreshes."""
    boards: SharedBoards = call.request.app.state.boards
    language = _language_now(call, address)

    async def made() -> str:
        return call.house.pages.render("wall/_board.html", **await _shown(call, address))

    return HTMLResponse(await boards.board((address.query, language), made))


@router.get("/wall/live", response_class=EventSourceResponse)
async def wall_live(call: Anyone, _address: WallAddress) -> AsyncIterator[ServerSentEvent]:
    """Stream that visits changed, or whether injections go on."""
    async for event in events(call.house, frozenset({VISITS, OPENING})):
        yield event


async def _shown(call: Call, address: Address) -> dict[str, Any]:
    current_language.set(_language_now(call, address))
    theme = call.house.settings.wall.theme
    return {"board": await _board(call, address), "address": address, "theme": theme, "edition": _edition(call)}


async def _board(call: Call, address: Address) -> Board:
    clock, keyring, site = call.house.db.clock, call.house.db.keyring, call.house.settings.site
    now = clock.now()

    def question(connection: Connection) -> Board:
        line, sitting = hall(connection, site), watched(connection)
        order = {place.visit_id: number for number, place in enumerate(line.line)}
        groups = {place.visit_id: place.group for place in line.line}
        standings = sorted(standing_at(connection, *WAITING_STAGES), key=lambda one: order[one.visit_id])
        shown = {one.person_id for one in standings if one.called_to} | {one.person_id for one in sitting}
        known = people(connection, keyring, shown)
        names = defaultdict(str, {person_id: facts.name for person_id, facts in known.items()})
        signs = signs_of({one.code: one.kind for one in stations(connection)})
        turns = [
            Turn(
                one.ticket_number,
                names[one.person_id],
                one.stage,
                one.called_to,
                one.called_at,
                signs.get(one.called_to or ""),
                groups[one.visit_id],
            )
            for one in standings
        ]
        seats = [Seat(one.ticket_number, names[one.person_id], one.minutes_left, one.is_unproved) for one in sitting]
        return replace(
            board_of(turns, seats, clock.monotonic(), address.part),
            is_paused=bool(lapses_told(connection)),
            fridges=fridges_told(place.condition for place in overview(connection, now).places if place.probes),
            waits={stage: wait.minutes for stage, wait in line.waits.items() if wait.minutes is not None},
        )

    return await call.read(question)


def _language_now(call: Call, address: Address) -> str:
    """Say whose turn it is of the languages this display speaks."""
    spoken, turns_after_s = _languages(call, address), call.house.settings.wall.language_turns_after_s
    return spoken[turn_of(call.house.db.clock.monotonic(), turns_after_s, len(spoken))]


def _languages(call: Call, address: Address) -> tuple[str, ...]:
    return (address.language,) if address.language else call.house.settings.wall.languages


def _not_live(call: Call, address: Address) -> list[Markup]:
    """Say in each of the display's languages that it is not live: once it is not, no language takes turns."""
    said = []
    for language in _languages(call, address):
        with speaking(language):
            said.append(Markup(call.house.pages.render("_not_live.html")))  # noqa: S704  # our own template
    return said


def _edition(call: Call) -> str:
    """Name what the display's page is made of; one that hears of another loads itself anew."""
    made_of = [*map(asset_url, _MADE_OF), call.house.settings.site.name, call.house.settings.wall.theme]
    return sha256("\n".join(made_of).encode()).hexdigest()[:12]
