"""One contract over adapters x links. A new device or a new link joins a table and must pass it all.

Nearly all of it is waiting, so the stubs of all columns are played with side by side.
`--bench-device KIND=URL` adds a column of real hardware; see README.md beside this file.
"""

import asyncio
import itertools
import statistics
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import uvloop

from devices.errors import LinkUnavailable
from devices.events import BarcodeScanned, CardRead, DeviceState, SlipPrinted, TemperatureMeasured
from devices.links import open_byte_link
from devices.registry import DEVICE_KINDS
from devices.supervisor import Supervisor
from devices.words import PrintSlip, Slip, Text
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.faults import Fault
from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.spoiling import SpoilingPublisher
from firmware_stubs.fridge_probe.stub import FridgeProbeStub
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import FilePlug, MemoryPlug, Plug, PtyPlug, TcpPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from firmware_stubs.smart_card.cards import SocialSecurityCard, synthetic_holder
from firmware_stubs.travel_document.documents import synthetic_passport
from firmware_stubs.travel_document.stub import TravelDocumentReaderStub
from tests.devices.bench import OnTheBench, bench_of
from tests.devices.brokers import BrokerPlug, MemoryBrokerPlug, MosquittoPlug
from tests.devices.contract import Device, DeviceBehindABroker
from tests.devices.parts import DEADLINE_S, Lossy, OneByteAtATime, Receiver, eventually
from tests.devices.slots import DeviceWithASlot, SlotPlug

A_DAYS_TIMES = 20  # a plug is pulled at the worst desk
FEW_TIMES = 4  # where nothing is plugged by hand
names = itertools.count()


def memory() -> Plug:
    return MemoryPlug(f"conformance-{next(names)}")


LINKS: dict[str, Callable[[Path], Plug]] = {
    "memory": lambda _: memory(),
    "one_byte_at_a_time": lambda _: OneByteAtATime(memory()),
    "lossy": lambda _: Lossy(memory()),
    "pty": lambda _: PtyPlug(),
    "file": lambda _: FilePlug(),
    "tcp": lambda _: TcpPlug(),
    "memory_broker": lambda _: MemoryBrokerPlug(f"conformance-{next(names)}"),
    "mosquitto": MosquittoPlug,
    "slot": lambda _: SlotPlug(f"conformance-{next(names)}"),
}
LINES = ("memory", "one_byte_at_a_time", "lossy", "pty", "file", "tcp")
BROKERS = ("memory_broker", "mosquitto")
SLOTS = ("slot",)  # the same through the real pcscd is test_smart_card.py
# Whatever is not named here hangs on a line of bytes.
LINKS_OF: dict[str, tuple[str, ...]] = {"fridge_probe": BROKERS, "smart_card_reader": SLOTS}


def a_scanner(plug: Plug) -> Device:
    """A code that did not come through is scanned again."""
    stub = BarcodeScannerStub(plug)
    return Device(
        kind="barcode_scanner",
        plug=plug,
        speak=lambda number: stub.scan(f"8{number:019d}", "]C0"),
        said=lambda event: (
            int(event.text[1:]) if isinstance(event, BarcodeScanned) and event.text[1:].isdecimal() else None
        ),
    )


def an_id_card_reader(plug: Plug) -> Device:
    """A card that was not read is laid down again."""
    stub = IdCardReaderStub(plug)
    numbers = {synthetic_resident(number).number: number for number in range(10)}
    return Device(
        kind="id_card_reader",
        plug=plug,
        speak=lambda number: stub.lay(synthetic_resident(number)),
        said=lambda event: numbers[event.card.number] if isinstance(event, CardRead) else None,
        spoil=partial(stub.break_next, command="2002"),
    )


def a_receipt_printer(plug: Plug) -> Device:
    """A slip nobody confirmed is ordered again, as another slip."""
    ReceiptPrinterStub(plug)
    return Device(
        kind="receipt_printer",
        plug=plug,
        options={"patience_s": "1"},
        word=lambda number, time: PrintSlip(f"{number}/{time}", Slip((Text(f"留观 {number}"),))),
        said=lambda event: int(event.job_id.partition("/")[0]) if isinstance(event, SlipPrinted) else None,
    )


def a_fridge_probe(plug: Plug) -> Device:
    """The probe repeats by itself whatever its broker did not confirm."""
    assert isinstance(plug, BrokerPlug)
    publisher = SpoilingPublisher(partial(publisher_for, plug.url, "fridge-1"), lambda abrupt: stub.stop(abrupt=abrupt))
    stub = FridgeProbeStub(publisher, "fridge-1")
    return DeviceBehindABroker(
        kind="fridge_probe",
        plug=plug,
        speak=lambda number: stub.measure(number * 1000, unix_s=1_770_000_000 + number) and None,
        said=lambda event: (
            (event.sample.milli_celsius or 0) // 1000 if isinstance(event, TemperatureMeasured) else None
        ),
        spoil=publisher.spoil_next,
        connect=stub.start,
        disconnect=stub.stop,
    )


def a_travel_document_reader(plug: Plug) -> Device:
    stub = TravelDocumentReaderStub(plug)
    return Device(
        kind="travel_document_reader",
        plug=plug,
        speak=lambda number: stub.show(synthetic_passport(number)),
        said=lambda event: int(event.card.number[1:]) if isinstance(event, CardRead) else None,
    )


def a_smart_card_reader(plug: Plug) -> Device:
    """A card that was not read is put in again."""
    assert isinstance(plug, SlotPlug)
    holders = {number: synthetic_holder(number, "CHN") for number in range(10)}
    numbers = {holder.number: number for number, holder in holders.items()}
    return DeviceWithASlot(
        kind="smart_card_reader",
        plug=plug,
        speak=lambda number: plug.reader.insert(SocialSecurityCard(holders[number])),
        said=lambda event: numbers[event.card.number] if isinstance(event, CardRead) else None,
        spoil=plug.reader.break_next,
    )


DEVICES: dict[str, Callable[[Plug], Device]] = {
    "barcode_scanner": a_scanner,
    "fridge_probe": a_fridge_probe,
    "id_card_reader": an_id_card_reader,
    "receipt_printer": a_receipt_printer,
    "smart_card_reader": a_smart_card_reader,
    "travel_document_reader": a_travel_document_reader,
}
COLUMNS = [(kind, link) for kind in DEVICES for link in LINKS_OF.get(kind, LINES)]


@dataclass(frozen=True)
class Column:
    """A stub on a link; every play has one of its own."""

    kind: str
    link: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.kind} on {self.link}"

    @contextmanager
    def plugged_in(self) -> Iterator[Device]:
        folder = self.folder / f"{self.kind}-{self.link}"
        folder.mkdir()
        device = DEVICES[self.kind](LINKS[self.link](folder))
        device.is_lossy = self.link == "lossy"
        with device.plugged_in():
            yield device


Columns = Sequence[Column | OnTheBench]
Play = Callable[[Device, Receiver], Awaitable[None]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what a person's hands can do on the bench's hardware too, one device at a time."""
    if "devices" in metafunc.fixturenames:
        bench = bench_of(metafunc.config)
        metafunc.parametrize("on_the_bench", [None, *bench.values()], ids=["stubs", *bench])


@pytest.fixture(name="stubs")
def _stubs(tmp_path: Path) -> Columns:
    """Devices to which things can be done that no person can do."""
    return [Column(kind, link, tmp_path) for kind, link in COLUMNS]


@pytest.fixture(name="clean")
def _clean(tmp_path: Path) -> Columns:
    """Stubs on links that lose nothing by themselves."""
    return [Column(kind, link, tmp_path) for kind, link in COLUMNS if link != "lossy"]


@pytest.fixture(name="devices")
def _devices(on_the_bench: OnTheBench | None, stubs: Columns) -> Columns:
    """All stubs, or one device on the bench."""
    return stubs if on_the_bench is None else [on_the_bench]


async def side_by_side(columns: Columns, play: Play) -> None:
    """Play the same with each device at once; the first that fails ends all, and its failure names it."""
    async with asyncio.TaskGroup() as plays:
        for column in columns:
            plays.create_task(_played(column, play))


async def _played(column: Column | OnTheBench, play: Play) -> None:
    try:
        with column.plugged_in() as device:
            await play(device, Receiver())
    except BaseException as failure:
        failure.add_note(f"with {column}")
        raise


async def test_a_message_is_told_and_the_next_one_too(devices: Columns) -> None:
    async def play(device: Device, receiver: Receiver) -> None:
        async with Supervisor([device.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            await device.says(1, receiver, supervisor)
            await device.says(2, receiver, supervisor)

    await side_by_side(devices, play)


async def test_garbage_then_a_message_yields_the_message(stubs: Columns) -> None:
    async def play(stub: Device, receiver: Receiver) -> None:
        async with Supervisor([stub.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            stub.plug.send(bytes(range(256)) + b"\xaa\xaa\xaa\x96\x69\x0f\xff\x00\r\n")
            await stub.says(1, receiver, supervisor)
            await stub.says(2, receiver, supervisor)

    await side_by_side(stubs, play)


@pytest.mark.parametrize("fault", Fault)
async def test_whatever_befalls_a_message_the_next_one_is_told(clean: Columns, fault: Fault) -> None:
    async def play(stub: Device, receiver: Receiver) -> None:
        async with Supervisor([stub.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            await stub.suffers(fault, receiver, supervisor)
            await stub.says(2, receiver, supervisor)

    await side_by_side(clean, play)


@pytest.mark.parametrize("abrupt", [False, True], ids=["graceful", "abrupt"])
async def test_unplugging_is_noticed_and_plugging_back_in_works_without_a_restart(
    devices: Columns, abrupt: bool
) -> None:
    async def play(device: Device, receiver: Receiver) -> None:
        async with Supervisor([device.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            await device.unplug(abrupt=abrupt)
            await receiver.next_state(DeviceState.OFFLINE)
            await device.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
            await device.says(3, receiver, supervisor)

    await side_by_side(devices, play)


async def test_a_device_unplugged_again_and_again_is_back_each_time_within_two_seconds(clean: Columns) -> None:
    async def play(stub: Device, receiver: Receiver) -> None:
        clock = Minutes()
        async with Supervisor([stub.spec], receiver.deliver, monotonic=clock) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            for _ in range(A_DAYS_TIMES if stub.plug.url.startswith("serial:") else FEW_TIMES):
                clock.pass_a_minute()  # it has worked for a while, so the wait before a new attempt is the shortest
                await stub.unplug(abrupt=False)
                await receiver.next_state(DeviceState.OFFLINE)
                await stub.plug_in()
                clock.note_plugged_in()
                await receiver.next_state(DeviceState.ONLINE)
                clock.note_back()
            await stub.says(7, receiver, supervisor)
        assert statistics.median(clock.away_s) < 2.0

    await side_by_side(clean, play)


class Minutes:
    """A monotonic clock that a test can let run ahead, and what took how long by the real one."""

    def __init__(self) -> None:
        self.away_s: list[float] = []
        self._real = asyncio.get_running_loop().time
        self._ahead_s = self._plugged_in_at = 0.0

    def __call__(self) -> float:
        return self._real() + self._ahead_s

    def pass_a_minute(self) -> None:
        self._ahead_s += 60.0

    def note_plugged_in(self) -> None:
        self._plugged_in_at = self._real()

    def note_back(self) -> None:
        self.away_s.append(self._real() - self._plugged_in_at)


async def test_stopping_closes_the_port(devices: Columns) -> None:
    async def play(device: Device, receiver: Receiver) -> None:
        async with Supervisor([device.spec], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
        await device.take_port()

    await side_by_side(devices, play)


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.2])
async def test_stopping_at_any_moment_closes_the_port(clean: Columns, after_s: float) -> None:
    async def play(stub: Device, receiver: Receiver) -> None:
        async with Supervisor([stub.spec], receiver.deliver):
            with suppress(TimeoutError):
                async with asyncio.timeout(after_s):
                    await receiver.next_state(DeviceState.OFFLINE)
        await stub.take_port(DEADLINE_S)  # an opening that is under way is closed once it is done

    await side_by_side(clean, play)


async def test_an_exception_in_the_receiver_does_not_stop_the_device(clean: Columns) -> None:
    async def play(stub: Device, receiver: Receiver) -> None:
        async with Supervisor([stub.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            receiver.failures_to_come = 1
            await stub.begins(4, supervisor)
            await eventually(lambda: receiver.failures_to_come == 0, "the receiver broke")
            await stub.says(5, receiver, supervisor)

    await side_by_side(clean, play)


@pytest.mark.parametrize("abrupt", [False, True], ids=["graceful", "abrupt"])
def test_the_same_holds_on_the_event_loop_the_server_uses(stubs: Columns, abrupt: bool) -> None:
    async def plug_and_unplug(stub: Device, receiver: Receiver) -> None:
        async with Supervisor([stub.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            await stub.unplug(abrupt=abrupt)
            await receiver.next_state(DeviceState.OFFLINE)
            await stub.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
            await stub.says(6, receiver, supervisor)

    uvloop.run(side_by_side(stubs, plug_and_unplug))


@pytest.mark.parametrize("make", [memory, PtyPlug, FilePlug], ids=["memory", "pty", "file"])
async def test_a_port_has_one_owner(make: Callable[[], Plug]) -> None:
    with make() as plug:
        async with await open_byte_link(plug.url):
            with pytest.raises(LinkUnavailable, match="port_taken"):
                await open_byte_link(plug.url)


def test_every_kind_of_device_keeps_the_contract() -> None:
    assert set(DEVICES) == set(DEVICE_KINDS)
    assert set(LINKS) == {link for _, link in COLUMNS}
