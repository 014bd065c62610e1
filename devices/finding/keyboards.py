"""Scanners that play keyboard, as Linux lists them: by their maker's USB id or by what they call themselves."""

import asyncio
import os
import re
from pathlib import Path
from typing import Final

from devices.finding import Found
from devices.finding.makes import SCANNER, VENDORS

NODES: Final = Path("/dev/input")
CLASS: Final = Path("/sys/class/input")
NAMED: Final = re.compile("(?i)scan|bar ?code|symbol|imager|honeywell|newland|datalogic|zebra|metrologic|cipherlab")


async def find(*, nodes: Path = NODES, input_class: Path = CLASS) -> list[Found]:
    """Return every keyboard that seems to be a scanner; nothing is opened. Never raises."""
    return await asyncio.to_thread(_look, nodes, input_class)


def _look(nodes: Path, input_class: Path) -> list[Found]:
    """Keyboards alone have a name that ends in -event-kbd; it stays the same at whatever port they hang."""
    by_id = nodes / "by-id"
    if not by_id.is_dir():
        return []
    looked_at = (_found(name, input_class) for name in sorted(by_id.glob("*-event-kbd")))
    return [found for found in looked_at if found is not None]


def _found(name: Path, input_class: Path) -> Found | None:
    device = input_class / name.resolve().name / "device"
    said, vendor, product, serial_number = (
        _line(device / field) for field in ("name", "id/vendor", "id/product", "uniq")
    )
    make = VENDORS.get(int(vendor, 16)) if re.fullmatch("[0-9a-f]{4}", vendor) else None
    if make is None and not NAMED.search(said):
        return None
    may_read = os.access(name, os.R_OK, effective_ids=os.access in os.supports_effective_ids)
    return Found(
        kind=SCANNER,
        url=f"evdev://{name}",
        label=said or (make.name if make else ""),
        identity=f"{vendor}:{product}:{serial_number}" if serial_number else "",
        trouble="" if may_read else "not_permitted",
    )


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
