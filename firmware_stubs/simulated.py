"""Devices without hardware, one table: what a page offers as buttons, done to a stub that speaks the real wire."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from time import time
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from devices.links.memory_broker import MemoryBroker
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.faults import Fault
from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.spoiling import SpoilingPublisher
from firmware_stubs.fridge_probe.stub import FridgeProbeStub
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import MemoryPlug
from firmware_stubs.receipt_printer.stub import ReceiptPrinterStub
from firmware_stubs.smart_card.stub import CARDS as CARDS_OF_SLOT
from firmware_stubs.smart_card.stub import SmartCardReaderStub
from firmware_stubs.travel_document.documents import (
    SyntheticDocument,
    synthetic_passport,
    synthetic_permit,
    synthetic_taiwan_permit,
)
from firmware_stubs.travel_document.stub import TravelDocumentReaderStub

Deed = Callable[[], object]

PLUG_IN: Final = "plug_in"
CARDS: Final = 5
CHIP_CARDS: Final = MappingProxyType(
    {
        "social_security_card": "social-security",
        "social_security_card_3": "social-security-3",
        "taiwan_nhi_card": "taiwan-nhi",
        "unknown_card": "unknown",
    }
)
TEMPERATURES_C: Final = (4, 12, -2)
TRACE_CODE: Final = "81234567890123456789"
GS1_CODE: Final = "010690123456789217271231102026A1\x1d21000123"
BOOKING: Final = "BK-000123"


class SimulatedDevice(ABC):
    """A device that lives in this process. Its deeds are stable words; start and stop may be called again and again."""

    def __init__(self, url: str) -> None:
        self.url = url

    @abstractmethod
    def start(self) -> None:
        """Plug it in."""

    @abstractmethod
    def stop(self) -> None:
        """Take it away."""

    def deeds(self) -> tuple[str, ...]:
        """Return what can be done with it: its own deeds, then what can befall it."""
        return tuple(self._deeds())

    def do(self, deed: str) -> None:
        """Do it. Raises KeyError for a word that is none of its deeds."""
        self._deeds()[deed]()

    @abstractmethod
    def _deeds(self) -> Mapping[str, Deed]:
        """Return the deeds by their words, in the order they are shown."""


class _OnALine(SimulatedDevice):
    """A stub on memory://name. Lost, garbled, late or cut is its next message; pulled out, gently or not, is it now."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._plug = MemoryPlug(urlsplit(url).hostname or "")

    def start(self) -> None:
        """See SimulatedDevice."""
        self._plug.plug_in()

    def stop(self) -> None:
        """See SimulatedDevice."""
        self._plug.unplug()

    def _befall(self, fault: Fault) -> None:
        self._plug.spoil_next(fault)

    def _mishaps(self) -> dict[str, Deed]:
        mishaps: dict[str, Deed] = {str(fault): partial(self._befall, fault) for fault in Fault}
        return mishaps | {
            str(Fault.UNPLUG): self.stop,
            str(Fault.PULL_OUT): partial(self._plug.unplug, abrupt=True),
            PLUG_IN: self.start,
        }


class SimulatedIdCardReader(_OnALine):
    """Five made-up people's cards; a fault befalls the next card's contents."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stub = IdCardReaderStub(self._plug)

    def _befall(self, fault: Fault) -> None:
        self.stub.break_next(fault)

    def _deeds(self) -> Mapping[str, Deed]:
        cards: dict[str, Deed] = {f"lay_card_{number}": partial(self._lay, number) for number in range(1, CARDS + 1)}
        return cards | {"take_off": self.stub.take_off, "refuse_card": self.stub.refuse_next} | self._mishaps()

    def _lay(self, number: int) -> None:
        self.stub.lay(synthetic_resident(number))


class SimulatedScanner(_OnALine):
    """A trace code, a GS1 code, a booking and noise."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stub = BarcodeScannerStub(self._plug)

    def _deeds(self) -> Mapping[str, Deed]:
        scans: dict[str, Deed] = {
            "scan_trace_code": partial(self.stub.scan, TRACE_CODE, "]C0"),
            "scan_gs1_code": partial(self.stub.scan, GS1_CODE, "]d2"),
            "scan_booking": partial(self.stub.scan, BOOKING, "]Q1"),
            "send_noise": partial(self.stub.send_raw, bytes(range(1, 255, 7))),
        }
        return scans | self._mishaps()


class SimulatedTravelDocumentReader(_OnALine):
    """Made-up passports and permits held under the reader."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stub = TravelDocumentReaderStub(self._plug)

    def _deeds(self) -> Mapping[str, Deed]:
        shown: dict[str, Deed] = {
            "show_passport": partial(self._show, synthetic_passport),
            "show_permit": partial(self._show, synthetic_permit),
            "show_taiwan_permit": partial(self._show, synthetic_taiwan_permit),
            "send_noise": partial(self._plug.send, bytes(range(1, 255, 7))),
        }
        return shown | self._mishaps()

    def _show(self, document: Callable[[int], SyntheticDocument]) -> None:
        self.stub.show(document(1))


class SimulatedSmartCardReader(SimulatedDevice):
    """Chip cards put in and pulled out; a fault befalls the next answer of the card, pulling out the reader is now."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stub = SmartCardReaderStub(urlsplit(url).hostname or "")

    def start(self) -> None:
        """See SimulatedDevice."""
        self.stub.plug_in()

    def stop(self) -> None:
        """See SimulatedDevice."""
        self.stub.unplug()

    def _deeds(self) -> Mapping[str, Deed]:
        cards: dict[str, Deed] = {f"insert_{word}": partial(self._insert, kind) for word, kind in CHIP_CARDS.items()}
        mishaps: dict[str, Deed] = {str(fault): partial(self.stub.break_next, fault) for fault in Fault}
        gone: dict[str, Deed] = {str(Fault.UNPLUG): self.stop, str(Fault.PULL_OUT): self.stop, PLUG_IN: self.start}
        return cards | {"take_out": self.stub.pull} | mishaps | gone

    def _insert(self, kind: str) -> None:
        self.stub.insert(CARDS_OF_SLOT[kind](1))


class SimulatedPrinter(_OnALine):
    """Prints into the stub's `printouts`, until its paper is out or its cover open."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stub = ReceiptPrinterStub(self._plug)

    def _deeds(self) -> Mapping[str, Deed]:
        deeds: dict[str, Deed] = {
            "tear_paper": self.stub.printouts.clear,
            "paper_out": partial(setattr, self.stub, "is_paper_out", True),
            "load_paper": self.stub.load_paper,
            "open_cover": partial(setattr, self.stub, "is_cover_open", True),
            "close_cover": partial(setattr, self.stub, "is_cover_open", False),
        }
        return deeds | self._mishaps()


class SimulatedProbe(SimulatedDevice):
    """A fridge probe, on the broker of its URL: a real one, or one of this process that starts and stops with it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        parts = urlsplit(url)
        name = parts.hostname or ""
        self._broker = MemoryBroker(name) if parts.scheme == "memory" else None
        self._dev = name if self._broker else "simulated-fridge-probe"
        self._publisher = SpoilingPublisher(partial(publisher_for, url, self._dev), self._plug_out)
        self._is_running = False
        self.stub = FridgeProbeStub(self._publisher, self._dev, boot=int(time()))

    def start(self) -> None:
        """See SimulatedDevice."""
        if not self._is_running:
            self._is_running = True
            if self._broker is not None:
                self._broker.start()
            self.stub.start()

    def stop(self) -> None:
        """See SimulatedDevice."""
        self._plug_out()

    def _plug_out(self, abrupt: bool = False) -> None:
        if self._is_running:
            self._is_running = False
            self.stub.stop(abrupt=abrupt)
            if self._broker is not None:
                self._broker.stop()

    def _deeds(self) -> Mapping[str, Deed]:
        deeds: dict[str, Deed] = {
            f"measure_{'minus_' * (degrees < 0)}{abs(degrees)}_c": partial(self._measure, degrees * 1000)
            for degrees in TEMPERATURES_C
        }
        mishaps: dict[str, Deed] = {str(fault): partial(self._publisher.spoil_next, fault) for fault in Fault}
        deeds["measure_nothing"] = partial(self._measure, None)
        return (
            deeds
            | mishaps
            | {
                str(Fault.UNPLUG): self.stop,
                str(Fault.PULL_OUT): partial(self._plug_out, abrupt=True),
                PLUG_IN: self.start,
            }
        )

    def _measure(self, milli_celsius: int | None) -> None:
        self.stub.measure(milli_celsius, unix_s=int(time()), is_error=milli_celsius is None)


SIMULATED: Final[Mapping[str, Callable[[str], SimulatedDevice]]] = MappingProxyType(
    {
        "barcode_scanner": SimulatedScanner,
        "fridge_probe": SimulatedProbe,
        "id_card_reader": SimulatedIdCardReader,
        "receipt_printer": SimulatedPrinter,
        "smart_card_reader": SimulatedSmartCardReader,
        "travel_document_reader": SimulatedTravelDocumentReader,
    }
)
