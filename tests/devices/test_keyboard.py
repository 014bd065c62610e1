"""A scanner that plays keyboard, read from the kernel's records through a real descriptor.

No machine of the tests has a keyboard to grab. What is left untried here is one ioctl, EVIOCGRAB on a real device; the
rest of the way, from records in a descriptor to a scan, is walked.
"""

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devices.adapter import DeviceSpec
from devices.barcode_scanner import wire
from devices.barcode_scanner.adapter import BarcodeScanner
from devices.errors import AddressRefused, LinkLost, LinkUnavailable, OptionRefused
from devices.finding import keyboards
from devices.links import LinkAddress, open_byte_link
from devices.links.keyboard import EVIOCGRAB, KeyboardLine
from tests.wire.test_keymap import ENTER, digits, press

CODE = "81000001000000000001"


@dataclass
class Keyboard:
    """The kernel's end of a keyboard: a FIFO that carries its records."""

    path: Path
    writing: int = -1

    def open(self) -> int:
        reading = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.writing = os.open(self.path, os.O_WRONLY)
        return reading

    def type(self, keys: bytes) -> None:
        os.write(self.writing, keys)

    def unplug(self) -> None:
        os.close(self.writing)
        self.writing = -1


@pytest.fixture(name="keyboard")
def _keyboard(tmp_path: Path) -> Iterator[Keyboard]:
    os.mkfifo(tmp_path / "event-kbd")
    keyboard = Keyboard(tmp_path / "event-kbd")
    yield keyboard
    if keyboard.writing >= 0:
        keyboard.unplug()


async def test_keys_become_lines_whatever_the_slices(keyboard: Keyboard) -> None:
    splitter, lines = wire.scan_splitter(), list[bytes]()
    async with KeyboardLine(keyboard.open()) as line:
        stream = digits(CODE) + press(ENTER)
        for start in range(0, len(stream), 37):
            keyboard.type(stream[start : start + 37])
            await asyncio.sleep(0)
        while not lines:
            lines += splitter.feed(await line.read(1024, 5.0))
    assert lines == [CODE.encode()]


async def test_an_unplugged_keyboard_is_lost_after_what_it_said(keyboard: Keyboard) -> None:
    async with KeyboardLine(keyboard.open()) as line:
        keyboard.type(press(9))
        keyboard.unplug()
        assert await line.read(10, 5.0) == b"8"
        with pytest.raises(LinkLost, match="unplugged"):
            await line.read(10, 5.0)
        await line.write(b"\x07")  # nobody listens, and nothing breaks


async def test_silence_is_told_and_closing_ends_a_read(keyboard: Keyboard) -> None:
    line = KeyboardLine(keyboard.open())
    assert await line.read(10, 0.01) == b""
    reading = asyncio.ensure_future(line.read(10))
    await asyncio.sleep(0)
    await line.close()
    await line.close()
    with pytest.raises(LinkLost, match="closed"):
        await reading


async def test_what_is_no_keyboard_is_refused_and_closed(keyboard: Keyboard) -> None:
    reading = keyboard.open()
    with pytest.raises(LinkUnavailable, match="not_a_keyboard"):
        await open_byte_link(f"evdev://{keyboard.path}")
    os.close(reading)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("evdev:///dev/input/by-id/usb-none-event-kbd", "no_such_port"),
        ("evdev:///dev/null", "not_a_keyboard"),
    ],
)
async def test_a_keyboard_that_cannot_be_taken_says_why(url: str, reason: str) -> None:
    with pytest.raises(LinkUnavailable, match=reason):
        await open_byte_link(url)


@pytest.mark.parametrize("url", ["evdev:///", "evdev://host/dev/input/event0", "evdev:///dev/input/e?gs=f8"])
async def test_a_url_that_can_never_work_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        await open_byte_link(url)


async def test_elsewhere_than_on_linux_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(AddressRefused, match="USB CDC"):
        await open_byte_link("evdev:///dev/input/event0")


def test_a_scanner_that_plays_keyboard_has_no_make_to_sound() -> None:
    with pytest.raises(OptionRefused, match="leave out option make"):
        BarcodeScanner(DeviceSpec("s", "barcode_scanner", "evdev:///dev/input/event0", options={"make": "honeywell"}))
    BarcodeScanner(DeviceSpec("s", "barcode_scanner", "evdev:///dev/input/event0", options={"make": "none"}))


def test_the_ioctl_is_the_kernels() -> None:
    """_IOW('E', 0x90, int): write is 1 at bit 30, the size at bit 16, the letter at bit 8 (asm-generic/ioctl.h)."""
    assert (1 << 30) | (4 << 16) | (ord("E") << 8) | 0x90 == EVIOCGRAB
    assert LinkAddress.parse("evdev:///dev/input/event0").path == "/dev/input/event0"


# ---- finding ----


@dataclass
class Machine:
    """The folders in which Linux lists its input devices."""

    folder: Path

    def plug(self, number: int, name: str, vendor: str, said: str, uniq: str = "") -> None:
        event = f"event{number}"
        device = self.folder / "sys" / event / "device"
        (device / "id").mkdir(parents=True)
        (device / "name").write_text(f"{said}\n")
        (device / "uniq").write_text(f"{uniq}\n")
        (device / "id" / "vendor").write_text(f"{vendor}\n")
        (device / "id" / "product").write_text("1d06\n")
        by_id = self.folder / "dev" / "by-id"
        by_id.mkdir(parents=True, exist_ok=True)
        (self.folder / "dev" / event).touch()
        (by_id / name).symlink_to(f"../{event}")


async def test_scanners_are_told_from_the_keyboard_of_the_desk(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.plug(1, "usb-Dell_KB216-event-kbd", "413c", "Dell KB216 Wired Keyboard")
    machine.plug(2, "usb-Newland_HR32_N1-event-kbd", "1eab", "Newland Auto-ID HR32", "N1")
    machine.plug(3, "usb-0000_USB_Barcode_Scanner-event-kbd", "ffff", "WIT 122-UFS USB BarCode Scanner")
    machine.plug(4, "usb-Honeywell_1900-event-mouse", "0c2e", "Honeywell 1900")
    newland, other = sorted(
        await keyboards.find(nodes=tmp_path / "dev", input_class=tmp_path / "sys"),
        key=lambda found: -len(found.identity),
    )
    assert newland.url == f"evdev://{tmp_path}/dev/by-id/usb-Newland_HR32_N1-event-kbd"
    assert (newland.kind, newland.label, newland.identity) == (
        "barcode_scanner",
        "Newland Auto-ID HR32",
        "1eab:1d06:N1",
    )
    assert (other.label, other.identity) == ("WIT 122-UFS USB BarCode Scanner", "")
    assert await keyboards.find(nodes=tmp_path / "none") == []
