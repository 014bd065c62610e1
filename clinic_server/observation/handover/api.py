"""The change of shift, for programs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation.handover import actions, lookup
from clinic_server.observation.handover.rules import MOST_WORDS, HandedOver
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["observation"])
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class NoteBody(Body):
    """What the next shift should know, of one person or of the area."""

    visit_id: UUID | None = None
    words: str = Field(min_length=1, max_length=MOST_WORDS, repr=False)


@router.get("/observation/handover")
async def handover(call: Nurse) -> list[HandedOver]:
    """Return how everybody stands whom the next shift takes over."""
    keyring = call.house.db.keyring
    return list(await call.read(lambda connection: lookup.as_handed_over(connection, keyring)))


@router.post("/observation/handover/notes", status_code=201)
async def write_note(call: Nurse, body: NoteBody) -> Response:
    """Write something for the next shift."""
    return await call.record(lambda tx: actions.write_note(tx, body.visit_id, body.words))


@router.post("/observation/handover", status_code=201)
async def take_over(call: Nurse) -> Response:
    """Take the shift over."""
    return await call.record(actions.take_over)
