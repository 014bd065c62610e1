"""Similar events over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.similar import actions
from clinic_server.adverse_events.similar.lookup import Gathered, all_gathered
from clinic_server.adverse_events.similar.rules import READERS
from clinic_server.kit.call import Body, Call, allows

router = APIRouter(prefix="/api/v1", tags=["adverse events"])
Reader = Annotated[Call, allows(*READERS)]


class SettlementBody(Body):
    """What was found and done."""

    words: str = Field(min_length=1, max_length=400, repr=False)


@router.get("/similar-events")
async def similar_events(call: Reader) -> list[Gathered]:
    """Return all similar events that gathered, the latest found first."""
    return list(await call.read(all_gathered))


@router.post("/similar-events/{number}/settlement", status_code=201)
async def settle(call: Reader, number: int, body: SettlementBody) -> Response:
    """Say what was found and done about similar events."""
    return await call.record(lambda tx: actions.settle(tx, number, body.words))
