"""What the USB ids of a serial port say. Source: the public list usb.ids, and the vendors' own driver files.

A converter chip says nothing of what hangs behind it; makers of scanners use a vendor id of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from devices.finding import UNKNOWN

SCANNER: Final = "barcode_scanner"


@dataclass(frozen=True, slots=True)
class Make:
    """Who made a port, the kind to propose when no card reader answers, and whether it is asked at all."""

    name: str
    kind: str = UNKNOWN
    is_asked: bool = True


VENDORS: Final[Mapping[int, Make]] = MappingProxyType(
    {
        0x1EAB: Make("Newland", SCANNER, is_asked=False),
        0x0C2E: Make("Honeywell", SCANNER, is_asked=False),
        0x05E0: Make("Zebra", SCANNER, is_asked=False),
        0x05F9: Make("Datalogic", SCANNER, is_asked=False),
    }
)
PRODUCTS: Final[Mapping[tuple[int, int], Make]] = MappingProxyType(
    {
        (0x1A86, 0x7523): Make("CH340"),
        (0x10C4, 0xEA60): Make("CP210x"),
        (0x0403, 0x6001): Make("FTDI FT232"),
        (0x067B, 0x2303): Make("PL2303"),
    }
)
NOT_USB: Final = Make("")
OTHER_USB: Final = Make("", SCANNER)  # a port of its own, no converter: of what a site buys, a scanner


def make_of(vendor_id: int | None, product_id: int | None) -> Make:
    """Return what is known of a port's maker."""
    if vendor_id is None:
        return NOT_USB
    return VENDORS.get(vendor_id) or PRODUCTS.get((vendor_id, product_id or 0)) or OTHER_USB
