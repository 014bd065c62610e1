"""A printer behind a device file: one owner, losses that are noticed, and no question nobody can answer."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from devices.adapter import DeviceSpec
from devices.errors import LinkLost, LinkUnavailable, SpecRefused
from devices.events import DeviceState, SlipPrinted
from devices.links import open_byte_link
from devices.supervisor import Supervisor
from devices.words import PrintSlip, Slip, Text
from firmware_stubs.plugs import FilePlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from tests.devices.parts import Receiver, eventually

TICKET = PrintSlip("A001", Slip((Text("A001"),)))


@pytest.fixture(name="fifo")
def _fifo(tmp_path: Path) -> Path:
    path = tmp_path / "lp0"
    os.mkfifo(path)
    return path


def spec_of(path: Path, **options: str) -> DeviceSpec:
    return DeviceSpec("printer", "receipt_printer", f"file://{path}", options=options)


async def test_both_directions_of_a_character_device_are_used() -> None:
    heard: list[bytes] = []
    with FilePlug() as plug:
        plug.connect(heard.append)
        async with await open_byte_link(plug.url) as link:
            assert link.can_be_read
            await link.write(b"to the printer")
            await eventually(lambda: b"".join(heard) == b"to the printer", "the printer has it")
            plug.send(b"to us")
            assert await link.read(64, 2.0) == b"to us"
            assert await link.read(64, 0.05) == b""


async def test_a_plain_file_takes_slips_one_after_another_and_is_never_read(tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.write_bytes(b"before ")
    for word in (b"one ", b"two "):
        async with await open_byte_link(f"file://{paper}") as link:
            assert not link.can_be_read
            await link.write(word)
            assert await link.read(64, 0.05) == b""
    assert paper.read_bytes() == b"before one two "


async def test_a_printer_that_cannot_be_read_is_believed_without_confirmation(fifo: Path, receiver: Receiver) -> None:
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        async with Supervisor([spec_of(fifo)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell("printer", TICKET)
            assert await receiver.next_of(SlipPrinted) == SlipPrinted("printer", "A001", is_confirmed=False)
        assert b"A001\n" in os.read(end, 4096)
    finally:
        os.close(end)


async def test_answers_demanded_of_a_one_way_port_are_refused_with_a_sentence(fifo: Path, receiver: Receiver) -> None:
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        async with Supervisor([spec_of(fifo, answers="yes")], receiver.deliver):
            assert "set answers to no" in (await receiver.next_state(DeviceState.OFFLINE)).detail
    finally:
        os.close(end)


async def test_a_fifo_whose_reader_goes_away_is_lost(fifo: Path) -> None:
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    async with await open_byte_link(f"file://{fifo}") as link:
        os.close(end)
        with pytest.raises(LinkLost, match="unplugged"):
            await link.read(64, 5.0)
        with pytest.raises(LinkLost, match="unplugged"):
            await link.write(b"into the air")


async def test_a_node_that_vanishes_without_a_word_is_noticed(tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.touch()
    async with await open_byte_link(f"file://{paper}") as link:
        paper.unlink()
        with pytest.raises(LinkLost, match="unplugged"):
            await link.read(64, 5.0)


async def test_a_long_slip_waits_for_a_printer_that_takes_it_slowly(fifo: Path) -> None:
    payload, taken = bytes(range(256)) * 1024, bytearray()
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)

    def print_it() -> None:
        while len(taken) < len(payload):
            taken.extend(os.read(end, 50_000))

    printer = threading.Thread(target=print_it)
    async with await open_byte_link(f"file://{fifo}") as link:
        writing = asyncio.ensure_future(link.write(payload))
        await asyncio.sleep(0.2)  # longer than a first try, on purpose
        assert not writing.done()
        printer.start()
        await writing
        await asyncio.to_thread(printer.join)
    os.close(end)
    assert bytes(taken) == payload


async def test_a_printer_that_takes_nothing_any_more_is_lost(fifo: Path) -> None:
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    async with await open_byte_link(f"file://{fifo}") as link:
        with pytest.raises(LinkLost, match="peer_does_not_read"):
            await link.write(bytes(1 << 20))
    os.close(end)


async def test_closing_ends_a_write_that_waits(fifo: Path) -> None:
    end = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    link = await open_byte_link(f"file://{fifo}")
    writing = asyncio.ensure_future(link.write(bytes(1 << 20)))
    await asyncio.sleep(0.1)  # the pipe is full by now, on purpose
    await link.close()
    with pytest.raises(LinkLost, match="closed"):
        await writing
    os.close(end)


async def test_a_file_has_one_owner_and_is_free_again_afterwards(tmp_path: Path) -> None:
    paper = tmp_path / "paper"
    paper.touch()
    for _ in range(2):
        async with await open_byte_link(f"file://{paper}"):
            with pytest.raises(LinkUnavailable, match="port_taken"):
                await open_byte_link(f"file://{paper}")


async def test_a_port_that_is_not_there_says_so(tmp_path: Path, fifo: Path) -> None:
    for path in (tmp_path / "nothing", fifo):
        with pytest.raises(LinkUnavailable, match="no_such_port"):
            await open_byte_link(f"file://{path}")


@pytest.mark.parametrize("url", ["file://", "file:///", "file://host/dev/usb/lp0", "file:///dev/usb/lp0?baud=9600"])
async def test_a_url_that_names_no_port_is_refused(url: str) -> None:
    with pytest.raises(SpecRefused):
        await open_byte_link(url)


async def test_a_printer_that_was_away_is_opened_when_its_node_appears(receiver: Receiver) -> None:
    plug = FilePlug("lp0")
    printer = ReceiptPrinterStub(plug)
    try:
        async with Supervisor([DeviceSpec("printer", "receipt_printer", plug.url)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.OFFLINE)
            assert await supervisor.tell("printer", TICKET)
            plug.plug_in()
            assert await receiver.next_of(SlipPrinted) == SlipPrinted("printer", "A001", is_confirmed=True)
        assert [printout.lines for printout in printer.printouts] == [["A001"]]
    finally:
        plug.close()
