"""The correction desk: the day's doses, what is wrong with one, and what corrections left open."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field
from sqlalchemy import Connection

from clinic_server.corrections import actions, lookup
from clinic_server.kit.call import Call, Form, allows
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import BodySite
from clinic_server.visits.lookup import standing

router = APIRouter(include_in_schema=False)
Desk = Annotated[Call, allows(Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]
Corrector = Annotated[Call, allows(Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD)]
Returner = Annotated[Call, allows(Role.VACCINATOR, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]
Assessor = Annotated[Call, allows(Role.SITE_LEAD, Role.PHYSICIAN)]


class ReasonForm(Form):
    """Why, or what was found."""

    reason: str = Field("", max_length=2000, repr=False)


class BodySiteForm(ReasonForm):
    """What the record says, and what it should say."""

    was: BodySite
    should_be: BodySite


@router.get("/corrections")
async def corrections(call: Desk) -> HTMLResponse:
    """Show the day's doses and the open incidents."""
    return call.page("corrections/desk.html", **await call.read(lambda connection: _seen(call, connection)))


@router.get("/corrections/now")
async def corrections_now(call: Desk) -> HTMLResponse:
    """Show them again."""
    return call.page("corrections/_desk.html", **await call.read(lambda connection: _seen(call, connection)))


@router.get("/doses/{dose_id}/correction")
async def correction(call: Desk, dose_id: UUID) -> HTMLResponse:
    """Show what can be set right about one dose."""

    def read(connection: Connection) -> dict[str, Any]:
        dose = lookup.dose_as_corrected(connection, dose_id)
        return {"dose": dose, "visit": standing(connection, dose.visit_id)}

    return call.page("corrections/dose.html", sites=BodySite, **await call.read(read))


@router.post("/doses/{dose_id}/body-site")
async def correct_body_site(call: Corrector, dose_id: UUID) -> Response:
    """Record where a dose was really given."""
    form, site = await call.form(BodySiteForm), call.house.settings.site
    new = actions.NewBodySite(form.was, form.should_be, form.reason)
    return await call.record(lambda tx: actions.correct_body_site(tx, site, dose_id, new), then="/corrections")


@router.post("/doses/{dose_id}/denial")
async def deny_dose(call: Corrector, dose_id: UUID) -> Response:
    """Record that no needle gave this dose."""
    form = await call.form(ReasonForm)
    return await call.record(lambda tx: actions.deny_dose(tx, dose_id, form.reason), then="/corrections")


@router.post("/doses/{dose_id}/unit-return")
async def return_unit(call: Returner, dose_id: UUID) -> Response:
    """Put the untouched unit of a dose never given back into stock."""
    return await call.record(lambda tx: actions.return_unit(tx, dose_id), then="/corrections")


@router.post("/incidents/{incident_id}/assessment")
async def assess_incident(call: Assessor, incident_id: UUID) -> Response:
    """Record what was found out about an incident."""
    form = await call.form(ReasonForm)
    return await call.record(lambda tx: actions.assess_incident(tx, incident_id, form.reason), then="/corrections")


def _seen(call: Call, connection: Connection) -> dict[str, Any]:
    today = call.business_day(call.house.db.clock.now())
    return {
        "doses": lookup.doses_of(connection, today),
        "incidents": lookup.open_incidents(connection),
        "may_assess": bool(call.actor.roles & {Role.SITE_LEAD, Role.PHYSICIAN}),
    }
