"""Hardware named on the command line: a person's hands do what a stub does by itself, asked on the terminal."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self

import pytest

from devices.adapter import DeviceSpec
from devices.events import BarcodeScanned, CardRead, DeviceEvent, SlipPrinted, TemperatureMeasured
from devices.links import open_byte_link
from devices.supervisor import Supervisor
from devices.words import PrintSlip, Slip, Text
from firmware_stubs.plugs import Plug
from tests.devices.contract import Device, within
from tests.devices.parts import Receiver

CARD: Final = ("Take off what lies on the reader, then lay a card on it.", CardRead)
SPEAKS: Final[dict[str, tuple[str, type[DeviceEvent]]]] = {
    "barcode_scanner": ("Scan any code.", BarcodeScanned),
    "fridge_probe": ("Have the probe send a reading.", TemperatureMeasured),
    "id_card_reader": CARD,
    "receipt_printer": ("A slip is on its way.", SlipPrinted),
    "smart_card_reader": CARD,
    "travel_document_reader": ("Read a travel document.", CardRead),
}


def add_options(parser: pytest.Parser) -> None:
    """Declare the flags; without them no hardware is touched."""
    group = parser.getgroup("bench", "devices on the bench")
    group.addoption(
        "--bench-device",
        action="append",
        default=[],
        metavar="KIND=URL[,OPTION=VALUE...]",
        help="run the conformance suite on this device too; again for each; a person at the terminal is asked to act",
    )
    group.addoption("--bench-terminal", default="/dev/tty", help="where the person is asked, /dev/tty")
    group.addoption("--bench-patience", type=float, default=60.0, help="seconds a message may take after Enter, 60")


def bench_of(config: pytest.Config) -> dict[str, "OnTheBench"]:
    """Return the devices on the bench by the names of their columns, which hold no address: it may hold a password."""
    person = Person(str(config.getoption("--bench-terminal")), config.getoption("--bench-patience"))
    specs = [spec_of(text) for text in config.getoption("--bench-device")]
    return {f"{spec.kind}-bench-{number}": OnTheBench.of(spec, person) for number, spec in enumerate(specs, 1)}


def spec_of(text: str) -> DeviceSpec:
    """Read KIND=URL[,OPTION=VALUE...]."""
    kind, _, rest = text.partition("=")
    url, *options = rest.split(",")
    if kind not in SPEAKS or "://" not in url or not all("=" in option for option in options):
        raise pytest.UsageError(f"--bench-device is KIND=URL[,OPTION=VALUE...] with one of {', '.join(SPEAKS)}")
    return DeviceSpec("device-1", kind, url, options=dict(option.split("=", 1) for option in options))


class Person:
    """Whoever sits at the bench; what they are asked is on their terminal, whatever pytest captures."""

    def __init__(self, terminal: str, patience_s: float) -> None:
        self.patience_s = patience_s
        self._terminal = terminal

    def does(self, what: str) -> None:
        """Ask for something and wait for the Enter key."""
        terminal = os.open(self._terminal, os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(terminal, f"\n>>> {what} Then press Enter: ".encode())
            while (key := os.read(terminal, 1)) not in {b"\n", b"\r"}:
                if not key:
                    pytest.fail("nobody is at the terminal")
        finally:
            os.close(terminal)


class BenchPlug(Plug):
    """A cable in a person's hand."""

    def __init__(self, url: str, name: str, person: Person) -> None:
        super().__init__()
        self._url = url
        self._name = name
        self._person = person
        self._is_in = True

    @property
    def url(self) -> str:
        return self._url

    def plug_in(self) -> None:
        if not self._is_in:
            self._person.does(f"Plug the {self._name} in again.")
        self._is_in = True

    def unplug(self, *, abrupt: bool = False) -> None:
        how = "Pull the plug of the {} while it works." if abrupt else "Unplug the {}."
        self._person.does(how.format(self._name))
        self._is_in = False

    def close(self) -> None:
        self.plug_in()

    def put_on_wire(self, payload: bytes) -> None:
        raise NotImplementedError("hardware says what it likes")


@dataclass
class OnTheBench(Device):
    """What a card or a code says is nobody's business: one more message of the right kind is the message."""

    person: Person = None  # type: ignore[assignment]  # always given; a dataclass wants a default after defaults
    sentence: str = ""
    message: type[DeviceEvent] = CardRead

    @classmethod
    def of(cls, spec: DeviceSpec, person: Person) -> "OnTheBench":
        sentence, message = SPEAKS[spec.kind]
        return cls(
            kind=spec.kind,
            plug=BenchPlug(spec.url, spec.kind.replace("_", " "), person),
            said=lambda _: None,
            word=_a_slip if spec.kind == "receipt_printer" else None,
            options=dict(spec.options),
            person=person,
            sentence=sentence,
            message=message,
        )

    @contextmanager
    def plugged_in(self) -> Iterator[Self]:
        try:
            yield self
        finally:
            self.plug.close()

    async def take_port(self, within_s: float = 0.0) -> None:  # noqa: ARG002 - hardware is let go at once
        if self.kind != "fridge_probe":
            async with await open_byte_link(self.plug.url.partition("?")[0]):
                pass  # nothing is written: a real device might take it for an order

    async def says(self, number: int, receiver: Receiver, supervisor: Supervisor) -> None:
        before = len(receiver.all_of(self.message))
        await self.begins(number, supervisor)
        await asyncio.to_thread(self.person.does, self.sentence)
        if not await within(self.person.patience_s, lambda: len(receiver.all_of(self.message)) > before):
            pytest.fail(f"no {self.message.__name__} came from the {self.kind} on the bench")


def _a_slip(number: int, _time: int) -> PrintSlip:
    return PrintSlip(str(number), Slip((Text(f"bench {number}"),)))
