"""Simulated devices as a devices page serves them: plugged in by address, told in one word what is done to them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.faults import Fault
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import MemoryPlug

CARDS: Final = 3
CODES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {"scan_trace_code": ("81234567890123456789", "]C1"), "scan_booking": ("BK-2026-0001", "]Q1")}
)
PLUG_IN: Final = "plug_in"


class SimulatedDevice(ABC):
    """One simulated device on ``memory://name``."""

    def __init__(self, url: str) -> None:
        self.plug = MemoryPlug(url.removeprefix("memory://"))

    def start(self) -> None:
        """Plug it in."""
        self.plug.plug_in()

    def stop(self) -> None:
        """Take it away."""
        self.plug.close()

    def deeds(self) -> tuple[str, ...]:
        """Return what a person can do with it, then what can befall it."""
        return (*self.acts(), *Fault, PLUG_IN)

    def do(self, deed: str) -> None:
        """Do one of the deeds."""
        if deed == PLUG_IN:
            self.plug.unplug()
            self.plug.plug_in()
        elif deed in {Fault.UNPLUG, Fault.PULL_OUT}:
            self.plug.unplug(abrupt=deed == Fault.PULL_OUT)
        elif deed in set(Fault):
            self.plug.spoil_next(Fault(deed))
        else:
            self.act(deed)

    @abstractmethod
    def acts(self) -> tuple[str, ...]:
        """Return what a person does with the real one."""

    @abstractmethod
    def act(self, deed: str) -> None:
        """Do it."""


class SimulatedIdCardReader(SimulatedDevice):
    """A reader and a few synthetic cards."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._reader = IdCardReaderStub(self.plug)

    def acts(self) -> tuple[str, ...]:
        """See SimulatedDevice."""
        return (*(f"lay_card_{number + 1}" for number in range(CARDS)), "take_off")

    def act(self, deed: str) -> None:
        """See SimulatedDevice."""
        if deed == "take_off":
            self._reader.take_off()
        else:
            self._reader.lay(synthetic_resident(int(deed.removeprefix("lay_card_"))))


class SimulatedBarcodeScanner(SimulatedDevice):
    """A scanner and a few codes before it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._scanner = BarcodeScannerStub(self.plug)

    def acts(self) -> tuple[str, ...]:
        """See SimulatedDevice."""
        return tuple(CODES)

    def act(self, deed: str) -> None:
        """See SimulatedDevice."""
        self._scanner.scan(*CODES[deed])


SIMULATED: Final[Mapping[str, Callable[[str], SimulatedDevice]]] = MappingProxyType(
    {"id_card_reader": SimulatedIdCardReader, "barcode_scanner": SimulatedBarcodeScanner}
)
