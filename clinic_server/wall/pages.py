"""The public display: no sign-in, an address with the site's token, and its own stream."""

from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from clinic_server.kit.call import Call, anyone
from clinic_server.kit.live import events
from clinic_server.opening.pausing import OPENING, lapses_told
from clinic_server.people.lookup import people
from clinic_server.queue.lookup import hall
from clinic_server.visits.lookup import standing_at
from clinic_server.visits.steps import VISITS
from clinic_server.visits.watch import watched
from clinic_server.wall.address import Token
from clinic_server.wall.rules import WAITING_STAGES, Board, Seat, Turn, board_of

router = APIRouter(include_in_schema=False)


@router.get("/wall")
async def wall(call: Annotated[Call, anyone()], token: Token) -> HTMLResponse:
    """Show the display."""
    return call.page("wall/display.html", board=await _board(call), token=token)


@router.get("/wall/board")
async def board(call: Annotated[Call, anyone()], token: Token) -> HTMLResponse:
    """Show what the display refreshes."""
    return call.page("wall/_board.html", board=await _board(call), token=token)


@router.get("/wall/live", response_class=EventSourceResponse)
async def wall_live(call: Annotated[Call, anyone()], _token: Token) -> AsyncIterator[ServerSentEvent]:
    """Stream that visits changed, or whether injections go on."""
    async for event in events(call.house, frozenset({VISITS, OPENING})):
        yield event


async def _board(call: Call) -> Board:
    now, site = call.house.db.clock.now(), call.house.settings.site

    def question(connection: Connection) -> Board:
        line, sitting = hall(connection, site), watched(connection)
        order = {place.visit_id: number for number, place in enumerate(line.line)}
        standings = sorted(standing_at(connection, *WAITING_STAGES), key=lambda one: order[one.visit_id])
        shown = {one.person_id for one in standings if one.called_to} | {one.person_id for one in sitting}
        known = people(connection, call.house.db.keyring, shown)
        names = defaultdict(str, {person_id: facts.name for person_id, facts in known.items()})
        turns = [
            Turn(one.ticket_number, names[one.person_id], one.stage, one.called_to, one.called_at) for one in standings
        ]
        seats = [Seat(one.ticket_number, names[one.person_id], one.minutes_left, one.is_unproved) for one in sitting]
        waits = {stage: wait.minutes for stage, wait in line.waits.items() if wait.minutes is not None}
        return replace(board_of(turns, seats, now), is_paused=bool(lapses_told(connection)), waits=waits)

    return await call.read(question)
