"""Runs the site's devices and takes each event where it belongs: a desk's own station, or the cold chain's records."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Final, Self

import structlog

from clinic_server.device_hub.actions import DEVICES_RECORDED
from clinic_server.device_hub.carriers import Carrier, Find, FoundAt, NoDesks, SiteDevice, ThisMachine
from clinic_server.device_hub.intake import Intake
from clinic_server.device_hub.lookup import StoredDevice, stored_devices
from clinic_server.device_hub.overlap import is_attended
from clinic_server.device_hub.roster import Roster
from clinic_server.device_hub.rules import (
    TRIALS,
    DeedUnknown,
    DeviceAway,
    DeviceHasNoTrial,
    DeviceUnknown,
    FoundDeviceGone,
    TrialKind,
)
from clinic_server.device_hub.scanned import read_by_scanner
from clinic_server.device_hub.shown import DeviceShown, FoundShown, Heard, device_shown, found_key, found_shown
from clinic_server.device_hub.slips.rules import RECEIPT_PRINTER, Printer
from clinic_server.device_hub.translation import card_content, card_fault
from clinic_server.device_hub.trials import TRIAL_S, Outcome, Trial, Trials, measured
from clinic_server.device_hub.verdicts import Verdicts
from clinic_server.kit.broadcast import Subscription
from clinic_server.kit.call import Call, House
from clinic_server.kit.idempotency import RequestKey
from clinic_server.kit.tx import Signal
from clinic_server.stock.scans import ScanFault
from devices.events import (
    BarcodeScanned,
    CardRead,
    CardUnreadable,
    DeviceDescribed,
    DeviceEvent,
    DeviceState,
    DeviceStateChanged,
    PayloadRejected,
    Receipted,
    SlipFailed,
    SlipPrinted,
    SupplyTold,
    TemperatureMeasured,
)
from devices.finding.here import find_here
from devices.supervisor import DeviceStatus
from devices.words import DeviceWord, PrintSlip, Slip, Verdict

DEVICES: Final = "devices"  # the topic of the page that lists them
_NO_LINE: Final = 0  # what devices say is no journal line
_LONGEST_WAIT_S: Final = 3600.0  # nothing is missed; this only bounds the waiting for records
_LOOK_HOLDS_S: Final = 1.0
_log = structlog.get_logger(__name__)


class DeviceHub:
    """The devices of this site, between ``async with``; ``desks`` carries those that hang on desk PCs."""

    def __init__(self, house: House, *, find: Find = find_here, desks: Carrier | None = None) -> None:
        self._house = house
        self._roster = Roster(house.settings)
        self._devices: Mapping[str, SiteDevice] = {}
        self._intake = Intake(house.db)
        self._here = ThisMachine(self.receive, house.db.clock.now, find)
        self._desks = desks or NoDesks()
        self._finds: Mapping[str, FoundAt] = {}
        self._heard: dict[str, dict[str, Heard]] = {}
        self._trials = Trials(house.db.clock.monotonic)
        self._looked_at_s = -math.inf
        self._looking, self._catching_up = asyncio.Lock(), asyncio.Lock()
        self._slip_told: Callable[[SlipPrinted | SlipFailed], None] = lambda _: None
        self._opened_at = house.db.clock.now()
        self._verdicts = Verdicts(self.tell)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            await starting.enter_async_context(self._intake)  # left last: what the devices said is stored first
            await starting.enter_async_context(self._here)
            await starting.enter_async_context(self._verdicts)
            starting.enter_context(self._house.inbox.judged_to(self._verdicts.hear))
            records = starting.enter_context(self._house.db.broadcaster.open(frozenset({DEVICES_RECORDED})))
            await self.catch_up()
            following = asyncio.create_task(self._follow(records), name="devices recorded")
            starting.push_async_callback(_ended, following)
            self._running = starting.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    def is_alive(self) -> bool:
        """Tell whether the way from the probes to the records is open."""
        return self._intake.is_alive()

    @property
    def configured(self) -> Sequence[StoredDevice]:
        """The devices of the settings file, which no action may touch."""
        return self._roster.configured

    @property
    def displaced(self) -> frozenset[str]:
        """The ids of confirmed devices that are not attended because the settings file uses their id."""
        return self._roster.displaced

    def shown(self) -> tuple[DeviceShown, ...]:
        """Return every device as it stands now, in the order they were set up."""
        states = {status.spec.device_id: status for status in (*self._here.states(), *self._desks.states())}
        return tuple(
            device_shown(device, states.get(device_id) or self._unattended(device), self._heard.get(device_id, {}))
            for device_id, device in self._devices.items()
        )

    def at_station(self, station: str, kind: str) -> tuple[str, ...]:
        """Return the ids of a station's own devices of a kind, in the order they were set up."""
        return tuple(
            device_id for device_id, one in self._devices.items() if (one.station, one.spec.kind) == (station, kind)
        )

    def kind_of(self, device_id: str) -> str:
        """Return a device's kind, or raise DeviceUnknown."""
        return self._device(device_id).spec.kind

    def printers(self) -> tuple[Printer, ...]:
        """Return the site's receipt printers in the order they were set up."""
        return tuple(
            Printer(one.spec.device_id, one.station, one.spec.options)
            for one in self._devices.values()
            if one.spec.kind == RECEIPT_PRINTER
        )

    def watch_slips(self, told: Callable[[SlipPrinted | SlipFailed], None]) -> None:
        """Have what printers say of their slips told to this one listener."""
        self._slip_told = told

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """Tell a device something without waiting for it; False when it has no use for it or is not known."""
        device = self._devices.get(device_id)
        if device is None:
            return False
        with suppress(KeyError):  # known, and not handed to its machine yet
            return await self._carrier_of(device).tell(device_id, word)
        return False

    def retry_now(self, device_id: str) -> None:
        """Connect again at once, or raise DeviceUnknown."""
        device = self._device(device_id)
        with suppress(KeyError):  # nobody attends it: there is nobody to hurry
            self._carrier_of(device).retry_now(device_id)

    async def look(self) -> None:
        """Look on every machine for what is plugged in and not set up, once for all who ask within a second."""
        now_s = asyncio.get_running_loop().time
        async with self._looking:
            if now_s() - self._looked_at_s < _LOOK_HOLDS_S:
                return
            seen = await asyncio.gather(self._here.found(), self._desks.found())
            finds = {found_key(one): one for carried in seen for one in carried}
            if finds.keys() != self._finds.keys():
                self._signal(DEVICES)
            self._finds, self._looked_at_s = finds, now_s()

    def found(self) -> tuple[FoundShown, ...]:
        """Return what the last look saw and nobody confirmed since."""
        devices = self._devices.values()
        return tuple(found_shown(one) for one in self._finds.values() if not is_attended(one, devices))

    def found_as(self, key: str) -> FoundAt:
        """Return one of the finds of the last look, or raise FoundDeviceGone."""
        if (one := self._finds.get(key)) is None:
            raise FoundDeviceGone
        return one

    async def find(self, key: str) -> FoundAt:
        """Return one of the finds, after another look if the last one did not see it; or raise FoundDeviceGone."""
        if key not in self._finds:
            await self.look()
        return self.found_as(key)

    def deeds(self, device_id: str) -> tuple[str, ...]:
        """Return what can be done with a simulated device of this process; nothing with any other."""
        return self._here.simulation.deeds(device_id)

    def do(self, device_id: str, deed: str) -> None:
        """Do something with a simulated device and look at once what it changed; or raise DeedUnknown."""
        try:
            self._here.simulation.do(self._device(device_id).spec.device_id, deed)
        except KeyError:
            raise DeedUnknown from None
        self.retry_now(device_id)  # no port of this machine tells that it was plugged in again

    def trial_of(self, device_id: str) -> Trial | None:
        """Return the test of a device that runs or has just run."""
        return self._trials.of(device_id)

    def is_kept_from_its_desk(self, device_id: str) -> bool:
        """Tell whether what a device reads now goes to whoever tests it."""
        trial = self._trials.running(device_id)
        return trial is not None and trial.kind in {TrialKind.CARD, TrialKind.SCAN}

    async def begin_trial(self, device_id: str, slip: Slip) -> Trial:
        """Begin to test a device; ``slip`` is what a printer prints. Raises DeviceHasNoTrial, DeviceAway."""
        kind = TRIALS.get(self.kind_of(device_id))
        if kind is None:
            raise DeviceHasNoTrial
        if not any(one.device_id == device_id and one.state is DeviceState.ONLINE for one in self.shown()):
            raise DeviceAway
        trial = self._trials.begin(device_id, kind)
        if kind is TrialKind.TEMPERATURE:
            self._recall_temperature(device_id)
        if kind is TrialKind.SLIP and not await self.tell(device_id, PrintSlip(trial.trial_id, slip)):
            self._trials.settle(device_id, Outcome("slip_not_taken"))
        # When its time is over the page is told so, which nobody else would do.
        asyncio.get_running_loop().call_later(TRIAL_S, self._tell_watchers, device_id)
        self._tell_watchers(device_id)
        return self._trials.of(device_id) or trial

    async def catch_up(self) -> None:
        """Attend what was confirmed since, and leave what was retired."""
        async with self._catching_up:
            keyring = self._house.db.keyring
            stored = await self._house.db.read(lambda connection: stored_devices(connection, keyring))
            wanted, attended = self._roster.devices(stored), self._devices
            self._devices, self._looked_at_s = wanted, -math.inf
            for device_id in attended.keys() - wanted.keys():
                await self._hand(attended[device_id], self._carrier_of(attended[device_id]).leave)
                self._heard.pop(device_id, None)
            for device_id in (one for one in wanted if one not in attended):
                await self._hand(wanted[device_id], self._carrier_of(wanted[device_id]).attend)
            self._signal(DEVICES, *(f"{DEVICES}-{one.station}" for one in attended.values() if one.station))

    async def receive(self, event: DeviceEvent, key: RequestKey | None = None) -> None:
        """Take what a device said, on whatever machine it hangs; with a key, what cannot be decoded is kept once."""
        if not await self._belongs_to_a_trial(event):
            self._pass_on(event, key)

    def _pass_on(self, event: DeviceEvent, key: RequestKey | None) -> None:
        match event:
            case TemperatureMeasured() | SupplyTold() | PayloadRejected():
                self._note_temperature(event)
                self._intake.take(event, key)
            case CardRead():
                self._give_to_station(event.device_id, "card", card_content(event.card))
            case CardUnreadable():
                _log.warning("card_unreadable", device=event.device_id, reason=event.reason)
                self._give_to_station(event.device_id, "card", card_fault(event.reason))
            case BarcodeScanned():
                today = self._house.db.clock.now().date()
                kind, content = read_by_scanner(event.text, event.symbology, today)
                self._give_to_station(event.device_id, kind, content)
            case SlipPrinted() | SlipFailed():
                self._slip_told(event)
            case DeviceStateChanged():
                _log.info("device_state", device=event.device_id, state=event.state.value, detail=event.detail)
                self._tell_watchers(event.device_id)
            case DeviceDescribed():
                self._signal(DEVICES)

    async def _follow(self, records: Subscription) -> None:
        while True:
            with suppress(TimeoutError):
                if await records.next(_LONGEST_WAIT_S) is None:
                    return
            try:
                await self.catch_up()
            except Exception as error:  # noqa: BLE001  # the devices that are attended go on
                _log.error("devices_not_caught_up", kind=type(error).__name__)

    async def _hand(self, device: SiteDevice, hand: Callable[[SiteDevice], Awaitable[None]]) -> None:
        """Give a device to its machine or take it away; one that fails does not keep the others from theirs."""
        try:
            await hand(device)
        except Exception as error:  # noqa: BLE001  # whatever one machine meets
            _log.error("device_not_handed", device=device.spec.device_id, kind=type(error).__name__)

    async def _belongs_to_a_trial(self, event: DeviceEvent) -> bool:
        """Let an event answer a test; what must not be lost goes its way all the same."""
        if not self._trials.take(event):
            return False
        if isinstance(event, BarcodeScanned):
            await self.tell(event.device_id, Verdict.GOOD)
        self._tell_watchers(event.device_id)
        return not isinstance(event, Receipted)

    def _recall_temperature(self, device_id: str) -> None:
        if heard := self._heard.get(device_id):
            last = max(heard.values(), key=lambda one: one.at)
            age_s = max(0, int((self._house.db.clock.now() - last.at).total_seconds()))
            self._trials.settle(device_id, measured(last.event, age_s))

    def _note_temperature(self, event: Receipted) -> None:
        if isinstance(event, TemperatureMeasured):
            probes = self._heard.setdefault(event.device_id, {})
            probes[event.sample.probe_id] = Heard(event, self._house.db.clock.now())

    def _give_to_station(self, device_id: str, kind: str, content: Any) -> None:
        """Put something perishable into the inbox of the device's own station, over whatever lay there."""
        device = self._devices.get(device_id)
        if device is None or device.station is None:
            _log.warning("device_has_no_station", device=device_id)
            self._verdicts.say(device_id, Verdict.BAD)
            return
        delivery = self._house.inbox.put(device.station, kind, content, device_id)
        self._signal(f"station-{device.station}")
        if isinstance(content, ScanFault):  # no desk can use it: whoever scanned hears so at once
            self._house.inbox.judge(device.station, delivery.id, accepted=False)

    def _tell_watchers(self, device_id: str) -> None:
        """Let the devices page look again, and the pages of the device's own station."""
        device = self._devices.get(device_id)
        self._signal(DEVICES, *([f"{DEVICES}-{device.station}"] if device and device.station else []))

    def _signal(self, *topics: str) -> None:
        self._house.db.broadcaster.publish([Signal(_NO_LINE, frozenset(topics))])

    def _unattended(self, device: SiteDevice) -> DeviceStatus:
        """Return how a device is that no machine has taken on, such as one of a desk PC that is gone."""
        return DeviceStatus(device.spec, DeviceState.OFFLINE, "not_attended", self._opened_at)

    def _device(self, device_id: str) -> SiteDevice:
        if (device := self._devices.get(device_id)) is None:
            raise DeviceUnknown
        return device

    def _carrier_of(self, device: SiteDevice) -> Carrier:
        return self._here if device.agent_id is None else self._desks


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def hub_of(call: Call) -> DeviceHub:
    """Return the running hub."""
    hub: DeviceHub = call.request.app.state.device_hub
    return hub
