"""The site's devices: can each work as it is set up, is its port there and ours, and does it answer if asked."""

import asyncio
import grp
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from clinic_server.device_hub.lookup import StoredDevice
from clinic_server.doctor.machine import user_name
from clinic_server.doctor.report import Said, said
from devices.adapter import DeviceSpec
from devices.errors import SpecRefused
from devices.events import DeviceEvent, DeviceState, DeviceStateChanged
from devices.finding.here import find_here
from devices.finding.places import may_read_and_write
from devices.links import LinkAddress
from devices.registry import adapter_for
from devices.supervisor import Supervisor

_ANSWERS_S: Final = 3.0
_BROKER_PORT: Final = 1883
_PCSCD: Final = Path("/run/pcscd/pcscd.comm")
_GROUPS: Final = {"serial": "dialout", "file": "lp", "pcsc": "plugdev"}
_FOUND_SAYS: Final = {"not_permitted": "found_not_permitted"}
_SAYS: Final = {
    "link_unavailable: no_such_port": "device_port_missing",
    "link_unavailable: not_permitted": "device_not_permitted",
    "link_unavailable: port_taken": "device_port_taken",
    "link_unavailable: connection_not_permitted": "broker_refuses",
    "link_unavailable: subscription_not_permitted": "broker_refuses",
}


def spec_of(device: StoredDevice, zone: str) -> DeviceSpec:
    """Return a device as its supervisor gets it."""
    options = {"zone": zone, **device.options} if device.kind == "fridge_probe" else device.options
    return DeviceSpec(device.device_id, device.kind, device.address, device.is_simulated, options)


def of_devices(specs: Sequence[DeviceSpec], *, is_served: bool) -> Iterator[Said]:
    """Check every device set up on this machine; while the server runs, its devices are asked nothing."""
    schemes = {_scheme(spec) for spec in specs}
    yield from _groups(schemes)
    if "pcsc" in schemes:
        yield said("pcscd_running" if _listens_at(_PCSCD) else "pcscd_stopped")
    if not specs:
        yield said("devices_none")
    yield from asyncio.run(_of_all(specs, is_served=is_served))


async def not_set_up(specs: Sequence[DeviceSpec]) -> list[Said]:
    """Name what is plugged in here and belongs to no device yet."""
    found = [one for one in await find_here([spec.url for spec in specs]) if not one.is_simulated]
    return [said(_FOUND_SAYS.get(one.trouble, "found"), label=one.label, kind=one.kind) for one in found]


async def _of_all(specs: Sequence[DeviceSpec], *, is_served: bool) -> list[Said]:
    return await asyncio.gather(*(_of_one(spec, is_served=is_served) for spec in specs))


async def _of_one(spec: DeviceSpec, *, is_served: bool) -> Said:
    try:
        adapter_for(spec)
        address = LinkAddress.parse(spec.url)
    except SpecRefused as refused:
        return said("device_wrong", device=spec.device_id, reason=refused.reason)
    if address.scheme == "memory":
        return said("device_simulated", device=spec.device_id)
    if (trouble := _of_port(address)) is not None:
        return said(trouble, device=spec.device_id, port=address.path)
    if is_served:
        if address.scheme == "mqtt" and not await asyncio.to_thread(_is_reachable, address):
            return said("broker_unreachable", device=spec.device_id, host=address.host)
        return said("device_left_alone", device=spec.device_id)
    return await _asked(spec, address)


async def _asked(spec: DeviceSpec, address: LinkAddress) -> Said:
    """Connect once through the device's own adapter, and tell how that went.

    A broker is asked as somebody else, who leaves nothing behind: the server's own session there keeps its readings.
    """
    if address.scheme == "mqtt":
        joint = "&" if address.query else "?"
        spec = replace(spec, device_id=f"doctor-{spec.device_id}", url=f"{spec.url}{joint}session_expiry_s=0")
    outcome: asyncio.Future[DeviceStateChanged] = asyncio.get_running_loop().create_future()

    async def note(event: DeviceEvent) -> None:
        if isinstance(event, DeviceStateChanged) and event.state is not DeviceState.CONNECTING and not outcome.done():
            outcome.set_result(event)

    name = spec.device_id.removeprefix("doctor-")
    async with Supervisor([spec], note):
        try:
            async with asyncio.timeout(_ANSWERS_S):
                heard = await outcome
        except TimeoutError:
            return said("device_silent", device=name)
    if heard.state is DeviceState.ONLINE:
        return said("device_answers", device=name)
    if address.scheme == "mqtt" and heard.detail.startswith("link_unavailable: "):
        return said(_SAYS.get(heard.detail, "broker_unreachable"), device=name, host=address.host)
    code = "device_silent" if heard.detail == "no_answer" else _SAYS.get(heard.detail, "device_unwell")
    return said(code, device=name, port=address.path, detail=heard.detail)


def _of_port(address: LinkAddress) -> str | None:
    """Return what is wrong with a port that has a name in the file system, without opening it."""
    if address.scheme not in {"serial", "file"} or not address.path.startswith("/dev/"):
        return None
    if not os.access(address.path, os.F_OK):
        return "device_port_missing"
    return None if may_read_and_write(address.path) else "device_not_permitted"


def _groups(schemes: set[str]) -> Iterator[Said]:
    """Name the groups that own such ports and that this user is not in; root needs none."""
    if os.geteuid() == 0:
        return
    mine = {*os.getgroups(), os.getegid()}
    for scheme in sorted(schemes & set(_GROUPS)):
        try:
            wanted = grp.getgrnam(_GROUPS[scheme])
        except KeyError:  # this system names its groups otherwise; the ports themselves are looked at anyway
            continue
        if wanted.gr_gid not in mine:
            yield said("group_missing", user=user_name(), owner=wanted.gr_name)


def _is_reachable(address: LinkAddress) -> bool:
    try:
        socket.create_connection((address.host, address.port or _BROKER_PORT), timeout=_ANSWERS_S).close()
    except OSError:
        return False
    return True


def _listens_at(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except OSError:
            return False
    return True


def _scheme(spec: DeviceSpec) -> str:
    return spec.url.partition(":")[0]
