"""Finding somebody on record at a registration desk, and checking them in, as JSON."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.api import Desk
from clinic_server.check_in.rules import TypedReason
from clinic_server.kit.call import Body
from clinic_server.people.rules import MOST_NAME_CHARACTERS, MOST_PHONE_CHARACTERS, PHONE_OR_NONE
from clinic_server.seeking.actions import Found, check_in_found
from clinic_server.seeking.lookup import Candidate, look_on_record
from clinic_server.seeking.rules import Description

router = APIRouter(prefix="/api/v1", tags=["check-in"])


class SoughtBody(Body):
    """Who is sought: a name, a telephone number or both, and a birth date that narrows them."""

    name: str = Field("", max_length=MOST_NAME_CHARACTERS, repr=False)
    phone: str = Field("", max_length=MOST_PHONE_CHARACTERS, pattern=PHONE_OR_NONE, repr=False)
    born_on: date | None = Field(None, repr=False)


class FoundBody(Body):
    """The birth date that somebody found tells, and why no card was read."""

    born_on: date = Field(repr=False)
    typed_reason: TypedReason


@router.post("/people/seek")
async def seek(call: Desk, body: SoughtBody) -> Sequence[Candidate]:
    """Return who on record is like this, each by themselves; who looked is kept, and nothing else."""
    return await look_on_record(call, Description.of(body.name, body.phone, body.born_on))


@router.post("/people/{person_id}/visits", status_code=201)
async def check_in_chosen(call: Desk, person_id: UUID, body: FoundBody) -> Response:
    """Check in somebody on record who told their birth date."""
    site = call.house.settings.site
    found, admission_on = Found(person_id, body.born_on, body.typed_reason), admission_of(call)
    return await call.record(lambda tx: check_in_found(tx, site, found, admission_on))
