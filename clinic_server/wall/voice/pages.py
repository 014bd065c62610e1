"""The page that speaks: no sign-in, the wall's token, and only tickets and stations."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import Connection

from clinic_server.kit.call import Call, anyone
from clinic_server.kit.live import events
from clinic_server.kit.speech import WRITTEN, ClipMissing, can_speak, clip
from clinic_server.queue.lookup import STAGES, groups_of_open
from clinic_server.staff.actions import stations
from clinic_server.visits.lookup import standing_at
from clinic_server.visits.steps import VISITS
from clinic_server.wall.address import WallAddress
from clinic_server.wall.voice.rules import CalledTicket, Part, pieces
from clinic_server.wall.voice.words import shipped

MOST_SHOWN = 5
router = APIRouter(include_in_schema=False)


@router.get("/wall/voice")
async def voice(call: Annotated[Call, anyone()], address: WallAddress) -> HTMLResponse:
    """Show the page that speaks, and in words what it says."""
    has_clips = call.house.settings.wall.voice_clips and can_speak()
    return call.page("wall/voice.html", token=address.token, has_clips=has_clips, **await _calls(call))


@router.get("/wall/voice/calls")
async def calls(call: Annotated[Call, anyone()], address: WallAddress) -> HTMLResponse:
    """Show what the page refreshes."""
    return call.page("wall/_voice.html", token=address.token, **await _calls(call))


@router.get("/wall/voice/live", response_class=EventSourceResponse)
async def voice_live(call: Annotated[Call, anyone()], _address: WallAddress) -> AsyncIterator[ServerSentEvent]:
    """Stream that visits changed."""
    async for event in events(call.house, frozenset({VISITS})):
        yield event


@router.get("/wall/voice/clip")
async def voice_clip(
    call: Annotated[Call, anyone()], _address: WallAddress, ticket: int, language: str, piece: Part = Part.CALL
) -> Response:
    """Return a part of a ticket's call as sound; of one that is not called there is none."""
    words = shipped().get(language)
    called = next((one for one in await call.read(_called) if one.ticket_number == ticket), None)
    if words is None or called is None or not call.house.settings.wall.voice_clips:
        raise ClipMissing
    wanted = next((one for one in pieces(words, called, WRITTEN) if one.part is piece), None)
    if wanted is None:
        raise ClipMissing
    return Response(await clip(wanted.said.spoken, wanted.synthesiser), media_type="audio/wav")


async def _calls(call: Call) -> dict[str, Any]:
    now, languages = call.house.db.clock.now(), call.house.settings.wall.voice
    called = (await call.read(_called))[:MOST_SHOWN]
    words = [shipped()[language] for language in languages]
    said = {one.key: {each.language: pieces(each, one, WRITTEN) for each in words} for one in called}
    return {"called": called, "said": said, "moment": now}


def _called(connection: Connection) -> Sequence[CalledTicket]:
    """Return the tickets that stand called to a station, whoever was called last first."""
    kinds, groups = {one.code: one.kind for one in stations(connection)}, groups_of_open(connection)
    called = [
        CalledTicket(one.ticket_number, one.called_to, kinds[one.called_to], one.called_at, groups.get(one.visit_id))
        for one in standing_at(connection, *STAGES)
        if one.called_to in kinds and one.called_at
    ]
    return sorted(called, key=lambda one: (one.called_at, one.ticket_number), reverse=True)
