"""Where somebody answers the questions alone: on a tablet by a link, at a kiosk by a code. Nobody signs in here."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.kit.access import Actor
from clinic_server.kit.call import Call, Form, anyone, go_to
from clinic_server.kit.codes import WrongCodes
from clinic_server.screening.answers_form import AnswersForm
from clinic_server.screening.decisions import Channel
from clinic_server.screening.lookup import OwnQuestions, own_questions
from clinic_server.screening.own_answers import (
    AnswerLinkUnknown,
    answer_by_link,
    link_of_code,
    link_of_token,
    require_link,
)
from clinic_server.screening.rules import Answer

router = APIRouter(include_in_schema=False)
Anyone = Annotated[Call, anyone()]  # the address itself lets in, once and for a quarter of an hour
OwnChannel = Literal["tablet", "kiosk"]
Token = Annotated[str, Path(max_length=64)]


class CodeForm(Form):
    """The code the desk gave."""

    code: str = Field(min_length=1, max_length=32, repr=False)


@router.get("/kiosk")
async def kiosk(call: Anyone) -> HTMLResponse:
    """Wait at a kiosk or on a tablet for the code the desk gave."""
    return _person(call).page("screening/kiosk.html", here="/kiosk")


@router.post("/kiosk")
async def open_by_code(call: Anyone) -> Response:
    """Go on to the questions a code stands for; nothing is recorded."""
    form, keyring, now = await call.form(CodeForm), call.house.db.keyring, call.house.db.clock.now()
    origin = call.request.client.host if call.request.client else ""
    wrong: WrongCodes = call.request.app.state.wrong_codes
    wrong.refuse_more(origin)
    try:
        link = await call.read(lambda connection: link_of_code(connection, keyring, form.code, now))
    except AnswerLinkUnknown:
        wrong.note(origin)
        raise
    return go_to(call.request, link.path(Channel.KIOSK))


@router.get("/answers/{channel}/{token}")
async def own_answers(call: Anyone, channel: OwnChannel, token: Token) -> HTMLResponse:
    """Show the questions to the person who answers alone."""
    keyring, now = call.house.db.keyring, call.house.db.clock.now()
    today = call.local_date(now)

    def read(connection: Connection) -> OwnQuestions:
        link = require_link(connection, keyring, link_of_token(keyring, token), now)
        return own_questions(connection, keyring, link, today)

    return _person(call).page(
        "screening/own_answers.html",
        here=f"/answers/{channel}/{token}",
        answers=Answer,
        own=await call.read(read),
    )


@router.post("/answers/{channel}/{token}")
async def record_own_answers(call: Anyone, channel: OwnChannel, token: Token) -> Response:
    """Record what the person answered; the link is used up by it."""
    form = await call.form(AnswersForm)
    link_id = link_of_token(call.house.db.keyring, token)
    return await _person(call, link_id).record(
        lambda tx: answer_by_link(tx, link_id, Channel(channel), form.answers, form.details),
        then=f"/answered/{channel}",
    )


@router.get("/answered/{channel}")
async def answered(call: Anyone, channel: OwnChannel) -> HTMLResponse:
    """Thank the person and say what comes next."""
    return _person(call).page(
        "screening/answered.html", here=f"/answered/{channel}", is_kiosk=Channel(channel) is Channel.KIOSK
    )


def _person(call: Call, link_id: UUID | None = None) -> Call:
    """Return the call as one by the person who answers alone, whoever is signed in at this browser."""
    return Call(call.request, call.house, Actor(f"link:{link_id}" if link_id else "anonymous"))
