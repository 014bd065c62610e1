"""What a scanner says comes through: every scan, whatever ends it."""

import asyncio
import itertools

import pytest

from devices.adapter import DeviceSpec
from devices.events import BarcodeScanned, DeviceState, PayloadRejected
from devices.supervisor import Supervisor
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.plugs import MemoryPlug, PtyPlug
from tests.devices.parts import Receiver

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
