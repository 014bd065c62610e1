"""One contract over adapters x links. A new device or a new link joins a table and must pass it all."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import uvloop

from devices.adapter import DeviceSpec
from devices.errors import LinkUnavailable
from devices.events import BarcodeScanned, CardRead, DeviceEvent, DeviceState, SlipPrinted
from devices.links import open_byte_link
from devices.supervisor import Supervisor
from devices.words import DeviceWord, PrintSlip, Slip, Text
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import FilePlug, MemoryPlug, Plug, PtyPlug, TcpPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.devices.parts import OneByteAtATime, Receiver, eventually

names = itertools.count()


def memory() -> Plug:
    return MemoryPlug(f"conformance-{next(names)}")


LINKS: dict[str, Callable[[], Plug]] = {
    "memory": memory,
    "one_byte_at_a_time": lambda: OneByteAtATime(memory()),
    "pty": PtyPlug,
    "file": FilePlug,
    "tcp": TcpPlug,
}


@dataclass
class Device:
    """A stub on a plug, and how the contract makes it speak: by itself, or because it was told something."""

    kind: str
    plug: Plug
    said: Callable[[DeviceEvent], int | None]
    speak: Callable[[int], None] = lambda _: None
    word: Callable[[int], DeviceWord] | None = None

    @property
    def spec(self) -> DeviceSpec:
        return DeviceSpec("device-1", self.kind, self.plug.url, simulated=True)

    async def begins(self, number: int, supervisor: Supervisor) -> None:
        self.speak(number)
        if self.word is not None:
            assert await supervisor.tell("device-1", self.word(number))

    async def says(self, number: int, receiver: Receiver, supervisor: Supervisor) -> None:
        await self.begins(number, supervisor)
        await eventually(lambda: number in map(self.said, receiver.events), f"message {number} of {self.kind} is told")


def a_scanner(plug: Plug) -> Device:
    stub = BarcodeScannerStub(plug)
    return Device(
        kind="barcode_scanner",
        plug=plug,
        speak=lambda number: stub.scan(f"8{number:019d}", "]C0"),
        said=lambda event: int(event.text[1:]) if isinstance(event, BarcodeScanned) else None,
    )


def an_id_card_reader(plug: Plug) -> Device:
    stub = IdCardReaderStub(plug)
    numbers = {synthetic_resident(number).number: number for number in range(10)}
    return Device(
        kind="id_card_reader",
        plug=plug,
        speak=lambda number: stub.lay(synthetic_resident(number)),
        said=lambda event: numbers[event.card.number] if isinstance(event, CardRead) else None,
    )


def a_receipt_printer(plug: Plug) -> Device:
    ReceiptPrinterStub(plug)
    return Device(
        kind="receipt_printer",
        plug=plug,
        word=lambda number: PrintSlip(str(number), Slip((Text(f"留观 {number}"),))),
        said=lambda event: int(event.job_id) if isinstance(event, SlipPrinted) else None,
    )


DEVICES: dict[str, Callable[[Plug], Device]] = {
    "barcode_scanner": a_scanner,
    "id_card_reader": an_id_card_reader,
    "receipt_printer": a_receipt_printer,
}


@pytest.fixture(name="device", params=itertools.product(DEVICES, LINKS), ids="-".join)
def _device(request: pytest.FixtureRequest) -> Iterator[Device]:
    kind, link = request.param
    device = DEVICES[kind](LINKS[link]())
    with device.plug:
        yield device


async def test_garbage_then_a_message_yields_the_message(device: Device, receiver: Receiver) -> None:
    async with Supervisor([device.spec], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.ONLINE)
        device.plug.send(bytes(range(256)) + b"\xaa\xaa\xaa\x96\x69\x0f\xff\x00\r\n")
        await device.says(1, receiver, supervisor)
        await device.says(2, receiver, supervisor)


@pytest.mark.parametrize("abrupt", [False, True], ids=["graceful", "abrupt"])
async def test_unplugging_is_noticed_and_plugging_back_in_works_without_a_restart(
    device: Device, receiver: Receiver, abrupt: bool
) -> None:
    async with Supervisor([device.spec], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.ONLINE)
        device.plug.unplug(abrupt=abrupt)
        await receiver.next_state(DeviceState.OFFLINE)
        device.plug.plug_in()
        await receiver.next_state(DeviceState.ONLINE)
        await device.says(3, receiver, supervisor)


async def test_stopping_closes_the_port(device: Device, receiver: Receiver) -> None:
    async with Supervisor([device.spec], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
    async with await open_byte_link(device.spec.url) as link:
        await link.write(b"the port is free again")


async def test_an_exception_in_the_receiver_does_not_stop_the_device(device: Device, receiver: Receiver) -> None:
    async with Supervisor([device.spec], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.ONLINE)
        receiver.failures_to_come = 1
        await device.begins(4, supervisor)
        await eventually(lambda: receiver.failures_to_come == 0, "the receiver broke")
        await device.says(5, receiver, supervisor)


@pytest.mark.parametrize("abrupt", [False, True], ids=["graceful", "abrupt"])
def test_the_same_holds_on_the_event_loop_the_server_uses(device: Device, abrupt: bool) -> None:
    async def plug_and_unplug() -> None:
        receiver = Receiver()
        async with Supervisor([device.spec], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            device.plug.unplug(abrupt=abrupt)
            await receiver.next_state(DeviceState.OFFLINE)
            device.plug.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
            await device.says(6, receiver, supervisor)

    uvloop.run(plug_and_unplug())


@pytest.mark.parametrize("make", [memory, PtyPlug, FilePlug], ids=["memory", "pty", "file"])
async def test_a_port_has_one_owner(make: Callable[[], Plug]) -> None:
    with make() as plug:
        async with await open_byte_link(plug.url):
            with pytest.raises(LinkUnavailable, match="port_taken"):
                await open_byte_link(plug.url)
