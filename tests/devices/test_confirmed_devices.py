"""Devices confirmed in the page: attended at once, tested without a desk noticing, on whatever machine they hang."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import pytest

from clinic_server.device_hub.actions import NewDevice, confirm_device, retire_device
from clinic_server.device_hub.carriers import FoundAt, SiteDevice
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.device_hub.rules import DeviceAway
from clinic_server.device_hub.tables import Agent
from clinic_server.device_hub.trials import Outcome, trial_slip
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.settings import DeviceSettings
from clinic_server.staff.actions import add_station
from clinic_server.staff.rules import StationKind
from devices.events import BarcodeScanned, DeviceState
from devices.finding import Found
from devices.links.memory_broker import MemoryBroker
from devices.supervisor import DeviceStatus
from devices.words import DeviceWord, Slip, Verdict
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import MemoryPlug, PtyPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.conftest import ManualClock
from tests.devices.hubs import NOBODY, START_S, connected, probes_of, reader_at, sending, stored, with_devices
from tests.devices.parts import eventually


async def test_a_device_is_attended_the_moment_it_is_confirmed_and_its_port_closed_when_it_is_retired(
    house: House,
) -> None:
    plug = PtyPlug("late-reader")
    reader = IdCardReaderStub(plug)
    await house.db.write(lambda tx: add_station(tx, "desk-1", StationKind.REGISTRATION), NOBODY)
    new = NewDevice(kind="id_card_reader", address=plug.url, station="desk-1")
    with plug:
        async with DeviceHub(house) as hub:
            await house.db.write(lambda tx: confirm_device(tx, new), NOBODY)
            await eventually(lambda: len(hub.shown()) == 1, "it is attended")
            await connected(hub)
            reader.lay(synthetic_resident(1))
            await eventually(lambda: house.inbox.latest("desk-1", "card"), "its card reaches the desk")
            held = _opened(plug.path)
            assert held == 1
            await house.db.write(lambda tx: retire_device(tx, "desk-1-reader"), NOBODY)
            await eventually(lambda: hub.shown() == (), "it is left")
            await eventually(lambda: _opened(plug.path) == 0, "its port is closed")
            assert await hub.tell("desk-1-reader", Verdict.GOOD) is False


def _opened(path: str) -> int:
    """Return how many descriptors this process holds on a terminal that was opened by its own name."""
    terminal = str(Path(path).resolve())
    links = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return sum(str(entry.readlink()) == terminal for entry in links) - 1  # the stub holds its own side open


async def test_a_confirmed_device_is_attended_after_a_restart(house: House) -> None:
    plug = MemoryPlug("kept-scanner")
    BarcodeScannerStub(plug)
    new = NewDevice(kind="barcode_scanner", address=plug.url, device_id="kept")
    with plug:
        async with DeviceHub(house):
            await house.db.write(lambda tx: confirm_device(tx, new), NOBODY)
        async with DeviceHub(house) as hub:
            await connected(hub)
            assert [one.device_id for one in hub.shown()] == ["kept"]


async def test_a_device_under_test_keeps_what_it_reads_from_the_desk_once(house: House) -> None:
    plug = MemoryPlug("tested-reader")
    reader = IdCardReaderStub(plug)
    house = with_devices(house, reader_at("desk-1", plug.url))
    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            await hub.begin_trial("reader-desk-1", Slip(()))
            reader.lay(synthetic_resident(1))
            await eventually(lambda: _outcome(hub, "reader-desk-1") == "card_read", "the test shows the card")
            assert house.inbox.latest("desk-1", "card") is None
            reader.lay(synthetic_resident(2))
            await eventually(lambda: house.inbox.latest("desk-1", "card"), "the next card is the desk's")


async def test_a_scanner_under_test_sounds_its_good_tone(house: House) -> None:
    plug = MemoryPlug("tested-scanner")
    scanner = BarcodeScannerStub(plug)
    options = {"make": "honeywell"}
    device = DeviceSettings(device_id="s", kind="barcode_scanner", url=plug.url, station="bench-1", options=options)
    house = with_devices(house, device)
    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            await hub.begin_trial("s", Slip(()))
            scanner.scan("81234567890123456789", "]C1")
            await eventually(lambda: scanner.heard == b"0\x1b7,", "the good tone is sent")
            assert _outcome(hub, "s") == "scanned"
            assert house.inbox.latest("bench-1", "scan") is None


async def test_a_printer_under_test_prints_a_slip_and_says_so(house: House) -> None:
    plug = MemoryPlug("tested-printer")
    printer = ReceiptPrinterStub(plug)
    house = with_devices(house, DeviceSettings(device_id="p", kind="receipt_printer", url=plug.url))
    with plug:
        async with DeviceHub(house) as hub:
            await connected(hub)
            await hub.begin_trial("p", trial_slip("示范接种点", "p", "09:00"))
            await eventually(lambda: _outcome(hub, "p") == "slip_printed", "the slip is printed")
    assert "示范接种点" in "".join(printer.printouts[0].lines)


async def test_a_probe_under_test_shows_its_last_temperature_and_stores_every_reading(
    house: House, probe_name: str
) -> None:
    broker = MemoryBroker(probe_name)
    broker.start()
    house = with_devices(house, probes_of(broker.url, probe_name))
    device_id = f"at-{probe_name}"
    async with DeviceHub(house) as hub, sending(broker.url, probe_name) as probe:
        await connected(hub)
        await hub.begin_trial(device_id, Slip(()))
        assert _outcome(hub, device_id) == ""
        probe.measure(4_200, unix_s=START_S)
        await eventually(lambda: _outcome(hub, device_id) == "measured", "the reading is shown")
        await stored(house, 0)
        trial = await hub.begin_trial(device_id, Slip(()))
        assert trial.outcome == Outcome("measured", {"probe": probe_name, "celsius": "4.2", "age_s": 0})
        assert [(part.part, part.milli_celsius) for part in hub.shown()[0].parts] == [(probe_name, 4_200)]
    broker.stop()


def _outcome(hub: DeviceHub, device_id: str) -> str:
    trial = hub.trial_of(device_id)
    return trial.outcome.code if trial and trial.outcome else ""


async def test_what_a_finder_sees_is_offered_until_it_is_set_up_and_a_port_in_use_is_named_to_it(house: House) -> None:
    asked: list[tuple[set[str], str | None]] = []

    async def finder(in_use: Collection[str], broker_url: str | None) -> list[Found]:
        asked.append((set(in_use), broker_url))
        stray = Found("barcode_scanner", own, "")
        return [Found("id_card_reader", "serial:///dev/ttyUSB7", "CH340", identity="SAM-1"), stray]

    own, broker = "memory://attended", "mqtt://clinic:secret@127.0.0.1:1"
    devices = [DeviceSettings(device_id="s", kind="barcode_scanner", url=own)]
    devices += [DeviceSettings(device_id="p", kind="fridge_probe", url=broker)]
    async with DeviceHub(with_devices(house, *devices), find=finder) as hub:
        await hub.look()
        real = [one for one in hub.found() if not one.is_simulated]
        assert asked == [({own, broker}, broker)]
        assert [(one.kind, one.title, one.identity) for one in real] == [("id_card_reader", "CH340", "SAM-1")]
        at = hub.found_as(real[0].found)
        new = NewDevice(kind=at.found.kind, address=at.found.url)
        await house.db.write(lambda tx: confirm_device(tx, new, hub.configured), NOBODY)
        await eventually(lambda: len(hub.shown()) == 3, "it is set up")
        assert [one for one in hub.found() if not one.is_simulated] == []


@pytest.mark.parametrize(
    ("attended", "offered"),
    [
        ({}, ["shelly"]),
        ({"probe": "p1"}, ["p2", "shelly"]),
        ({"dialects": "own,shelly"}, []),
        ({"dialects": "shelly"}, ["p1", "p2"]),
    ],
    ids=["every probe of our own", "one probe", "two dialects", "another dialect"],
)
async def test_a_probe_is_offered_unless_a_subscription_of_its_broker_hears_it(
    house: House, attended: dict[str, str], offered: list[str]
) -> None:
    broker = "mqtt://127.0.0.1:1"
    spoken = {"p1": "own", "p2": "own", "shelly": "shelly"}

    async def finder(_in_use: Collection[str], broker_url: str | None) -> list[Found]:
        assert broker_url == broker
        heard = [(probe, {"probe": probe, "dialects": dialect}) for probe, dialect in spoken.items()]
        return [Found("fridge_probe", broker, probe, probe, options=options) for probe, options in heard]

    house = with_devices(house, DeviceSettings(device_id="p", kind="fridge_probe", url=broker, options=attended))
    async with DeviceHub(house, find=finder) as hub:
        await hub.look()
        assert [one.title for one in hub.found() if not one.is_simulated] == offered


async def test_a_finder_that_fails_costs_nothing_but_its_finds(house: House) -> None:
    async def finder(_in_use: Collection[str], _broker_url: str | None) -> list[Found]:
        raise OSError

    async with DeviceHub(house, find=finder) as hub:
        await hub.look()
        assert hub.found() == ()


class OneDesk:
    """The smallest carrier: a desk PC that attends nothing itself and remembers what it was told."""

    def __init__(self) -> None:
        self.attended: dict[str, SiteDevice] = {}
        self.told: list[tuple[str, DeviceWord]] = []

    def states(self) -> list[DeviceStatus]:
        at = ManualClock().now()
        return [DeviceStatus(one.spec, DeviceState.ONLINE, "", at) for one in self.attended.values()]

    async def attend(self, device: SiteDevice) -> None:
        self.attended[device.spec.device_id] = device

    async def leave(self, device: SiteDevice) -> None:
        del self.attended[device.spec.device_id]

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        self.told.append((device_id, word))
        return True

    def retry_now(self, device_id: str) -> None:
        self.attended[device_id]

    async def found(self) -> list[FoundAt]:
        found = Found("id_card_reader", "serial:///COM3", "COM3")
        return [FoundAt(found, agent_id=None, machine="pc-1", station="desk-1")]


def pair(tx: Tx) -> UUID:
    add_station(tx, "desk-1", StationKind.REGISTRATION)
    agent_id = tx.append(Agent, name="pc-1", station="desk-1", token_digest=b"d" * 32, paired_at=tx.now)
    tx.journal("agent_paired", agent_id)
    return agent_id


async def test_a_device_of_a_desk_pc_is_given_to_its_carrier_and_heard_through_it(house: House) -> None:
    desk = OneDesk()

    agent_id = await house.db.write(pair, NOBODY)
    new = NewDevice("barcode_scanner", "serial:///COM3", device_id="s", station="desk-1", agent_id=agent_id)
    async with DeviceHub(house, desks=desk) as hub:
        await house.db.write(lambda tx: confirm_device(tx, new), NOBODY)
        await eventually(hub.shown, "the desk attends it")
        assert [(one.device_id, one.machine) for one in hub.shown()] == [("s", "pc-1")]
        assert await hub.tell("s", Verdict.GOOD) is True
        assert desk.told == [("s", Verdict.GOOD)]
        await hub.receive(BarcodeScanned("s", "0123456789", None))
        assert house.inbox.latest("desk-1", "scan") is not None
        await hub.look()
        assert "pc-1" in {one.machine for one in hub.found()}
        await house.db.write(lambda tx: retire_device(tx, "s"), NOBODY)
        await eventually(lambda: not desk.attended, "the desk leaves it")


async def test_a_device_of_a_desk_pc_that_nobody_knows_is_shown_and_can_be_retired(house: House) -> None:
    agent_id = await house.db.write(pair, NOBODY)
    new = NewDevice("barcode_scanner", "serial:///COM3", device_id="s", station="desk-1", agent_id=agent_id)
    async with DeviceHub(house) as hub:
        await house.db.write(lambda tx: confirm_device(tx, new), NOBODY)
        await eventually(hub.shown, "it is shown")
        assert [(one.state, one.detail) for one in hub.shown()] == [(DeviceState.OFFLINE, "not_attended")]
        assert await hub.tell("s", Verdict.GOOD) is False
        hub.retry_now("s")
        with pytest.raises(DeviceAway):
            await hub.begin_trial("s", Slip(()))
        await house.db.write(lambda tx: retire_device(tx, "s"), NOBODY)
        await eventually(lambda: hub.shown() == (), "it is gone")
