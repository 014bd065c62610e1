"""The close of a clinic day."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.closing import actions, lookup
from clinic_server.closing.rules import DayFinding, Signed
from clinic_server.kit.call import Body, Call, allows
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["closing"])
Viewer = Annotated[Call, allows(Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER, Role.AUDITOR)]
Lead = Annotated[Call, allows(Role.SITE_LEAD)]


class SignedBody(Body):
    """A difference the site lead takes upon themselves: as the day tells it, and why."""

    finding: DayFinding
    subject: str = Field("", max_length=120)
    count: int
    reason: str = Field(min_length=1, max_length=200)


class CloseBody(Body):
    """What the day is closed in spite of."""

    signed: list[SignedBody] = Field(default_factory=list, max_length=200)


@router.get("/days/{business_on}/closing")
async def day(call: Viewer, business_on: date) -> lookup.DayStanding:
    """Return how a clinic day stands: its sums, what is in the way, how it was closed."""
    site = call.house.settings.site
    return await call.read(lambda connection: lookup.day_standing(connection, site, business_on))


@router.post("/days/{business_on}/closing", status_code=201)
async def close_day(call: Lead, business_on: date, body: CloseBody) -> Response:
    """Close a clinic day whose sums agree, or whose differences are signed for."""
    site, signed = call.house.settings.site, [Signed(**one.model_dump()) for one in body.signed]
    return await call.record(lambda tx: actions.close_day(tx, site, business_on, signed))
