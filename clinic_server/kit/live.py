"""The live stream: topics that changed and a tick, never content; the page asks again for what it shows."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from clinic_server.kit.broadcast import RESYNC
from clinic_server.kit.call import Call, House, signed_in

TICK_S = 5.0
_LONGEST_STREAM_TICKS = 720  # an hour, then the browser comes back by itself

router = APIRouter()


@router.get("/live", response_class=EventSourceResponse, include_in_schema=False)
async def live(call: Annotated[Call, signed_in()], topics: str) -> AsyncIterator[ServerSentEvent]:
    """Stream the topics given as a comma-separated list."""
    async for event in events(call.house, frozenset(topics.split(","))):
        yield event


async def events(house: House, topics: frozenset[str]) -> AsyncIterator[ServerSentEvent]:
    """Yield one event per changed topic, named by it, and a tick with the site's time whenever nothing changed."""
    ticks = 0
    with house.db.broadcaster.open(topics) as subscription:
        yield _timed(house, RESYNC)
        while ticks < _LONGEST_STREAM_TICKS:
            try:
                change = await subscription.next(TICK_S)
            except TimeoutError:
                ticks += 1
                yield _timed(house, "tick")
                continue
            if change is None:
                return
            yield ServerSentEvent(event=change.topic, id=str(change.seq), raw_data=str(change.seq))


def _timed(house: House, event: str) -> ServerSentEvent:
    return ServerSentEvent(event=event, raw_data=house.pages.clock_time(house.db.clock.now()))
