"""The devices page: how each device is and what helps it, what is found, tests; and what a desk sees of its own."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from clinic_server.device_hub.actions import confirm_device, retire_device
from clinic_server.device_hub.desk_pages import desks_now
from clinic_server.device_hub.hub import DeviceHub, hub_of
from clinic_server.device_hub.rules import TRIALS, may_set_up
from clinic_server.device_hub.setting_up import CHOICES, DeviceForm, device_of, station_for
from clinic_server.device_hub.shown import DeviceShown, found_shown, trial_shown
from clinic_server.device_hub.trials import trial_slip
from clinic_server.kit.call import Call, Form, allows, go_to, signed_in
from clinic_server.kit.errors import NotPermitted
from clinic_server.kit.labels import labels
from clinic_server.staff.actions import stations
from clinic_server.staff.rules import Role
from devices.registry import DEVICE_KINDS

router = APIRouter(include_in_schema=False)
Anybody = Annotated[Call, signed_in()]
Keeper = Annotated[Call, allows(Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER)]


class DeedForm(Form):
    """What to do with a simulated device."""

    deed: str


@router.get("/devices")
async def devices(call: Anybody, look: Annotated[str, Query(max_length=1)] = "") -> Response:
    """Show every device of the site, and what was found; ``look`` looks first."""
    if look:
        await hub_of(call).look()
    return call.page("device_hub/devices.html", **_now(call), **await desks_now(call))


@router.get("/devices/now")
async def devices_now(call: Anybody) -> Response:
    """Show the devices again."""
    return call.page("device_hub/_devices.html", **_now(call))


@router.get("/devices/found")
async def devices_found(call: Keeper) -> Response:
    """Look again on every machine, and show what is not set up."""
    await hub_of(call).look()
    return call.page("device_hub/_found.html", **_now(call))


@router.get("/devices/set-up")
async def set_up(call: Keeper, found: Annotated[str, Query(max_length=16)] = "") -> Response:
    """Ask where a found device belongs, or for one that is typed in."""
    hub = hub_of(call)
    find = found_shown(await hub.find(found)) if found else None
    places = await call.read(stations)
    kind = find.kind if find else ""
    return call.page(
        "device_hub/set_up.html",
        find=find,
        kinds=[one for one in DEVICE_KINDS if may_set_up(one, call.actor.roles)],
        places=places,
        station=(find.station if find else None) or station_for(kind, places, hub.shown()),
        choices=CHOICES.get(kind, ()),
        known=labels(),
    )


@router.post("/devices")
async def confirm(call: Keeper) -> Response:
    """Confirm a device."""
    hub = hub_of(call)
    form = await call.form(DeviceForm)
    answer = await call.record(
        lambda tx: confirm_device(
            tx, device_of(form, hub.found_as(form.found) if form.found else None), hub.configured
        ),
        then="/devices",
    )
    await hub.catch_up()
    return answer


@router.get("/devices/{device_id}/retirement")
async def ask_to_retire(call: Keeper, device_id: str) -> Response:
    """Ask once more before a device is retired."""
    hub = _hub_of_keeper(call, device_id)
    one = next(one for one in hub.shown() if one.device_id == device_id)
    return call.page("device_hub/retirement.html", one=one, kinds=labels()["device_kind"])


@router.post("/devices/{device_id}/retirement")
async def retire(call: Keeper, device_id: str) -> Response:
    """Attend a device no more."""
    hub = hub_of(call)
    answer = await call.record(lambda tx: retire_device(tx, device_id, hub.configured), then="/devices")
    await hub.catch_up()
    return answer


@router.post("/devices/{device_id}/test")
async def begin_test(call: Keeper, device_id: str) -> Response:
    """Test a device: for half a minute what it does is shown here, and at no desk."""
    hub = _hub_of_keeper(call, device_id)
    at = call.house.pages.clock_time(call.house.db.clock.now())
    await hub.begin_trial(device_id, trial_slip(call.house.settings.site.name, device_id, at))
    return _shown_again(call)


@router.post("/devices/{device_id}/retry")
async def retry(call: Keeper, device_id: str) -> Response:
    """Connect to a device again at once instead of waiting."""
    _hub_of_keeper(call, device_id).retry_now(device_id)
    return _shown_again(call)


@router.post("/devices/{device_id}/deeds")
async def do(call: Keeper, device_id: str) -> Response:
    """Do something with a simulated device."""
    hub = _hub_of_keeper(call, device_id)
    hub.do(device_id, (await call.form(DeedForm)).deed)
    return _shown_again(call)


@router.get("/station/devices")
async def station_devices(call: Anybody) -> Response:
    """Show what ails the devices of the caller's own station, and which are tested; nothing when all is well."""
    hub = hub_of(call)
    own = [one for one in hub.shown() if one.station is not None and one.station == call.actor.station]
    return call.page(
        "device_hub/_station.html",
        ailing=[one for one in own if not one.is_well],
        tested=[one for one in own if hub.is_kept_from_its_desk(one.device_id)],
        **_words(),
    )


def _hub_of_keeper(call: Call, device_id: str) -> DeviceHub:
    """Return the hub to someone who looks after this device, or raise DeviceUnknown or NotPermitted."""
    hub = hub_of(call)
    if not may_set_up(hub.kind_of(device_id), call.actor.roles):
        raise NotPermitted
    return hub


def _shown_again(call: Call) -> Response:
    """Answer an act that is no record: with the list as it is now, or with the whole page."""
    if "hx-request" in call.request.headers:
        return call.page("device_hub/_devices.html", **_now(call))
    return go_to(call.request, "/devices")


def _now(call: Call) -> dict[str, Any]:
    hub = hub_of(call)
    roles = call.actor.roles
    shown = hub.shown()
    trials = {one.device_id: trial for one in shown if (trial := hub.trial_of(one.device_id))}
    return {
        "places": _by_station(shown),
        "count": len(shown),
        "ailing": sum(not one.is_well for one in shown),
        "displaced": sorted(hub.displaced),
        "found": [one for one in hub.found() if may_set_up(one.kind, roles)],
        "trials": {device_id: trial_shown(device_id, trial) for device_id, trial in trials.items()},
        "deeds": {one.device_id: hub.deeds(one.device_id) for one in shown},
        "testable": frozenset(TRIALS),
        "may": _may(roles),
        "may_set_up": bool({Role.OWNER, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER} & roles),
        **_words(),
    }


def _may(roles: Iterable[str]) -> Callable[[str], bool]:
    held = frozenset(roles)
    return lambda kind: may_set_up(kind, held)


def _words() -> dict[str, Any]:
    """Return which kinds and deeds have words of their own."""
    return {"kinds": labels()["device_kind"], "deed_words": labels()["deed"]}


def _by_station(shown: Iterable[DeviceShown]) -> list[tuple[str, list[DeviceShown]]]:
    """Return the devices of each station together; those of none come last."""
    ordered = sorted(shown, key=lambda one: (one.station is None, one.station or ""))
    return [(station or "", list(group)) for station, group in groupby(ordered, key=lambda one: one.station)]
