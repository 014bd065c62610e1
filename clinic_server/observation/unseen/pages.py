"""What a nurse enters of somebody who is gone; shown on the person's page and on the hand-over list."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.report.desk import local_now
from clinic_server.adverse_events.report.forms import OptionalDate, OptionalTime, minute_if_typed
from clinic_server.kit.call import Call, Form, allows
from clinic_server.observation.seats.forms import SeatCode
from clinic_server.observation.unseen import actions
from clinic_server.observation.unseen.actions import FollowedUp
from clinic_server.observation.unseen.rules import MOST_WORDS, FollowUp
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class GoneForm(Form):
    """What is known of it."""

    words: str = Field("", max_length=MOST_WORDS, repr=False)


class TryForm(Form):
    """How a try ended; since when somebody is unwell, if not since now."""

    outcome: FollowUp
    began_on: OptionalDate = Field(None, repr=False)
    began_at: OptionalTime = Field(None, repr=False)
    words: str = Field("", max_length=MOST_WORDS, repr=False)


class ReturnForm(Form):
    """To which seat somebody was led who came back; without one they stand."""

    seat_code: SeatCode = None


@router.post("/visits/{visit_id}/left-unseen")
async def note_left_unseen(call: Nurse, visit_id: UUID) -> Response:
    """Record that somebody is gone and nobody saw them go."""
    form = await call.form(GoneForm)
    return await call.record(
        lambda tx: actions.note_left_unseen(tx, visit_id, form.words), then=f"/visits/{visit_id}/observation"
    )


@router.post("/visits/{visit_id}/coming-back")
async def take_back(call: Nurse, visit_id: UUID) -> Response:
    """Watch somebody on who came back."""
    form = await call.form(ReturnForm)
    return await call.record(
        lambda tx: actions.take_back(tx, visit_id, form.seat_code), then=f"/visits/{visit_id}/observation"
    )


@router.post("/visits/{visit_id}/follow-ups")
async def follow_up(call: Nurse, visit_id: UUID) -> Response:
    """Record a try to reach them, and go on to the file it opened of somebody unwell."""
    form = await call.form(TryForm)
    zone, names = call.house.settings.site.zone, ("began_on", "began_at")
    onset_at = minute_if_typed(form.began_on, form.began_at, names, zone, local_now(call))

    def next_page(done: FollowedUp) -> str:
        return f"/visits/{visit_id}/observation" if done.number is None else f"/adverse-events/{done.number}"

    return await call.record(
        lambda tx: actions.follow_up(tx, visit_id, form.outcome, form.words, onset_at), then=next_page
    )
