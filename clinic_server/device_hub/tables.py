"""The site's devices and the desk PCs whose agents carry them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary
from sqlmodel import Field

from clinic_server.kit.tables import Record, instant, sealed, table_of, text

MOST_OPTIONS: Final = 2000


class Agent(Record, table=True):
    """A desk PC whose agent was paired; of its credential only the digest is kept."""

    __tablename__ = "agent"

    name: str = text(40)
    station: str = text(32, foreign_key="station.code")
    token_digest: bytes = Field(sa_type=LargeBinary, unique=True)
    paired_at: datetime = instant()


class AgentEnded(Record, table=True):
    """An agent's credential counts no more."""

    __tablename__ = "agent_ended"

    agent_id: UUID = Field(foreign_key="agent.id", unique=True)
    ended_at: datetime = instant()


class Device(Record, table=True):
    """A device somebody confirmed; ``agent_id`` names the desk PC it hangs on, or nothing for the server itself.

    ``device_id`` is what events and the screens call it, and is never given again. The address may hold a password.
    """

    __tablename__ = "device"

    device_id: str = text(40, unique=True)
    kind: str = text(32)
    address_sealed: bytes = sealed()
    station: str | None = text(32, foreign_key="station.code", nullable=True, default=None)
    agent_id: UUID | None = Field(default=None, foreign_key="agent.id")
    is_simulated: bool
    options_json: str = text(MOST_OPTIONS)
    confirmed_at: datetime = instant()


class DeviceRetired(Record, table=True):
    """A device is not attended any more."""

    __tablename__ = "device_retired"

    device_record_id: UUID = Field(foreign_key="device.id", unique=True)
    retired_at: datetime = instant()


agent = table_of(Agent)
agent_ended = table_of(AgentEnded)
device = table_of(Device)
device_retired = table_of(DeviceRetired)
