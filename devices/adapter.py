"""What the supervisor and an adapter promise each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from devices.events import DeviceEvent
from devices.words import DeviceWord


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device as configured. The URL may hold a broker's password, so it stays out of the repr."""

    device_id: str
    kind: str
    url: str = field(repr=False)
    simulated: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


class Session(Protocol):
    """What the supervisor lends an adapter for one connection."""

    async def online(self, detail: str = "") -> None:
        """Say that the device itself has answered."""

    async def emit(self, event: DeviceEvent) -> None:
        """Hand an event over, in order; waits while the receiver is behind."""

    def utc_now(self) -> datetime:
        """Return the aware UTC time."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class Adapter(Protocol):
    """Joins a link and a wire. Built once per device, attended once per connection."""

    async def attend(self, session: Session) -> None:
        """Open the link and serve it until it is lost (DeviceError); the link is closed on every way out."""


@runtime_checkable
class Listener(Adapter, Protocol):
    """An adapter that can be told something; most cannot."""

    def hear(self, word: DeviceWord, now_s: float) -> bool:
        """Take a word and return at once; False when this device has no use for it. `now_s` is the monotonic clock."""
