"""The desk PCs on the devices page: how each is, who joins, who leaves."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.device_hub import desk_actions
from clinic_server.device_hub.desks import desks_of
from clinic_server.kit.call import Call, Form, allows, signed_in
from clinic_server.staff.actions import stations
from clinic_server.staff.rules import Role

router = APIRouter(include_in_schema=False)
Lead = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD)]


class PairForm(Form):
    """The code on the desk PC's screen, what it is called here, and where it stands."""

    code: str = Field(min_length=1, max_length=32, repr=False)
    name: str = Field(min_length=1, max_length=40)
    station: str = Field(min_length=1, max_length=32)


@router.get("/devices/desks")
async def desks(call: Annotated[Call, signed_in()]) -> Response:
    """Show how the desk PCs are, again."""
    return call.page("device_hub/_desks_now.html", **await desks_now(call))


@router.post("/devices/desks")
async def pair(call: Lead) -> Response:
    """Let the desk PC that shows a code join."""
    form, pairings = await call.form(PairForm), desks_of(call.request).pairings
    return await call.record(
        lambda tx: desk_actions.pair_agent(tx, pairings, form.code, form.name, form.station), then="/devices"
    )


@router.post("/devices/desks/{agent_id}/end")
async def end(call: Lead, agent_id: UUID) -> Response:
    """Take a desk PC off."""
    return await call.record(lambda tx: desk_actions.end_agent(tx, agent_id), then="/devices")


async def desks_now(call: Call) -> dict[str, Any]:
    """Return what the section of the desk PCs shows."""
    await desks_of(call.request).refresh()
    scheme = "https" if call.house.settings.server.secure_cookies else "http"
    return {
        "server_address": f"{scheme}://{call.request.headers.get('host', '')}",
        "desks": desks_of(call.request).shown(),
        "stations": await call.read(stations),
        "may_pair": bool({Role.OWNER, Role.SITE_LEAD} & call.actor.roles),
    }
