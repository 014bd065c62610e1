"""Further vaccines, for programs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Body, Call, allows
from clinic_server.observation.further import actions
from clinic_server.observation.further.rules import MOST_WORDS
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["observation"])
Asker = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN, Role.REGISTRAR)]


class WithdrawalBody(Body):
    """Why a further vaccine is not given after all."""

    words: str = Field(min_length=1, max_length=MOST_WORDS, repr=False)


@router.post("/visits/{visit_id}/further-visit", status_code=201)
async def ask_for_further(call: Asker, visit_id: UUID) -> Response:
    """Ask for a further vaccine for somebody who is watched; the answer is its visit and ticket."""
    site = call.house.settings.site
    return await call.record(lambda tx: actions.ask_for_further(tx, site, visit_id))


@router.post("/visits/{visit_id}/further-visit/withdrawal", status_code=201)
async def withdraw_further(call: Asker, visit_id: UUID, body: WithdrawalBody) -> Response:
    """Take a further vaccine back that was asked for on a watched visit."""
    return await call.record(lambda tx: actions.withdraw_further(tx, visit_id, body.words))
