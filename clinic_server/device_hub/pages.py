"""The page that lists the devices."""

from typing import Annotated

from fastapi import APIRouter, Response

from clinic_server.device_hub.desk_pages import desks_now
from clinic_server.device_hub.hub import hub_of
from clinic_server.kit.call import Call, signed_in
from clinic_server.kit.labels import labels

router = APIRouter(include_in_schema=False)


@router.get("/devices")
async def devices(call: Annotated[Call, signed_in()]) -> Response:
    """Show every device of the site."""
    context = await desks_now(call)
    return call.page("device_hub/devices.html", devices=hub_of(call).shown(), kinds=labels()["device_kind"], **context)


@router.get("/devices/now")
async def devices_now(call: Annotated[Call, signed_in()]) -> Response:
    """Show the list again."""
    return call.page("device_hub/_devices.html", devices=hub_of(call).shown(), kinds=labels()["device_kind"])
