"""Further vaccines, asked for and taken back on the page of a watched person, or of their visit at the desk."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.kit.call import Call, Form, allows
from clinic_server.observation.further import actions
from clinic_server.observation.further.rules import MOST_WORDS
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Asker = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN, Role.REGISTRAR)]


class WithdrawalForm(Form):
    """Why a further vaccine is not given after all."""

    words: str = Field("", max_length=MOST_WORDS, repr=False)


@router.post("/visits/{visit_id}/further-visit")
async def ask_for_further(call: Asker, visit_id: UUID) -> Response:
    """Ask for a further vaccine for somebody who is watched."""
    site = call.house.settings.site
    seat = _seat(call, visit_id)
    return await call.record(
        lambda tx: actions.ask_for_further(tx, site, visit_id),
        then=seat or (lambda opened: f"/visits/{opened.visit_id}"),
    )


@router.post("/visits/{visit_id}/further-visit/withdrawal")
async def withdraw_further(call: Asker, visit_id: UUID) -> Response:
    """Take a further vaccine back."""
    form = await call.form(WithdrawalForm)
    then = _seat(call, visit_id) or f"/visits/{visit_id}"
    return await call.record(lambda tx: actions.withdraw_further(tx, visit_id, form.words), then=then)


def _seat(call: Call, visit_id: UUID) -> str | None:
    """Return the watched person's page for those who watch; a desk goes to the visit, whose ticket it hands out."""
    page = f"/visits/{visit_id}/observation"
    return page if call.may(page) else None
