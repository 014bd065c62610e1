"""The desk's page that finds somebody on record, and the one that asks whom it found for the birth date."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.pages import Desk, ticket_page
from clinic_server.check_in.rules import TypedReason
from clinic_server.kit.call import EMPTY_IS_NONE, Call, Form
from clinic_server.people.rules import MOST_NAME_CHARACTERS, MOST_PHONE_CHARACTERS, PHONE_OR_NONE, PersonUnknown
from clinic_server.seeking.actions import Found, check_in_found
from clinic_server.seeking.lookup import Candidate, candidate, look_on_record
from clinic_server.seeking.rules import Description

router = APIRouter(include_in_schema=False)
PAGE = "/check-in/seek"


class SoughtForm(Form):
    """What somebody says of themselves; the address of the answer tells none of it."""

    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    phone: str = Field("", max_length=MOST_PHONE_CHARACTERS, pattern=PHONE_OR_NONE, repr=False)
    born_on: Annotated[date | None, EMPTY_IS_NONE] = Field(None, repr=False)


class FoundForm(Form):
    """The birth date whom the desk chose tells, and why no card was read."""

    born_on: date = Field(repr=False)
    typed_reason: TypedReason


@router.get(PAGE)
async def seek(call: Desk) -> HTMLResponse:
    """Ask who is sought."""
    return _sought(call, None, SoughtForm())


@router.post(PAGE)
async def show_alike(call: Desk) -> HTMLResponse:
    """Show who on record is like this; who looked is kept, and nothing else."""
    form = await call.form(SoughtForm)
    sought = Description.of(form.name, form.phone, form.born_on)
    return _sought(call, await look_on_record(call, sought), form)


@router.get("/people/{person_id}/check-in")
async def ask_birth_date(call: Desk, person_id: UUID) -> HTMLResponse:
    """Ask whom the desk chose for the birth date, which this page does not tell."""
    keyring = call.house.db.keyring
    chosen = await call.read(lambda connection: candidate(connection, keyring, person_id))
    if chosen is None:
        raise PersonUnknown
    return call.page("seeking/chosen.html", one=chosen, reasons=TypedReason, today=_today(call))


@router.post("/people/{person_id}/check-in")
async def check_in_chosen(call: Desk, person_id: UUID) -> Response:
    """Check in whom the desk chose."""
    form, site = await call.form(FoundForm), call.house.settings.site
    found, admission_on = Found(person_id, form.born_on, form.typed_reason), admission_of(call)
    answer = await call.record(lambda tx: check_in_found(tx, site, found, admission_on), then=ticket_page)
    call.house.inbox.clear(call.station())  # a card read meanwhile is this person's, not the next one's
    return answer


def _sought(call: Desk, found: Sequence[Candidate] | None, typed: SoughtForm) -> HTMLResponse:
    return call.page("seeking/seek.html", found=found, typed=typed, today=_today(call))


def _today(call: Call) -> date:
    """Return the latest birth date there is; a field that knows it takes a year of four digits and goes on."""
    return call.local_date(call.house.db.clock.now())
