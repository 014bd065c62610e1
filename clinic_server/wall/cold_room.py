"""The display in the cold room: temperatures for whoever stands before the fridges, and nobody's data."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from clinic_server.alerts.rules import ALERTS
from clinic_server.cold_chain.course.glance import glance
from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.kit.call import Call, anyone
from clinic_server.kit.live import events
from clinic_server.wall.address import WallAddress
from clinic_server.wall.rules import page_at

TILES_ON_A_PAGE = 12
router = APIRouter(include_in_schema=False)


@router.get("/cold-chain/wall")
async def cold_room(call: Annotated[Call, anyone()], address: WallAddress) -> HTMLResponse:
    """Show the display."""
    return call.page("wall/cold_room.html", token=address.token, **await _tiles(call))


@router.get("/cold-chain/wall/board")
async def cold_room_board(call: Annotated[Call, anyone()], address: WallAddress) -> HTMLResponse:
    """Show what the display refreshes."""
    return call.page("wall/_cold_room.html", token=address.token, **await _tiles(call))


@router.get("/cold-chain/wall/live", response_class=EventSourceResponse)
async def cold_room_live(call: Annotated[Call, anyone()], _address: WallAddress) -> AsyncIterator[ServerSentEvent]:
    """Stream that temperatures or alerts changed."""
    async for event in events(call.house, frozenset({COLD_CHAIN, ALERTS})):
        yield event


async def _tiles(call: Call) -> dict[str, Any]:
    now = call.house.db.clock.now()
    seen = await call.read(lambda connection: glance(connection, now))
    tiles, page, pages = page_at(call.house.db.clock.monotonic(), seen.tiles, TILES_ON_A_PAGE)
    return {"glance": seen, "tiles": tiles, "page": page, "pages": pages}
