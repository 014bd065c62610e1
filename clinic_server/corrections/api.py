"""The correction desk's calls."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.corrections import actions, lookup
from clinic_server.kit.call import Body, Call, allows
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import BodySite

router = APIRouter(prefix="/api/v1", tags=["corrections"])
Corrector = Annotated[Call, allows(Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD)]
Returner = Annotated[Call, allows(Role.VACCINATOR, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]
Assessor = Annotated[Call, allows(Role.SITE_LEAD, Role.PHYSICIAN)]


class ReasonBody(Body):
    """Why, or what was found."""

    reason: str = Field(max_length=2000, repr=False)


class BodySiteBody(ReasonBody):
    """What the record says, and what it should say."""

    was: BodySite
    should_be: BodySite


@router.get("/days/{business_on}/correctable-doses")
async def read_doses(call: Corrector, business_on: date) -> list[lookup.DoseLine]:
    """Return a clinic day's doses as they stand after every correction."""
    return list(await call.read(lambda connection: lookup.doses_of(connection, business_on)))


@router.get("/incidents")
async def read_incidents(call: Assessor) -> Sequence[lookup.OpenIncident]:
    """Return the incidents nobody assessed yet."""
    return await call.read(lookup.open_incidents)


@router.post("/doses/{dose_id}/body-site", status_code=201)
async def correct_body_site(call: Corrector, dose_id: UUID, body: BodySiteBody) -> Response:
    """Record where a dose was really given."""
    site = call.house.settings.site
    new = actions.NewBodySite(body.was, body.should_be, body.reason)
    return await call.record(lambda tx: actions.correct_body_site(tx, site, dose_id, new))


@router.post("/doses/{dose_id}/denial", status_code=201)
async def deny_dose(call: Corrector, dose_id: UUID, body: ReasonBody) -> Response:
    """Record that no needle gave this dose."""
    return await call.record(lambda tx: actions.deny_dose(tx, dose_id, body.reason))


@router.post("/doses/{dose_id}/unit-return", status_code=201)
async def return_unit(call: Returner, dose_id: UUID) -> Response:
    """Put the untouched unit of a dose never given back into stock."""
    return await call.record(lambda tx: actions.return_unit(tx, dose_id))


@router.post("/incidents/{incident_id}/assessment", status_code=201)
async def assess_incident(call: Assessor, incident_id: UUID, body: ReasonBody) -> Response:
    """Record what was found out about an incident."""
    return await call.record(lambda tx: actions.assess_incident(tx, incident_id, body.reason))
