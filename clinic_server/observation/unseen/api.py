"""People who left unseen, for programs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AwareDatetime, Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation.seats.rules import FoundBy
from clinic_server.observation.unseen import actions, lookup
from clinic_server.observation.unseen.rules import MOST_WORDS, FollowUp, Unseen
from clinic_server.staff.rules import STATION_PATTERN, Role

router = APIRouter(prefix="/api/v1", tags=["observation"])
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class GoneBody(Body):
    """What is known of it."""

    words: str = Field("", max_length=MOST_WORDS, repr=False)


class TryBody(Body):
    """How a try ended; since when somebody is unwell, if not since now."""

    outcome: FollowUp
    onset_at: AwareDatetime | None = Field(None, repr=False)
    words: str = Field("", max_length=MOST_WORDS, repr=False)


class ReturnBody(Body):
    """To which seat somebody was led who came back; without one they stand."""

    seat_code: str | None = Field(None, pattern=STATION_PATTERN)
    found_by: FoundBy = FoundBy.HAND


@router.get("/left-unseen")
async def not_reached(call: Nurse) -> list[Unseen]:
    """Return who left unseen and was not reached yet."""
    keyring = call.house.db.keyring
    return list(await call.read(lambda connection: lookup.not_reached(connection, keyring)))


@router.post("/visits/{visit_id}/left-unseen", status_code=201)
async def note_left_unseen(call: Nurse, visit_id: UUID, body: GoneBody) -> Response:
    """Record that somebody is gone and nobody saw them go."""
    return await call.record(lambda tx: actions.note_left_unseen(tx, visit_id, body.words))


@router.post("/visits/{visit_id}/coming-back", status_code=201)
async def take_back(call: Nurse, visit_id: UUID, body: ReturnBody) -> Response:
    """Watch somebody on who came back."""
    return await call.record(lambda tx: actions.take_back(tx, visit_id, body.seat_code, body.found_by))


@router.post("/visits/{visit_id}/follow-ups", status_code=201)
async def follow_up(call: Nurse, visit_id: UUID, body: TryBody) -> Response:
    """Record a try to reach them; whoever is unwell has the file of an event from then on."""
    return await call.record(lambda tx: actions.follow_up(tx, visit_id, body.outcome, body.words, body.onset_at))
