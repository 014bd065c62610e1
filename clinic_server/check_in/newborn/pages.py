"""The page that checks a newborn in."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from clinic_server.check_in.admission import admission_of
from clinic_server.check_in.newborn.actions import check_in_newborn
from clinic_server.check_in.newborn.forms import NewbornFields
from clinic_server.check_in.pages import Desk, ticket_page
from clinic_server.kit.call import Form
from clinic_server.people.documents import MOST_BORN_TOGETHER, SHOWN_KINDS, DocumentKind, Sex
from clinic_server.people.signatures import Relationship

router = APIRouter(include_in_schema=False)
PAGE = "/check-in/newborn"


class NewbornForm(NewbornFields, Form):
    """A newborn, as the desk types it."""


@router.get(PAGE)
async def newborn_form(call: Desk) -> HTMLResponse:
    """Ask who the child is, and who came with it."""
    choices: dict[str, Any] = {
        "kinds": [kind for kind in SHOWN_KINDS if kind is not DocumentKind.BIRTH_CERTIFICATE],
        "sexes": [sex for sex in Sex if sex is not Sex.UNKNOWN],
        "relationships": [one for one in Relationship if one is not Relationship.SELF],
        "most_born_together": MOST_BORN_TOGETHER,
    }
    return call.page("check_in/newborn.html", today=call.local_date(call.house.db.clock.now()), **choices)


@router.post(PAGE)
async def check_in_a_newborn(call: Desk) -> Response:
    """Check a newborn in that has no number of its own."""
    newborn, site, admission_on = (await call.form(NewbornForm)).newborn(), call.house.settings.site, admission_of(call)
    answer = await call.record(lambda tx: check_in_newborn(tx, site, newborn, admission_on), then=ticket_page)
    call.house.inbox.clear(call.station())  # a card read meanwhile is the mother's
    return answer
