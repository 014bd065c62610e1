"""The devices that were confirmed and not retired."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.device_hub.tables import agent, device, device_retired
from clinic_server.kit.crypto import Keyring
from clinic_server.settings import DeviceSettings


@dataclass(frozen=True, slots=True)
class StoredDevice:
    """A device as it is written down; ``row_id`` is None for one of the settings file, ``machine`` a desk PC's name."""

    device_id: str
    kind: str
    address: str = field(repr=False)
    station: str | None
    agent_id: UUID | None
    is_simulated: bool
    options: Mapping[str, str]
    row_id: UUID | None = None
    machine: str = ""


def stored_devices(connection: Connection, keyring: Keyring) -> Sequence[StoredDevice]:
    """Return them in the order they were confirmed, their addresses opened."""
    rows = connection.execute(
        select(device, agent.c.name)
        .outerjoin(agent, agent.c.id == device.c.agent_id)
        .outerjoin(device_retired, device_retired.c.device_record_id == device.c.id)
        .where(device_retired.c.id.is_(None))
        .order_by(device.c.journal_seq)
    )
    return [
        StoredDevice(
            row.device_id,
            row.kind,
            keyring.open(row.address_sealed, f"device:address:{row.id}"),
            row.station,
            row.agent_id,
            row.is_simulated,
            json.loads(row.options_json),
            row.id,
            row.name or "",
        )
        for row in rows
    ]


def ids_ever_given(connection: Connection) -> set[str]:
    """Return every id a confirmed device has or had."""
    return set(connection.execute(select(device.c.device_id)).scalars())


def configured_device(one: DeviceSettings) -> StoredDevice:
    """Return a device of the settings file in the same form."""
    return StoredDevice(one.device_id, one.kind, one.url, one.station, None, one.simulated, one.options)
