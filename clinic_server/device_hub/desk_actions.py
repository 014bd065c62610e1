"""Desk PCs join and leave; the only writer of their records, and the questions about them."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.device_hub.pairing import PairingCodeWrong, Pairings
from clinic_server.device_hub.tables import Agent, AgentEnded, agent, agent_ended, device, device_retired
from clinic_server.device_hub.translation import spec_of
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import Conflict, NotFound
from clinic_server.kit.tx import Tx
from clinic_server.settings import DeviceSettings
from clinic_server.staff.actions import station_exists
from clinic_server.staff.rules import StationUnknown
from devices.adapter import DeviceSpec

AGENTS = "agents"  # the topic of which desk PCs there are
DEVICES = "devices"


class AgentNotKnown(NotFound):
    """No desk PC has this id."""

    code = "agent_not_known"


class AgentHasEnded(Conflict):
    """The desk PC was taken off already."""

    code = "agent_has_ended"


@dataclass(frozen=True, slots=True)
class AgentRef:
    """Which desk PC an action was about."""

    agent_id: UUID


@dataclass(frozen=True, slots=True)
class Paired:
    """What a desk PC learns of itself."""

    agent_id: UUID
    name: str
    station: str


@dataclass(frozen=True, slots=True)
class AgentKept:
    """A desk PC that counts: who it is, what it attends now, and for which devices it may ever have read something."""

    agent_id: UUID
    name: str
    station: str
    digest: bytes = field(repr=False)
    paired_at: datetime
    devices: tuple[DeviceSpec, ...]
    stations: dict[str, str | None]


def pair_agent(tx: Tx, pairings: Pairings, code: str, name: str, station: str) -> AgentRef:
    """Let the desk PC that shows this code speak for its devices from now on."""
    if not station_exists(tx.connection, station):
        raise StationUnknown
    digest = pairings.with_code(code).digest
    if tx.execute(select(agent.c.id).where(agent.c.token_digest == digest)).first():
        raise PairingCodeWrong
    agent_id = tx.append(Agent, name=name, station=station, token_digest=digest, paired_at=tx.now)
    tx.journal("agent_paired", agent_id, AGENTS, DEVICES)
    return AgentRef(agent_id)


def end_agent(tx: Tx, agent_id: UUID) -> AgentRef:
    """Take a desk PC off: its credential counts no more."""
    if tx.execute(select(agent.c.id).where(agent.c.id == agent_id)).first() is None:
        raise AgentNotKnown
    if tx.execute(select(agent_ended.c.id).where(agent_ended.c.agent_id == agent_id)).first():
        raise AgentHasEnded
    tx.append(AgentEnded, agent_id=agent_id, ended_at=tx.now)
    tx.journal("agent_ended", agent_id, AGENTS, DEVICES)
    return AgentRef(agent_id)


def agents_kept(connection: Connection, keyring: Keyring, zone: str) -> list[AgentKept]:
    """Return every desk PC that was not taken off, in the order they were paired."""
    rows = connection.execute(
        select(agent)
        .outerjoin_from(agent, agent_ended, agent_ended.c.agent_id == agent.c.id)
        .where(agent_ended.c.id.is_(None))
        .order_by(agent.c.journal_seq)
    ).all()
    carried = _carried(connection, keyring, zone)
    return [
        AgentKept(
            agent_id=row.id,
            name=row.name,
            station=row.station,
            digest=row.token_digest,
            paired_at=row.paired_at,
            devices=tuple(one.spec for one in carried.get(row.id, ()) if one.spec is not None),
            stations={one.device_id: one.station for one in carried.get(row.id, ())},
        )
        for row in rows
    ]


def agent_of(connection: Connection, digest: bytes) -> Paired | None:
    """Return the desk PC of a credential, or None."""
    row = connection.execute(select(agent.c.id, agent.c.name, agent.c.station).where(agent.c.token_digest == digest))
    found = row.first()
    return Paired(*found) if found else None


@dataclass(frozen=True, slots=True)
class _Carried:
    """A device of a desk PC; without a spec it was retired, and what it read before still counts."""

    device_id: str
    station: str | None
    spec: DeviceSpec | None


def _carried(connection: Connection, keyring: Keyring, zone: str) -> dict[UUID, list[_Carried]]:
    rows = connection.execute(
        select(device, device_retired.c.id.label("retired"))
        .outerjoin_from(device, device_retired, device_retired.c.device_record_id == device.c.id)
        .where(device.c.agent_id.is_not(None))
        .order_by(device.c.journal_seq)
    )
    found: dict[UUID, list[_Carried]] = {}
    for row in rows:
        spec = None
        if row.retired is None:
            settings = DeviceSettings(
                device_id=row.device_id,
                kind=row.kind,
                url=keyring.open(row.address_sealed, f"device:address:{row.id}"),
                station=row.station,
                simulated=row.is_simulated,
                options=json.loads(row.options_json),
            )
            spec = spec_of(settings, zone)
        found.setdefault(row.agent_id, []).append(_Carried(row.device_id, row.station, spec))
    return found
