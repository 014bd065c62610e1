"""The devices' states."""

from typing import Annotated

from fastapi import APIRouter

from clinic_server.device_hub.hub import DeviceShown, hub_of
from clinic_server.kit.call import Call, signed_in

router = APIRouter(prefix="/api/v1", tags=["devices"])


@router.get("/devices")
async def list_devices(call: Annotated[Call, signed_in()]) -> list[DeviceShown]:
    """Return every device of the site and how it is reached."""
    return list(hub_of(call).shown())
