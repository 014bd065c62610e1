"""The live stream: topics that changed and a tick, never content; the page asks again for what it shows."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from clinic_server.kit.broadcast import RESYNC
from clinic_server.kit.call import Call, signed_in

TICK_S = 5.0
_LONGEST_STREAM_TICKS = 720  # an hour, then the browser comes back by itself

router = APIRouter()


@router.get("/live", response_class=EventSourceResponse, include_in_schema=False)
async def live(call: Annotated[Call, signed_in()], topics: str) -> AsyncIterator[ServerSentEvent]:
    """Stream the topics given as a comma-separated list."""
    async for event in events(call, frozenset(topics.split(","))):
        yield event


async def events(call: Call, topics: frozenset[str]) -> AsyncIterator[ServerSentEvent]:
    """Yield one event per changed topic, named by it, and a tick whenever nothing changed for a while."""
    ticks = 0
    yield ServerSentEvent(event=RESYNC, raw_data="0")
    async for change in call.house.db.broadcaster.subscribe(topics, TICK_S):
        if change is None:
            ticks += 1
            yield ServerSentEvent(event="tick", raw_data="-")
            if ticks >= _LONGEST_STREAM_TICKS:
                return
        else:
            yield ServerSentEvent(event=change.topic, id=str(change.seq), raw_data=str(change.seq))
