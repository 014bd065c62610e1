"""Which adapter serves which kind of device: a new kind is one line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from devices.adapter import Adapter, DeviceSpec
from devices.barcode_scanner.adapter import BarcodeScanner
from devices.errors import KindRefused
from devices.fridge_probe.adapter import FridgeProbe
from devices.id_card_reader.adapter import IdCardReader
from devices.receipt_printer.adapter import ReceiptPrinter
from devices.smart_card.adapter import SmartCardReader
from devices.travel_document.adapter import TravelDocumentReader

AdapterFactory = Callable[[DeviceSpec], Adapter]

DEVICE_KINDS: Final[Mapping[str, AdapterFactory]] = MappingProxyType(
    {
        "barcode_scanner": BarcodeScanner,
        "fridge_probe": FridgeProbe,
        "id_card_reader": IdCardReader,
        "receipt_printer": ReceiptPrinter,
        "smart_card_reader": SmartCardReader,
        "travel_document_reader": TravelDocumentReader,
    }
)


def adapter_for(spec: DeviceSpec) -> Adapter:
    """Build the adapter of a device. Raises SpecRefused with a sentence that names the mistake."""
    factory = DEVICE_KINDS.get(spec.kind)
    if factory is None:
        raise KindRefused(f"unknown device kind {spec.kind!r}, expected one of {', '.join(sorted(DEVICE_KINDS))}")
    return factory(spec)


__all__ = ["DEVICE_KINDS", "AdapterFactory", "DeviceSpec", "adapter_for"]
