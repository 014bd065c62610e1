"""Checks of those under observation, for programs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.adverse_events.care.api import as_vitals
from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation.checks import actions
from clinic_server.observation.checks.rules import MOST_WORDS, HowIs
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["observation"])
Nurse = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]


class CheckBody(Body):
    """What was measured, how the person is, and words."""

    vitals: dict[str, Any] = Field(repr=False)
    how: HowIs = Field(repr=False)
    words: str = Field("", max_length=MOST_WORDS, repr=False)


class OverrulingBody(Body):
    """Why a physician lets somebody go."""

    reason: str = Field(min_length=1, max_length=MOST_WORDS, repr=False)


@router.post("/visits/{visit_id}/checks", status_code=201)
async def record_check(call: Nurse, visit_id: UUID, body: CheckBody) -> Response:
    """Record what was found at a look, and answer whether it lets the person go."""
    vitals = as_vitals(body.vitals)
    return await call.record(lambda tx: actions.record_check(tx, visit_id, vitals, body.how, body.words))


@router.post("/visits/{visit_id}/checks/overruling", status_code=201)
async def overrule(call: Physician, visit_id: UUID, body: OverrulingBody) -> Response:
    """Let a physician answer for what keeps somebody."""
    return await call.record(lambda tx: actions.overrule(tx, visit_id, body.reason))
