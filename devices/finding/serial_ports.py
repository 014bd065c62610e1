"""Serial ports: what their USB ids say, and of those that say little, whether a SAM answers.

A scanner ignores the question, which holds no byte of its settings languages; a printer forgets it with the reset that
begins every slip. A port in use is never opened, for a second reader would take bytes from the first.
"""

import asyncio
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote

from serial.tools import list_ports

from devices.errors import BadFrame, LinkError
from devices.finding import UNKNOWN, Found
from devices.finding.makes import Make, make_of
from devices.finding.places import may_read_and_write, place_of_path, places_of
from devices.id_card_reader import wire
from devices.id_card_reader.wire import Answer, Command, Status
from devices.links import Link, open_byte_link

SPEEDS: Final = (115200, 57600, 38400, 19200, 9600)
ANSWER_S: Final = 0.3
PORT_S: Final = 3.0
SAM_ID_TRIES: Final = 3  # some readers answer it wrongly after power-up
CHUNK: Final = 4096
NAMES: Final = (Path("/dev/serial/by-id"), Path("/dev/serial/by-path"))


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A port as the system describes it; `name` is what it should be opened by."""

    node: str
    name: str
    vendor_id: int | None = None
    product_id: int | None = None
    serial_number: str = ""
    product: str = ""


async def find(in_use: Collection[str] = ()) -> list[Found]:
    """Return every port that is not in use, with what hangs there as far as can be told. Never raises."""
    try:
        return await scan(await asyncio.to_thread(plugged_in), in_use)
    except OSError:
        return []


def plugged_in() -> list[SerialPort]:
    """Return the ports of this machine."""
    return [
        SerialPort(
            node=port.device,
            name=stable_name(port.device, has_serial_number=bool(port.serial_number)),
            vendor_id=port.vid,
            product_id=port.pid,
            serial_number=port.serial_number or "",
            product=" ".join(filter(None, (port.manufacturer, port.product))),
        )
        for port in list_ports.comports()
    ]


def stable_name(node: str, *, has_serial_number: bool, folders: tuple[Path, Path] = NAMES) -> str:
    """Return the name that survives a reboot: the device's, else its socket's, else the node's own.

    Of adapters without a serial number two of a kind share one name by id, and it moves between them.
    """
    by_id, by_path = (_link_to(node, folder) for folder in folders)
    return (by_id or by_path if has_serial_number else by_path or by_id) or node


async def scan(ports: Iterable[SerialPort], in_use: Collection[str] = ()) -> list[Found]:
    """Look at ports side by side, but at none that is in use."""
    used = places_of(in_use)
    free = [port for port in ports if place_of_path(port.node) not in used]
    looked_at = await asyncio.gather(*map(_look_at, free))
    return [found for port, found in zip(free, looked_at, strict=True) if _is_worth_telling(port, found)]


def _is_worth_telling(port: SerialPort, found: Found) -> bool:
    """Leave out the board's own sockets while nothing answers there: every machine has them, empty."""
    return port.vendor_id is not None or found.kind != UNKNOWN or found.trouble == "not_permitted"


async def _look_at(port: SerialPort) -> Found:
    make = make_of(port.vendor_id, port.product_id)
    found = _as_described(port, make)
    if found.trouble or not make.is_asked:
        return found
    try:
        async with asyncio.timeout(PORT_S):
            return await _ask_for_sam(port, found)
    except TimeoutError:
        return replace(found, trouble="no_answer")
    except LinkError as error:
        return replace(found, trouble=error.reason)


def _as_described(port: SerialPort, make: Make) -> Found:
    described = port.product if make.name in port.product else f"{make.name} {port.product}"
    is_usb_device = port.vendor_id is not None and port.serial_number
    return Found(
        kind=make.kind,
        url=_url(port.name),
        label=f"{described} ({Path(port.node).name})".strip(),
        identity=f"{port.vendor_id:04x}:{port.product_id or 0:04x}:{port.serial_number}" if is_usb_device else "",
        trouble="" if _may_open(port.node) else "not_permitted",
    )


async def _ask_for_sam(port: SerialPort, found: Found) -> Found:
    """Ask for a SAM at every speed it may be set to; raises LinkError when the port cannot be used."""
    for baud in SPEEDS:
        url = _url(port.name, baud)
        async with await open_byte_link(url) as link:
            if await _answer(link, Command.STATUS) is not None:
                sam_id = await _sam_id(link)
                return replace(found, kind="id_card_reader", url=url, identity=sam_id or found.identity)
    return found


async def _sam_id(link: Link) -> str:
    for _ in range(SAM_ID_TRIES):
        answer = await _answer(link, Command.SAM_ID)
        if answer is not None and answer.status is Status.OK:
            with suppress(BadFrame):
                return wire.decode_sam_id(answer.content)
    return ""


async def _answer(link: Link, command: Command) -> Answer | None:
    """Return the answer to a command, or None when none comes in time; noise is no answer."""
    splitter = wire.answer_splitter()
    await link.write(wire.encode(command))
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            while True:
                for frame in splitter.feed(await link.read(CHUNK)):
                    with suppress(BadFrame):
                        return wire.decode_answer(frame)
    return None


def _url(name: str, baud: int | None = None) -> str:
    path = quote(name if name.startswith("/") else f"/{name}")
    return f"serial://{path}" + ("" if baud is None else f"?baud={baud}")


def _link_to(node: str, folder: Path) -> str:
    target = os.path.realpath(node)
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((str(link) for link in links if os.path.realpath(link) == target), "")


def _may_open(node: str) -> bool:
    return os.name == "nt" or not os.access(node, os.F_OK) or may_read_and_write(node)
