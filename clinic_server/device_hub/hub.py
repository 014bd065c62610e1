"""Runs the site's devices and takes each event where it belongs: a desk's own station, or the cold chain's records."""

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import structlog

from clinic_server.device_hub.intake import Intake
from clinic_server.device_hub.translation import card_content, scan_content, spec_of
from clinic_server.device_hub.verdicts import Verdicts
from clinic_server.kit.call import Call, House
from clinic_server.kit.tx import Signal
from clinic_server.people.rules import CardFault
from clinic_server.settings import DeviceSettings
from clinic_server.stock.scans import ScanFault
from devices.events import (
    BarcodeScanned,
    CardRead,
    CardUnreadable,
    DeviceEvent,
    DeviceState,
    DeviceStateChanged,
    PayloadRejected,
    TemperatureMeasured,
)
from devices.links import public_url
from devices.supervisor import DeviceStatus, Supervisor
from devices.words import DeviceWord, Verdict

DEVICES: Final = "devices"  # the topic of the page that lists them
_NO_LINE: Final = 0  # what devices say is no journal line
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeviceShown:
    """A device as people see it; the address is without its password."""

    device_id: str
    kind: str
    address: str
    station: str | None
    is_simulated: bool
    state: DeviceState
    detail: str
    since_at: datetime
    last_event_at: datetime | None


class DeviceHub:
    """The devices of this site, between ``async with``."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._devices = _by_id(house.settings.devices)
        self._intake = Intake(house.db)
        zone = house.settings.site.time_zone
        specs = [spec_of(device, zone) for device in self._devices.values()]
        self._supervisor = Supervisor(specs, self._receive, utc_now=house.db.clock.now)
        self._verdicts = Verdicts(self.tell)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            await starting.enter_async_context(self._intake)  # left last: what the devices said is stored first
            await starting.enter_async_context(self._supervisor)
            await starting.enter_async_context(self._verdicts)
            starting.enter_context(self._house.inbox.judged_to(self._verdicts.hear))
            self._running = starting.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    def shown(self) -> tuple[DeviceShown, ...]:
        """Return every device as it stands now."""
        return tuple(self._shown(status) for status in self._supervisor.states())

    def at_station(self, station: str, kind: str) -> tuple[str, ...]:
        """Return the ids of a station's own devices of a kind, in the order they were set up."""
        return tuple(one.device_id for one in self._devices.values() if (one.station, one.kind) == (station, kind))

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """Tell a device something without waiting for it; False when it has no use for it or is not known."""
        if device_id not in self._devices:
            return False
        return await self._supervisor.tell(device_id, word)

    async def _receive(self, event: DeviceEvent) -> None:
        match event:
            case TemperatureMeasured() | PayloadRejected():
                self._intake.take(event)
            case CardRead():
                self._give_to_station(event.device_id, "card", card_content(event.card))
            case CardUnreadable():
                _log.warning("card_unreadable", device=event.device_id, reason=event.reason)
                self._give_to_station(event.device_id, "card", CardFault("card_unreadable"))
            case BarcodeScanned():
                self._give_to_station(event.device_id, "scan", scan_content(event.text, event.symbology))
            case DeviceStateChanged():
                _log.info("device_state", device=event.device_id, state=event.state.value, detail=event.detail)
                self._signal(DEVICES)

    def _give_to_station(self, device_id: str, kind: str, content: Any) -> None:
        """Put something perishable into the inbox of the device's own station, over whatever lay there."""
        station = self._devices[device_id].station
        if station is None:
            _log.warning("device_has_no_station", device=device_id)
            self._verdicts.say(device_id, Verdict.BAD)
            return
        delivery = self._house.inbox.put(station, kind, content, device_id)
        self._signal(f"station-{station}")
        if isinstance(content, ScanFault):  # no desk can use it: whoever scanned hears so at once
            self._house.inbox.judge(station, delivery.id, accepted=False)

    def _signal(self, topic: str) -> None:
        self._house.db.broadcaster.publish([Signal(_NO_LINE, frozenset({topic}))])

    def _shown(self, status: DeviceStatus) -> DeviceShown:
        spec = status.spec
        return DeviceShown(
            device_id=spec.device_id,
            kind=spec.kind,
            address=_address_of(spec.url),
            station=self._devices[spec.device_id].station,
            is_simulated=spec.simulated,
            state=status.state,
            detail=status.detail,
            since_at=status.since,
            last_event_at=status.last_event_at,
        )


def _address_of(url: str) -> str:
    try:
        return public_url(url)
    except ValueError:  # not even a URL: it may hold a password where none can be found
        return ""


def _by_id(devices: Iterable[DeviceSettings]) -> Mapping[str, DeviceSettings]:
    """Return the devices by their ids; of two with one id the first is the device."""
    known: dict[str, DeviceSettings] = {}
    for device in devices:
        if known.setdefault(device.device_id, device) is not device:
            _log.error("device_id_taken", device=device.device_id)
    return known


def hub_of(call: Call) -> DeviceHub:
    """Return the running hub."""
    hub: DeviceHub = call.request.app.state.device_hub
    return hub
