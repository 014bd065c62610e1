"""The devices as JSON: how they are, what is found, confirming, retiring, testing."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from clinic_server.device_hub.actions import NewDevice, confirm_device, retire_device
from clinic_server.device_hub.hub import DeviceHub, hub_of
from clinic_server.device_hub.rules import DEVICE_ID_PATTERN, may_set_up
from clinic_server.device_hub.shown import DeviceShown, FoundShown, TrialShown, trial_shown
from clinic_server.device_hub.trials import trial_slip
from clinic_server.kit.call import Body, Call, allows, signed_in
from clinic_server.kit.errors import NotFound, NotPermitted
from clinic_server.staff.rules import Role

router = APIRouter(prefix="/api/v1", tags=["devices"])
Keeper = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]


class DeviceBody(Body):
    """A device; ``found`` names a find instead of kind and address, and without an id it is named after its station."""

    device_id: str | None = Field(None, pattern=DEVICE_ID_PATTERN)
    kind: str = Field("", max_length=32)
    address: str = Field("", max_length=400, repr=False)
    found: str | None = Field(None, max_length=16)
    station: str | None = Field(None, max_length=32)
    agent_id: UUID | None = None
    is_simulated: bool = False
    options: dict[str, str] = Field(default_factory=dict, max_length=20)

    def device(self, hub: DeviceHub) -> NewDevice:
        """Return what is to be confirmed, or raise FoundDeviceGone."""
        if self.found is None:
            return NewDevice(**self.model_dump(exclude={"found"}))
        at = hub.found_as(self.found)
        return NewDevice(
            kind=at.kind_or(self.kind),
            address=at.found.url,
            device_id=self.device_id,
            station=self.station,
            agent_id=at.agent_id,
            is_simulated=at.found.is_simulated,
            options={**at.found.options, **self.options},
        )


@router.get("/devices")
async def list_devices(call: Annotated[Call, signed_in()]) -> list[DeviceShown]:
    """Return every device of the site: how it is reached, what it said of itself, what ails it and what helps."""
    return list(hub_of(call).shown())


@router.post("/devices", status_code=201)
async def confirm(call: Keeper, body: DeviceBody) -> Response:
    """Confirm a device: a find, or one described by kind and address."""
    hub = hub_of(call)
    answer = await call.record(lambda tx: confirm_device(tx, body.device(hub), hub.configured))
    await hub.catch_up()
    return answer


@router.get("/devices/found")
async def list_found(call: Keeper) -> list[FoundShown]:
    """Look on every machine for what is plugged in and not set up, and return it."""
    hub = hub_of(call)
    await hub.look()
    return list(hub.found())


@router.post("/devices/{device_id}/retirement", status_code=201)
async def retire(call: Keeper, device_id: str) -> Response:
    """Attend a device no more."""
    hub = hub_of(call)
    answer = await call.record(lambda tx: retire_device(tx, device_id, hub.configured))
    await hub.catch_up()
    return answer


@router.post("/devices/{device_id}/test", status_code=202)
async def begin_test(call: Keeper, device_id: str) -> TrialShown:
    """Test a device: for half a minute what it does is told here, and to no desk."""
    hub = hub_of_keeper(call, device_id)
    slip = trial_slip(call.house.settings.site.name, device_id, call.house.pages.clock_time(call.house.db.clock.now()))
    return trial_shown(device_id, await hub.begin_trial(device_id, slip))


@router.get("/devices/{device_id}/test")
async def look_at_test(call: Keeper, device_id: str) -> TrialShown:
    """Return how the test of a device stands; 404 when none was made within the last minute and a half."""
    trial = hub_of_keeper(call, device_id).trial_of(device_id)
    if trial is None:
        raise NotFound
    return trial_shown(device_id, trial)


@router.post("/devices/{device_id}/retry", status_code=204)
async def retry(call: Keeper, device_id: str) -> None:
    """Connect to a device again at once instead of waiting."""
    hub_of_keeper(call, device_id).retry_now(device_id)


def hub_of_keeper(call: Call, device_id: str) -> DeviceHub:
    """Return the hub to someone who looks after this device, or raise DeviceUnknown or NotPermitted."""
    hub = hub_of(call)
    if not may_set_up(hub.kind_of(device_id), call.actor.roles):
        raise NotPermitted
    return hub
