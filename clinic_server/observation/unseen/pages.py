"""What a nurse enters of somebody who is gone; shown on the person's page and on the hand-over list."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Call, Form, allows
from clinic_server.observation.unseen import actions
from clinic_server.observation.unseen.rules import MOST_WORDS, FollowUp
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class GoneForm(Form):
    """What is known of it."""

    words: str = Field("", max_length=MOST_WORDS, repr=False)


class TryForm(Form):
    """How a try ended."""

    outcome: FollowUp
    words: str = Field("", max_length=MOST_WORDS, repr=False)


@router.post("/visits/{visit_id}/left-unseen")
async def note_left_unseen(call: Nurse, visit_id: UUID) -> Response:
    """Record that somebody is gone and nobody saw them go."""
    form = await call.form(GoneForm)
    return await call.record(
        lambda tx: actions.note_left_unseen(tx, visit_id, form.words), then=f"/visits/{visit_id}/observation"
    )


@router.post("/visits/{visit_id}/follow-ups")
async def follow_up(call: Nurse, visit_id: UUID) -> Response:
    """Record a try to reach them."""
    form = await call.form(TryForm)
    return await call.record(
        lambda tx: actions.follow_up(tx, visit_id, form.outcome, form.words), then=f"/visits/{visit_id}/observation"
    )
