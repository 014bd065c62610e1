"""How a desk PC stands: one value that its parts write, its screen shows and its health tells."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devices.agent.messages import DeviceReport, SpoolTrouble
from devices.attendance import DeviceStatus
from devices.finding import Found


@dataclass(slots=True)
class Standing:
    """State of the running agent; lives on the event loop. `news` is set by whoever changes what people see."""

    server: str
    name: str
    station: str
    is_reached: bool = False
    reached_since: datetime | None = None
    reason: str = "connecting"
    server_run: str = ""
    heard_seq: int = 0
    recorded: str = ""
    spool_depth: int = 0
    spool_trouble: SpoolTrouble = SpoolTrouble.NONE
    dropped: int = 0
    refused: int = 0
    lost: int = 0
    clock_offset_ms: int = 0
    devices: tuple[DeviceReport, ...] = ()
    found: tuple[Found, ...] = ()
    news: asyncio.Event = field(default_factory=asyncio.Event)
    server_is_back: asyncio.Event = field(default_factory=asyncio.Event)

    def reached(self, now: datetime) -> None:
        """Note that the server answered."""
        if not self.is_reached:
            self.is_reached, self.reached_since, self.reason = True, now, ""
            self.server_is_back.set()
            self.news.set()

    def away(self, reason: str, now: datetime) -> None:
        """Note that it did not, and why."""
        if self.is_reached or self.reason != reason:
            self.reached_since = now if self.is_reached else self.reached_since
            self.is_reached, self.reason = False, reason
            self.server_is_back.clear()
            self.news.set()

    def drop(self) -> None:
        """Count a card or scan that comes to nothing."""
        self.dropped += 1
        self.news.set()

    def shown(self) -> dict[str, Any]:
        """Return what a person or a script may see; no address of a device is in it, it may hold a password."""
        return {
            "server": self.server,
            "name": self.name,
            "station": self.station,
            "is_reached": self.is_reached,
            "since": self.reached_since,
            "reason": self.reason,
            "clock_offset_ms": self.clock_offset_ms,
            "spool_depth": self.spool_depth,
            "spool_trouble": self.spool_trouble,
            "dropped": self.dropped,
            "refused": self.refused,
            "lost": self.lost,
            "devices": [
                {"device_id": one.device_id, "state": one.state, "detail": one.detail, "since": one.since}
                for one in self.devices
            ],
            "found": [{"kind": one.kind, "label": one.label, "simulated": one.is_simulated} for one in self.found],
        }


def report_of(status: DeviceStatus) -> DeviceReport:
    """Return how a device stands, as it is told to the server."""
    return DeviceReport(
        device_id=status.spec.device_id,
        state=status.state,
        detail=status.detail,
        since=status.since,
        last_event_at=status.last_event_at,
        described=status.described,
    )
