"""The hand-over list, which prints."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form, allows
from clinic_server.observation.handover import actions, lookup
from clinic_server.observation.handover.rules import MOST_WORDS
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
PAGE = "/observation/handover"


class NoteForm(Form):
    """What the next shift should know, of one person or of the area."""

    visit_id: Annotated[UUID | None, EMPTY_IS_NONE] = None
    words: str = Field(max_length=MOST_WORDS, repr=False)


@router.get(PAGE)
async def handover(call: Nurse) -> Response:
    """Show everybody the next shift takes over."""
    return call.page("observation/handover.html", **await _list(call))


@router.get(f"{PAGE}/now")
async def handover_now(call: Nurse) -> Response:
    """Show the list again."""
    return call.page("observation/_handover.html", **await _list(call))


@router.post(f"{PAGE}/notes")
async def write_note(call: Nurse) -> Response:
    """Write something for the next shift."""
    form = await call.form(NoteForm)
    then = f"/visits/{form.visit_id}/observation" if form.visit_id else PAGE
    return await call.record(lambda tx: actions.write_note(tx, form.visit_id, form.words), then=then)


@router.post(PAGE)
async def take_over(call: Nurse) -> Response:
    """Take the shift over."""
    return await call.record(actions.take_over, then=PAGE)


async def _list(call: Call) -> dict[str, Any]:
    keyring = call.house.db.keyring
    return {"handover": await call.read(lambda connection: lookup.handover_list(connection, keyring))}
