"""What a nurse enters at a look, and a physician against it; shown on the person's page."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.care.forms import MeasuredForm
from clinic_server.kit.call import Call, Form, allows
from clinic_server.observation.checks import actions
from clinic_server.observation.checks.rules import MOST_WORDS, HowIs
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


class CheckForm(MeasuredForm):
    """What was measured, how the person is, and words."""

    how: HowIs = Field(repr=False)
    words: str = Field("", max_length=MOST_WORDS, repr=False)


class OverrulingForm(Form):
    """Why a physician lets somebody go."""

    reason: str = Field(max_length=MOST_WORDS, repr=False)


@router.post("/visits/{visit_id}/checks")
async def record_check(call: Nurse, visit_id: UUID) -> Response:
    """Record what was found at a look."""
    form = await call.form(CheckForm)
    return await call.record(
        lambda tx: actions.record_check(tx, visit_id, form.vitals, form.how, form.words),
        then=f"/visits/{visit_id}/observation",
    )


@router.post("/visits/{visit_id}/checks/overruling")
async def overrule(call: Physician, visit_id: UUID) -> Response:
    """Let a physician answer for what keeps somebody."""
    form = await call.form(OverrulingForm)
    return await call.record(
        lambda tx: actions.overrule(tx, visit_id, form.reason), then=f"/visits/{visit_id}/observation"
    )
