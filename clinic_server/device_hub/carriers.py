"""The machines devices hang on: this server, and every desk's PC behind one and the same protocol."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Final, Protocol, Self
from uuid import UUID

import structlog

from clinic_server.device_hub.simulation import Simulation
from devices.finding import UNKNOWN, Found
from devices.supervisor import Deliver, DeviceSpec, DeviceStatus, Supervisor
from devices.words import DeviceWord

FINDING_WITHIN_S: Final = 8.0
_log = structlog.get_logger(__name__)

Find = Callable[[Collection[str], str | None], Awaitable[Sequence[Found]]]


@dataclass(frozen=True, slots=True)
class SiteDevice:
    """A device of this site: what it is, whose it is, on which machine it hangs, and where it is written down."""

    spec: DeviceSpec
    station: str | None
    agent_id: UUID | None = None
    machine: str = ""
    is_configured: bool = False


@dataclass(frozen=True, slots=True)
class FoundAt:
    """Something found on a machine; ``machine`` is its name, empty for this server."""

    found: Found = field(repr=False)
    agent_id: UUID | None = None
    machine: str = ""
    station: str | None = None

    def kind_or(self, said: str) -> str:
        """Return what it is, or what a person says it is where nothing tells it."""
        return said if self.found.kind == UNKNOWN else self.found.kind


class Carrier(Protocol):
    """A machine, or all desk PCs together: what the hub asks of whatever devices hang on."""

    def states(self) -> Iterable[DeviceStatus]:
        """Return how each device is that this carrier was given."""

    async def attend(self, device: SiteDevice) -> None:
        """Begin to attend a device."""

    async def leave(self, device: SiteDevice) -> None:
        """Stop attending a device and let go of its port."""

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """Tell a device something without waiting for it; False when it has no use for it. KeyError: not here."""

    def retry_now(self, device_id: str) -> None:
        """Connect again at once instead of waiting. KeyError: not here."""

    async def found(self) -> Sequence[FoundAt]:
        """Look for what is plugged in and not set up; never asks anything of a device in use."""


class NoDesks:
    """A site whose devices all hang on the server."""

    def states(self) -> Iterable[DeviceStatus]:
        """See Carrier."""
        return ()

    async def attend(self, device: SiteDevice) -> None:
        """See Carrier: nobody is there to do it."""
        _log.warning("desk_pc_unknown", device=device.spec.device_id)

    async def leave(self, device: SiteDevice) -> None:
        """See Carrier."""

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """See Carrier."""
        raise KeyError(device_id, type(word))

    def retry_now(self, device_id: str) -> None:
        """See Carrier."""
        raise KeyError(device_id)

    async def found(self) -> Sequence[FoundAt]:
        """See Carrier."""
        return ()


class ThisMachine:
    """The server itself as a carrier, between ``async with``; simulated devices run in its process."""

    def __init__(self, deliver: Deliver, utc_now: Callable[[], datetime], find: Find) -> None:
        self._supervisor = Supervisor((), deliver, utc_now=utc_now)
        self._find = find
        self.simulation = Simulation()

    async def __aenter__(self) -> Self:
        await self._supervisor.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._supervisor.stop()
        self.simulation.stop_all()

    def states(self) -> Iterable[DeviceStatus]:
        """See Carrier."""
        return self._supervisor.states()

    async def attend(self, device: SiteDevice) -> None:
        """See Carrier."""
        self.simulation.start(device.spec)
        self._supervisor.add(device.spec)

    async def leave(self, device: SiteDevice) -> None:
        """See Carrier."""
        await self._supervisor.remove(device.spec.device_id)
        self.simulation.stop(device.spec.device_id)

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """See Carrier."""
        return await self._supervisor.tell(device_id, word)

    def retry_now(self, device_id: str) -> None:
        """See Carrier."""
        self._supervisor.retry_now(device_id)

    async def found(self) -> Sequence[FoundAt]:
        """See Carrier; a finder that hangs or fails costs the page nothing but its finds."""
        specs = [status.spec for status in self.states()]
        in_use = {spec.url for spec in specs}
        broker = next((spec.url for spec in specs if spec.url.startswith("mqtt")), None)
        seen: Sequence[Found] = ()
        with suppress(TimeoutError):
            async with asyncio.timeout(FINDING_WITHIN_S):
                seen = await self._looked(in_use, broker)
        return [FoundAt(one) for one in seen]

    async def _looked(self, in_use: Collection[str], broker: str | None) -> Sequence[Found]:
        try:
            return await self._find(in_use, broker)
        except Exception as error:  # noqa: BLE001  # whatever a finder meets, the page goes on
            _log.warning("finding_failed", kind=type(error).__name__)
            return ()
