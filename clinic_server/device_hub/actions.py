"""Confirming devices and retiring them. What was confirmed stays in the books; a retired device is not attended."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import select

from clinic_server.device_hub.lookup import StoredDevice, ids_ever_given, stored_devices
from clinic_server.device_hub.rules import (
    REFUSALS,
    SHARED_LINES,
    DeskPcUnknown,
    DeviceAddressRefused,
    DeviceAddressTaken,
    DeviceFromSettings,
    DeviceIdTaken,
    DeviceOptionRefused,
    DeviceRefused,
    DeviceUnknown,
    StationUnknown,
    is_made_up,
    leaves_dev,
    may_set_up,
    name_for,
)
from clinic_server.device_hub.tables import MOST_OPTIONS, Device, DeviceRetired, agent, agent_ended
from clinic_server.device_hub.translation import site_options
from clinic_server.kit.errors import NotPermitted
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import station_exists
from devices.errors import SpecRefused
from devices.registry import DeviceSpec, adapter_for

DEVICES_RECORDED: Final = "devices-recorded"  # what the hub follows to attend what was confirmed and leave the retired


@dataclass(frozen=True, slots=True)
class NewDevice:
    """What is told of a device when it is confirmed; without an id it is named after its station.

    The address may hold a broker's password.
    """

    kind: str
    address: str = field(repr=False)
    device_id: str | None = None
    station: str | None = None
    agent_id: UUID | None = None
    is_simulated: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceRef:
    """Which device an action was about."""

    device_id: str


def confirm_device(tx: Tx, new: NewDevice, configured: Collection[StoredDevice] = ()) -> DeviceRef:
    """Take a device into the site's books; ``configured`` are those of the settings file, which come first."""
    _require_may_set_up(tx, new.kind)
    device_id = _free_id(tx, new, configured)
    _refuse_what_cannot_work(tx, device_id, new)
    _refuse_address_in_use(tx, new, configured)
    _refuse_unknown_place(tx, new)
    row_id = tx.new_id()
    tx.append(
        Device,
        id=row_id,
        device_id=device_id,
        kind=new.kind,
        address_sealed=tx.keyring.seal(new.address, f"device:address:{row_id}"),
        station=new.station,
        agent_id=new.agent_id,
        is_simulated=new.is_simulated or is_made_up(new.address),
        options_json=_as_json(new.options),
        confirmed_at=tx.now,
    )
    tx.journal("device_confirmed", row_id, DEVICES_RECORDED)
    return DeviceRef(device_id)


def retire_device(tx: Tx, device_id: str, configured: Collection[StoredDevice] = ()) -> DeviceRef:
    """Attend a device no more. Its name is not given again, so that old lines stay clear."""
    held = next((one for one in stored_devices(tx.connection, tx.keyring) if one.device_id == device_id), None)
    if held is None or held.row_id is None:
        raise DeviceFromSettings if any(one.device_id == device_id for one in configured) else DeviceUnknown
    _require_may_set_up(tx, held.kind)
    tx.append(DeviceRetired, device_record_id=held.row_id, retired_at=tx.now)
    tx.journal("device_retired", held.row_id, DEVICES_RECORDED)
    return DeviceRef(device_id)


def _require_may_set_up(tx: Tx, kind: str) -> None:
    """Refuse whoever may not; the console of the server itself may."""
    if tx.actor.staff_id is not None and not may_set_up(kind, tx.actor.roles):
        raise NotPermitted


def _free_id(tx: Tx, new: NewDevice, configured: Collection[StoredDevice]) -> str:
    """Return the id that was chosen, or one nobody has or ever had."""
    taken = ids_ever_given(tx.connection) | {one.device_id for one in configured}
    if new.device_id in taken:
        raise DeviceIdTaken(findings=["device_id"])
    return new.device_id or name_for(new.kind, new.station, taken)


def _refuse_what_cannot_work(tx: Tx, device_id: str, new: NewDevice) -> None:
    options = site_options(new.kind, new.options, tx.site.zone.key)
    try:
        adapter_for(DeviceSpec(device_id, new.kind, new.address, new.is_simulated, options))
    except SpecRefused as error:
        at_fault = [{"option": "options"}.get(error.about, error.about)] * bool(error.about)
        raise REFUSALS.get(error.about, DeviceRefused)(findings=at_fault, reason=error.reason) from None
    if new.agent_id is None and leaves_dev(new.address):
        raise DeviceAddressRefused(findings=["address"], reason="a file address names something below /dev")


def _as_json(options: Mapping[str, str]) -> str:
    """Return options as they are stored, or refuse more of them than any device has."""
    written = json.dumps(dict(options), sort_keys=True, ensure_ascii=False)
    if len(written) > MOST_OPTIONS:
        raise DeviceOptionRefused(findings=["options"], reason=f"options have {MOST_OPTIONS} characters at most")
    return written


def _refuse_address_in_use(tx: Tx, new: NewDevice, configured: Collection[StoredDevice]) -> None:
    if new.kind in SHARED_LINES:
        return
    attended = (*configured, *stored_devices(tx.connection, tx.keyring))
    if any((one.address, one.agent_id) == (new.address, new.agent_id) for one in attended):
        raise DeviceAddressTaken(findings=["address"])


def _refuse_unknown_place(tx: Tx, new: NewDevice) -> None:
    if new.station is not None and not station_exists(tx.connection, new.station):
        raise StationUnknown(findings=["station"])
    if new.agent_id is None:
        return
    paired = select(agent.c.id).outerjoin(agent_ended, agent_ended.c.agent_id == agent.c.id)
    if tx.execute(paired.where(agent.c.id == new.agent_id, agent_ended.c.id.is_(None))).first() is None:
        raise DeskPcUnknown(findings=["agent_id"])
