"""USB printers of the Linux printer class: /dev/usb/lp0 and what sysfs says of it. Windows has none of these."""

import asyncio
import re
from pathlib import Path
from typing import Final

from devices.finding import Found
from devices.finding.places import may_read_and_write

NODES: Final = Path("/dev/usb")
CLASS: Final = Path("/sys/class/usbmisc")


async def find(*, nodes: Path = NODES, usb_class: Path = CLASS) -> list[Found]:
    """Return every USB printer; nothing is opened, for a printer prints what it is sent. Never raises."""
    return await asyncio.to_thread(_look, nodes, usb_class)


def _look(nodes: Path, usb_class: Path) -> list[Found]:
    if not nodes.is_dir():
        return []
    return [_found(node, usb_class / node.name / "device") for node in sorted(nodes.glob("lp[0-9]*"))]


def _found(node: Path, interface: Path) -> Found:
    """Describe a printer by its interface's folder in sysfs; the folder above it is the USB device."""
    usb_device = interface.resolve().parent
    said = _ieee_1284(_line(interface / "ieee1284_id"))
    vendor, product, serial_number = (_line(usb_device / name) for name in ("idVendor", "idProduct", "serial"))
    maker = said.get("MFG") or said.get("MANUFACTURER") or _line(usb_device / "manufacturer")
    model = said.get("MDL") or said.get("MODEL") or _line(usb_device / "product")
    return Found(
        kind="receipt_printer",
        url=f"file://{node}",
        label=f"{maker} {model} ({node.name})".strip(),
        identity=f"{vendor}:{product}:{serial_number}" if serial_number else "",
        trouble="" if may_read_and_write(node) else "not_permitted",
    )


def _ieee_1284(text: str) -> dict[str, str]:
    """Return the fields of a printer's own description, such as `MFG:Xprinter;MDL:XP-58;`."""
    return {name.strip(): value.strip() for name, value in re.findall(r"([^:;]+):([^;]*);", text)}


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
