"""A newborn's check-in, as JSON."""

from fastapi import APIRouter, Response

from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.api import Desk
from clinic_server.check_in.newborn.actions import check_in_newborn
from clinic_server.check_in.newborn.forms import NewbornFields
from clinic_server.kit.call import Body

router = APIRouter(prefix="/api/v1", tags=["check-in"])


class NewbornBody(NewbornFields, Body):
    """A newborn, as a program tells it."""


@router.post("/newborns", status_code=201)
async def check_in_a_newborn(call: Desk, body: NewbornBody) -> Response:
    """Check a newborn in that has no number of its own."""
    site, newborn, admission_on = call.house.settings.site, body.newborn(), admission_of(call)
    return await call.record(lambda tx: check_in_newborn(tx, site, newborn, admission_on))
