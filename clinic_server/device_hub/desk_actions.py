"""Desk PCs join and leave; the only writer of their records, and the questions about them."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.device_hub.pairing import PairingCodeWrong, Pairings
from clinic_server.device_hub.tables import Agent, AgentEnded, agent, agent_ended, device
from clinic_server.kit.errors import Conflict, NotFound
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import station_exists
from clinic_server.staff.rules import StationUnknown

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
    """A desk PC that counts; ``carried`` are the devices that hang there or ever did."""

    agent_id: UUID
    name: str
    station: str
    digest: bytes = field(repr=False)
    paired_at: datetime
    carried: frozenset[str]


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


def agents_kept(connection: Connection) -> list[AgentKept]:
    """Return every desk PC that was not taken off, in the order they were paired."""
    rows = connection.execute(
        select(agent)
        .outerjoin(agent_ended, agent_ended.c.agent_id == agent.c.id)
        .where(agent_ended.c.id.is_(None))
        .order_by(agent.c.journal_seq)
    ).all()
    carried: dict[UUID, set[str]] = {}
    for agent_id, device_id in connection.execute(select(device.c.agent_id, device.c.device_id)):
        carried.setdefault(agent_id, set()).add(device_id)
    return [
        AgentKept(row.id, row.name, row.station, row.token_digest, row.paired_at, frozenset(carried.get(row.id, ())))
        for row in rows
    ]


def agent_of(connection: Connection, digest: bytes) -> Paired | None:
    """Return the desk PC of a credential, or None."""
    row = connection.execute(select(agent.c.id, agent.c.name, agent.c.station).where(agent.c.token_digest == digest))
    found = row.first()
    return Paired(*found) if found else None
