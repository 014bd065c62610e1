"""What is plugged in is found and told apart; what is in use is left alone; nothing one finder does costs another."""

import asyncio
import importlib
import os
import pkgutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from devices import finding
from devices.adapter import DeviceSpec
from devices.events import DeviceState
from devices.finding import UNKNOWN, Found, printers, serial_ports, simulated
from devices.finding.here import FINDERS, Finder, Surroundings, find_here
from devices.finding.places import place_of
from devices.finding.serial_ports import SerialPort, scan, stable_name
from devices.links import open_byte_link
from devices.registry import DEVICE_KINDS
from devices.supervisor import Supervisor
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from firmware_stubs.simulated import SIMULATED
from tests.devices.parts import DEADLINE_S, Receiver

SAM_ID = "05.01-20201231-0000001234-0000004321"
CH340 = {"vendor_id": 0x1A86, "product_id": 0x7523, "product": "USB Serial"}
NEWLAND = {"vendor_id": 0x1EAB, "product_id": 0x1D06, "serial_number": "N1", "product": "NLS-HR32"}


@pytest.fixture(name="plugged")
def _plugged() -> Iterator[ExitStack]:
    with ExitStack() as plugged:
        yield plugged


def node_of(plug: PtyPlug) -> Path:
    return Path(plug.path).resolve()


def port(plug: PtyPlug, **described: object) -> SerialPort:
    return SerialPort(node=str(node_of(plug)), name=plug.path, **described)  # type: ignore[arg-type]  # of CH340 or NEWLAND


async def test_a_card_reader_behind_a_converter_is_known_by_its_answer_and_its_sam_id(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    IdCardReaderStub(plug)
    [found] = await scan([port(plug, **CH340)])
    assert (found.kind, found.identity, found.trouble) == ("id_card_reader", SAM_ID, "")
    assert found.url == f"serial://{plug.path}?baud=115200"
    assert found.label == f"CH340 USB Serial ({node_of(plug).name})"


async def test_what_was_found_can_be_attended_as_it_was_found(plugged: ExitStack, receiver: Receiver) -> None:
    plug = plugged.enter_context(PtyPlug())
    IdCardReaderStub(plug)
    [found] = await scan([port(plug, **CH340)])
    async with Supervisor([DeviceSpec("reader-1", found.kind, found.url)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)


async def test_a_reader_set_to_another_speed_is_found_with_it(plugged: ExitStack) -> None:
    """A pseudo-terminal carries every speed alike, so the stub looks at what its line is set to."""
    plug = plugged.enter_context(PtyPlug())
    reader = IdCardReaderStub(plug)
    plug.connect(lambda asked: reader._receive(asked) if speed_of(plug) == 19200 else plug.send(bytes(asked[::-1])))
    [found] = await scan([port(plug, **CH340)])
    assert (found.kind, found.url) == ("id_card_reader", f"serial://{plug.path}?baud=19200")


def speed_of(plug: PtyPlug) -> int:
    import termios  # noqa: PLC0415 - Linux only, as the plug is

    names = {getattr(termios, f"B{speed}"): speed for speed in serial_ports.SPEEDS}
    speed: int = names[termios.tcgetattr(plug._host_side)[4]]
    return speed


async def test_a_reader_that_fails_its_self_test_is_a_reader_all_the_same(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    IdCardReaderStub(plug).status = 0x60
    [found] = await scan([port(plug, **CH340)])
    assert found.kind == "id_card_reader"


async def test_a_silent_converter_stays_unknown_and_a_port_of_its_own_is_taken_for_a_scanner(
    plugged: ExitStack,
) -> None:
    behind_a_converter, by_itself = (plugged.enter_context(PtyPlug()) for _ in range(2))
    BarcodeScannerStub(behind_a_converter)
    BarcodeScannerStub(by_itself)
    found = await scan([port(behind_a_converter, **CH340), port(by_itself, vendor_id=0x9999, product="CDC")])
    assert [one.kind for one in found] == [UNKNOWN, "barcode_scanner"]


async def test_the_boards_own_sockets_are_told_only_when_a_reader_answers_there(plugged: ExitStack) -> None:
    silent, answering = (plugged.enter_context(PtyPlug()) for _ in range(2))
    IdCardReaderStub(answering)
    found = await scan([port(silent), port(answering), SerialPort("/dev/ttyNONE0", "/dev/ttyNONE0")])
    assert [one.kind for one in found] == ["id_card_reader"]


async def test_a_scanner_that_is_being_used_while_it_is_asked_is_no_reader(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    scanner = BarcodeScannerStub(plug)
    scanner.answer = b"\xaa\xaa\xaa\x96\x69\x00\x04\x00\x00\x90\x958 6901234567892\r\n"  # with a wrong checksum
    [found] = await scan([port(plug, **CH340)])
    assert found.kind == UNKNOWN


async def test_a_make_of_scanners_is_known_by_its_ids_and_asked_nothing(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    scanner = BarcodeScannerStub(plug)
    [found] = await scan([port(plug, **NEWLAND)])
    assert (found.kind, found.identity) == ("barcode_scanner", "1eab:1d06:N1")
    assert found.label.startswith("Newland NLS-HR32 (")
    assert scanner.heard == b""


async def test_the_question_leaves_nothing_on_a_printers_paper(plugged: ExitStack, receiver: Receiver) -> None:
    plug = plugged.enter_context(PtyPlug())
    printer = ReceiptPrinterStub(plug)
    [found] = await scan([port(plug, **CH340)])
    assert (found.kind, printer.printouts) == (UNKNOWN, [])
    async with Supervisor([DeviceSpec("p", "receipt_printer", plug.url)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)


async def test_a_port_in_use_is_not_opened_whatever_it_is_called(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    scanner = BarcodeScannerStub(plug)
    by_its_node = f"serial://{node_of(plug)}?baud=9600"
    assert await scan([port(plug, **CH340)], [by_its_node]) == []
    assert scanner.heard == b""


async def test_a_port_that_cannot_be_opened_is_told_with_the_reason(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    BarcodeScannerStub(plug)
    async with await open_byte_link(plug.url):
        [taken] = await scan([port(plug, **CH340)])
    gone = SerialPort("/dev/ttyNONE0", "/dev/ttyNONE0", **CH340)  # type: ignore[arg-type]  # as above
    [missing] = await scan([gone])
    assert (taken.kind, taken.trouble, missing.trouble) == (UNKNOWN, "port_taken", "no_such_port")


async def test_a_reader_pulled_out_while_it_is_asked_costs_nothing(plugged: ExitStack) -> None:
    plug, other = (plugged.enter_context(PtyPlug()) for _ in range(2))
    plug.connect(lambda _: plug.unplug(abrupt=True))
    IdCardReaderStub(other)
    pulled, found = await scan([port(plug, **CH340), port(other, **CH340)])
    assert (pulled.trouble, found.kind) == ("unplugged", "id_card_reader")


def test_a_name_follows_the_device_if_it_has_a_serial_number_and_else_its_socket(tmp_path: Path) -> None:
    folders = (tmp_path / "by-id", tmp_path / "by-path")
    node = tmp_path / "ttyUSB0"
    node.touch()
    assert stable_name(str(node), has_serial_number=True, folders=folders) == str(node)
    for folder in folders:
        folder.mkdir()
    (folders[1] / "socket").symlink_to(node)
    assert stable_name(str(node), has_serial_number=True, folders=folders) == str(folders[1] / "socket")
    (folders[0] / "maker").symlink_to(node)
    assert stable_name(str(node), has_serial_number=True, folders=folders) == str(folders[0] / "maker")
    assert stable_name(str(node), has_serial_number=False, folders=folders) == str(folders[1] / "socket")


async def test_this_machines_own_ports_are_looked_at_to_the_end_and_without_an_error() -> None:
    async with asyncio.timeout(DEADLINE_S):
        found = await serial_ports.find()
    assert {one.kind for one in found} <= {"id_card_reader", "barcode_scanner", UNKNOWN}


async def test_a_usb_printer_is_described_by_what_it_says_of_itself(tmp_path: Path) -> None:
    nodes, usb_class = tmp_path / "usb", tmp_path / "usbmisc"
    usb_device = tmp_path / "devices" / "1-2"
    interface = usb_device / "1-2:1.0"
    for folder in (nodes, usb_class / "lp0", usb_class / "lp1", interface):
        folder.mkdir(parents=True)
    (nodes / "lp0").touch()
    (nodes / "lp1").touch()
    (usb_class / "lp0" / "device").symlink_to(interface)
    (interface / "ieee1284_id").write_text("MFG:Xprinter;CMD:ESC/POS;MDL:XP-58;CLS:PRINTER;\n")
    for name, said in (("idVendor", "0483"), ("idProduct", "070b"), ("serial", "0001"), ("product", "Printer")):
        (usb_device / name).write_text(f"{said}\n")
    known, silent = await printers.find(nodes=nodes, usb_class=usb_class)
    assert (known.kind, known.url, known.label) == ("receipt_printer", f"file://{nodes}/lp0", "Xprinter XP-58 (lp0)")
    assert (known.identity, silent.label, silent.identity) == ("0483:070b:0001", "(lp1)", "")
    assert await printers.find(nodes=tmp_path / "none") == []


async def test_a_simulated_device_of_each_kind_is_offered_and_the_next_one_when_it_is_used() -> None:
    first = await simulated.find()
    assert {one.kind for one in first} == set(SIMULATED) <= set(DEVICE_KINDS)
    assert all(one.is_simulated for one in first)
    second = await simulated.find([one.url for one in first])
    assert not {one.url for one in first} & {one.url for one in second}


@pytest.mark.parametrize(
    ("one", "same", "another"),
    [
        ("serial:///dev/null?baud=9600", "serial:///dev/../dev/null", "serial:///dev/zero?baud=9600"),
        ("mqtt://user:secret@Broker:1883", "mqtt://broker", "mqtt://user:secret@broker:1884"),
        ("pcsc://Reader%2000%2000", "pcsc://reader 00 00", "pcsc://Reader%2000%2001"),
        ("memory://simulated-1", "memory://simulated-1?baud=9600", "memory://simulated-2"),
    ],
)
def test_two_names_of_one_place_are_one_place(one: str, same: str, another: str) -> None:
    assert place_of(one) == place_of(same) != place_of(another)


async def failing(_: Surroundings) -> list[Found]:
    raise RuntimeError("no such subsystem")


async def hanging(_: Surroundings) -> list[Found]:
    await asyncio.Event().wait()
    return []


async def test_a_finder_that_fails_or_hangs_costs_only_its_own() -> None:
    finders = {"failing": Finder(failing, 2.0), "hanging": Finder(hanging, 0.05), "simulated": FINDERS["simulated"]}
    found = await find_here([], finders=finders)
    assert found == await simulated.find()


async def test_what_is_in_use_is_not_found_again_unless_it_is_another_make_on_the_same_broker() -> None:
    broker = "mqtt://clinic:secret@127.0.0.1:1883"
    probe = Found("fridge_probe", "mqtt://127.0.0.1", "Tasmota: 1 probe")
    reader = Found("smart_card_reader", "pcsc://reader", "reader")

    async def both(here: Surroundings) -> list[Found]:
        return [probe, reader] if here.broker_url == broker else []

    finders = {"both": Finder(both, 2.0)}
    assert await find_here([], broker, finders=finders) == [probe, reader]
    assert await find_here([broker, "pcsc://READER"], broker, finders=finders) == [probe]


def test_every_way_of_looking_is_in_the_table() -> None:
    modules = (importlib.import_module(one.name) for one in pkgutil.iter_modules(finding.__path__, "devices.finding."))
    ways = {module.__name__.rpartition(".")[2] for module in modules if hasattr(module, "find")}
    assert "pcsc" in ways
    assert ways == set(FINDERS)


async def test_everything_of_this_machine_is_found_side_by_side() -> None:
    found = await find_here([])
    assert {one.kind for one in found if one.is_simulated} == set(simulated.KINDS)
    assert "secret" not in repr(Found("fridge_probe", "mqtt://u:secret@h", "x"))


async def test_a_port_we_may_not_open_is_told_so(plugged: ExitStack) -> None:
    plug = plugged.enter_context(PtyPlug())
    behind = port(plug, **CH340)
    with as_nobody_special(node_of(plug)):
        [found] = await scan([behind])
    assert found.trouble == "not_permitted"


@contextmanager
def as_nobody_special(before: Path) -> Iterator[None]:
    """Stand before a port nobody may open; root may open everything, so for a moment we are somebody else."""
    before.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)
