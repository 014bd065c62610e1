"""What a scanner says comes through: every scan, whatever ends it."""

import asyncio
import itertools
from collections.abc import Callable
from functools import partial

import pytest

from devices.adapter import DeviceSpec
from devices.events import BarcodeScanned, DeviceState, PayloadRejected
from devices.links.port import ClosesOnExit
from devices.outbox import Outbox
from devices.supervisor import Supervisor
from devices.words import PrintSlip, Slip, Verdict
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.plugs import MemoryPlug, Plug, PtyPlug
from tests.devices.parts import OneByteAtATime, Receiver, eventually

names = itertools.count()
CODE = "81000001000000000001"


def a_plug() -> MemoryPlug:
    return MemoryPlug(f"scanner-{next(names)}")


def spec_of(scanner: BarcodeScannerStub) -> DeviceSpec:
    return DeviceSpec("desk-1-scanner", "barcode_scanner", scanner.plug.url)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\t", b"\0", b""], ids=repr)
async def test_a_code_ends_with_its_line_end_or_with_silence(end: bytes, receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug(), end=end)
    with scanner.plug:
        async with Supervisor([spec_of(scanner)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.scan(CODE, "]C0")
            scan = await receiver.next_of(BarcodeScanned)
    assert (scan.text, scan.symbology) == (CODE, "]C0")
    assert len(receiver.all_of(BarcodeScanned)) == 1


async def test_the_same_code_twice_is_two_scans(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug())
    with scanner.plug:
        async with Supervisor([spec_of(scanner)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.scan(CODE)
            scanner.scan(CODE)
            await receiver.next_of(BarcodeScanned)
            assert (await receiver.next_of(BarcodeScanned)).text == CODE


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_chinese_text_comes_through_a_real_port_in_either_encoding(encoding: str, receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(PtyPlug(), encoding=encoding)
    spec = DeviceSpec("desk-1-scanner", "barcode_scanner", scanner.plug.url, options={"encoding": encoding})
    with scanner.plug:
        async with Supervisor([spec], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.scan("预约", "]Q1")
            scan = await receiver.next_of(BarcodeScanned)
    assert (scan.text, scan.symbology) == ("预约", "]Q1")


async def test_a_line_of_noise_becomes_a_dead_letter_and_not_a_scan(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug())
    with scanner.plug:
        async with Supervisor([spec_of(scanner)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.send_raw(b"8" * 100_000 + b"\r")
            scanner.scan(CODE)
            rejected = await receiver.next_of(PayloadRejected)
            assert (await receiver.next_of(BarcodeScanned)).text == CODE
    assert rejected.reason == "too_long"
    assert len(rejected.payload) <= 4096


async def test_two_scans_apart_by_silence_alone_are_two(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug(), end=b"")
    with scanner.plug:
        async with Supervisor([spec_of(scanner)], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.scan(CODE)
            first = await receiver.next_of(BarcodeScanned)
            scanner.scan("1" + CODE[1:])
            second = await receiver.next_of(BarcodeScanned)
    assert (first.text, second.text) == (CODE, "1" + CODE[1:])


async def test_a_code_that_pauses_shorter_than_the_silence_stays_whole(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug(), end=b"")
    spec = DeviceSpec("slow", "barcode_scanner", scanner.plug.url, options={"silence_ms": "400"})
    with scanner.plug:
        async with Supervisor([spec], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.send_raw(CODE[:7].encode())
            await asyncio.sleep(0.1)  # longer than the usual silence, on purpose
            scanner.send_raw(CODE[7:].encode())
            assert (await receiver.next_of(BarcodeScanned)).text == CODE


def _has_heard(scanner: BarcodeScannerStub, sound: bytes) -> bool:
    return scanner.heard == sound


def spec_of_make(scanner: BarcodeScannerStub, make: str) -> DeviceSpec:
    return DeviceSpec("desk-1-scanner", "barcode_scanner", scanner.plug.url, options={"make": make})


@pytest.mark.parametrize("make_plug", [a_plug, PtyPlug], ids=["memory", "pty"])
async def test_a_verdict_sounds_at_the_scanner_and_scanning_goes_on(
    make_plug: Callable[[], Plug], receiver: Receiver
) -> None:
    scanner = BarcodeScannerStub(make_plug())
    with scanner.plug:
        async with Supervisor([spec_of_make(scanner, "honeywell")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            for verdict, sound in ((Verdict.BAD, b"0\x1b8,"), (Verdict.GOOD, b"0\x1b8,0\x1b7,")):
                scanner.scan(CODE)
                await receiver.next_of(BarcodeScanned)
                assert await supervisor.tell("desk-1-scanner", verdict)
                await eventually(partial(_has_heard, scanner, sound), f"{verdict} is heard")


@pytest.mark.parametrize(
    "make_plug", [a_plug, PtyPlug, lambda: OneByteAtATime(a_plug())], ids=["memory", "pty", "bytes"]
)
async def test_what_a_scanner_answers_to_a_sound_is_neither_a_scan_nor_a_dead_letter(
    make_plug: Callable[[], Plug], receiver: Receiver
) -> None:
    scanner = BarcodeScannerStub(make_plug())
    scanner.answer = bytes.fromhex("04D00000FF2C")
    with scanner.plug:
        async with Supervisor([spec_of_make(scanner, "zebra_ssi")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert await supervisor.tell("desk-1-scanner", Verdict.GOOD)
            await eventually(lambda: scanner.heard, "the sound is heard")
            scanner.scan(CODE)
            assert (await receiver.next_of(BarcodeScanned)).text == CODE
    assert receiver.all_of(PayloadRejected) == []


async def test_a_code_that_ends_like_an_answer_begins_is_told_after_the_silence(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug(), end=b"")
    with scanner.plug:
        async with Supervisor([spec_of_make(scanner, "zebra_ssi")], receiver.deliver):
            await receiver.next_state(DeviceState.ONLINE)
            scanner.scan("[)>\x1e06\x04")
            assert (await receiver.next_of(BarcodeScanned)).text == "[)>\x1e06\x04"


async def test_a_scan_in_a_packet_is_told_and_answered(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug())
    packet, acknowledged = bytes.fromhex("09F300000338313030FE38"), bytes.fromhex("04D00400FF28")
    with scanner.plug:
        async with Supervisor([spec_of_make(scanner, "zebra_ssi_packets")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            scanner.send_raw(packet)
            assert (await receiver.next_of(BarcodeScanned)).text == "8100"
            await eventually(partial(_has_heard, scanner, acknowledged), "the scan is acknowledged")
            assert await supervisor.tell("desk-1-scanner", Verdict.GOOD)
            await eventually(partial(_has_heard, scanner, acknowledged + bytes.fromhex("05E6040001FF10")), "it sounds")
    assert receiver.all_of(PayloadRejected) == []


@pytest.mark.parametrize("make", ["none", "newland"])
async def test_a_scanner_without_known_sounds_is_sent_nothing(make: str, receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug())
    with scanner.plug:
        async with Supervisor([spec_of_make(scanner, make)], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            assert not await supervisor.tell("desk-1-scanner", Verdict.GOOD)
            assert not await supervisor.tell("desk-1-scanner", PrintSlip("1", Slip(())))
            scanner.scan(CODE)
            await receiver.next_of(BarcodeScanned)
    assert scanner.heard == b""


async def test_a_verdict_for_a_scanner_that_is_away_is_dropped(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug())
    async with Supervisor([spec_of_make(scanner, "honeywell")], receiver.deliver) as supervisor:
        await receiver.next_state(DeviceState.OFFLINE)
        assert not await supervisor.tell("desk-1-scanner", Verdict.BAD)
        with scanner.plug:
            supervisor.retry_now("desk-1-scanner")
            await receiver.next_state(DeviceState.ONLINE)
            scanner.scan(CODE)
            await receiver.next_of(BarcodeScanned)
    assert scanner.heard == b""


async def test_a_verdict_for_a_scanner_that_was_unplugged_is_dropped_too(receiver: Receiver) -> None:
    scanner = BarcodeScannerStub(a_plug())
    with scanner.plug:
        async with Supervisor([spec_of_make(scanner, "honeywell")], receiver.deliver) as supervisor:
            await receiver.next_state(DeviceState.ONLINE)
            scanner.plug.unplug()
            await receiver.next_state(DeviceState.OFFLINE)
            assert not await supervisor.tell("desk-1-scanner", Verdict.BAD)


class Clogged(ClosesOnExit):
    """A line whose other end never takes what is written."""

    def __init__(self) -> None:
        self.begun: list[bytes] = []
        self.may_go_on = asyncio.Event()

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        raise NotImplementedError

    async def write(self, payload: bytes) -> None:
        self.begun.append(payload)
        await self.may_go_on.wait()

    async def close(self) -> None:
        pass


async def test_an_outbox_keeps_only_the_newest_while_the_line_is_clogged() -> None:
    link = Clogged()
    async with Outbox(link) as outbox:
        outbox.put(b"1")
        await eventually(lambda: link.begun, "the first is begun")
        outbox.put(b"2")
        outbox.put(b"3")
        link.may_go_on.set()
        await eventually(lambda: link.begun == [b"1", b"3"], "the newest follows")
