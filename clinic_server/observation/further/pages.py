"""Further vaccines, asked for and taken back on the page of a watched person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Call, Form, allows
from clinic_server.observation.further import actions
from clinic_server.observation.further.rules import MOST_WORDS
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Asker = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]


class WithdrawalForm(Form):
    """Why a further vaccine is not given after all."""

    words: str = Field("", max_length=MOST_WORDS, repr=False)


@router.post("/visits/{visit_id}/further-visit")
async def ask_for_further(call: Asker, visit_id: UUID) -> Response:
    """Ask for a further vaccine for somebody who is watched."""
    site = call.house.settings.site
    return await call.record(lambda tx: actions.ask_for_further(tx, site, visit_id), then=_person(visit_id))


@router.post("/visits/{visit_id}/further-visit/withdrawal")
async def withdraw_further(call: Asker, visit_id: UUID) -> Response:
    """Take a further vaccine back."""
    form = await call.form(WithdrawalForm)
    return await call.record(lambda tx: actions.withdraw_further(tx, visit_id, form.words), then=_person(visit_id))


def _person(visit_id: UUID) -> str:
    return f"/visits/{visit_id}/observation"
