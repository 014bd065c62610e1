"""serial:///dev/serial/by-id/…?baud=115200 — pyserial, with one thread per port that blocks in its stead."""

import asyncio
import contextlib
import re
import threading

import serial

from devices.errors import AddressRefused, LinkLost, LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.inbox import ByteInbox
from devices.links.port import ClosesOnExit
from devices.links.presence import stamp_of, wait_for_another

DEFAULT_BAUD = 115200
FRAMES = {"8N1": (serial.EIGHTBITS, serial.PARITY_NONE), "7E1": (serial.SEVENBITS, serial.PARITY_EVEN)}
WRITE_TIMEOUT_S = 2.0
WAKE_S = 0.5  # cancel_read() normally wakes the thread at once; this bounds the wait if it came too early
CHUNK = 4096
# pyserial raises TypeError when the descriptor vanishes under a blocked read.
PORT_ERRORS = (serial.SerialException, OSError, TypeError)


def serial_path(address: LinkAddress) -> str:
    """Return the port's path or Windows name of a serial URL."""
    path = address.path.removeprefix("/") if re.fullmatch(r"/COM\d+", address.path) else address.path
    if address.host or len(path) < 2:  # noqa: PLR2004 - a lone "/" names no port
        raise AddressRefused("a serial URL names its port after three slashes: serial:///dev/ttyUSB0?baud=115200")
    return path


def serial_baud(address: LinkAddress) -> int:
    """Return the speed of a serial URL in bits per second."""
    return address.whole_number("baud", DEFAULT_BAUD, low=300, high=4_000_000)


def serial_frame(address: LinkAddress) -> str:
    """Return how a serial URL frames a character: 8N1, or 7E1 as old paging terminals do."""
    frame = address.query.get("frame", "8N1")
    if frame not in FRAMES:
        raise AddressRefused(f"frame must be one of {', '.join(FRAMES)}")
    return frame


async def open_serial(address: LinkAddress) -> "SerialLine":
    """Open a port for this process alone. Raises LinkUnavailable, SpecRefused."""
    address.refuse_other_queries("baud", "frame")
    line = (serial_path(address), serial_baud(address), serial_frame(address))
    opening = asyncio.ensure_future(asyncio.to_thread(_open_port, *line))
    try:
        port = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    except PORT_ERRORS as error:
        raise LinkUnavailable(_why_not(error)) from None
    return SerialLine(port)


async def wait_for_port(address: LinkAddress) -> None:
    """Return once a port that is gone, or about to go, has come back."""
    path = serial_path(address)
    await wait_for_another(lambda: stamp_of(path))


def _open_port(path: str, baud: int, frame: str) -> serial.Serial:
    bits, parity = FRAMES[frame]
    return serial.Serial(path, baud, bits, parity, timeout=WAKE_S, write_timeout=WRITE_TIMEOUT_S, exclusive=True)


def _close_late(opening: "asyncio.Future[serial.Serial]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _why_not(error: Exception) -> str:
    cause = error if isinstance(error, OSError) else None
    number = cause.errno if cause else None
    return {2: "no_such_port", 13: "not_permitted", 11: "port_taken", 16: "port_taken"}.get(number or 0, "not_opened")


class SerialLine(ClosesOnExit):
    """An open serial port."""

    def __init__(self, port: serial.Serial) -> None:
        self._port = port
        self._inbox = ByteInbox()
        self._is_closing = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._pump, name=f"serial {port.name}", daemon=True)
        self._thread.start()

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        """See Link."""
        return await self._inbox.read(max_bytes, timeout_s)

    async def write(self, payload: bytes) -> None:
        """See Link."""
        if self._inbox.loss is not None:
            raise LinkLost(self._inbox.loss)
        try:
            await asyncio.to_thread(self._port.write, payload)
        except PORT_ERRORS:
            self._inbox.lose("unplugged")
            raise LinkLost("unplugged") from None

    async def close(self) -> None:
        """See Link."""
        self._is_closing = True
        self._inbox.lose("closed")
        with contextlib.suppress(*PORT_ERRORS, AttributeError):
            self._port.cancel_read()
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._let_go)))

    def _let_go(self) -> None:
        self._thread.join()
        with contextlib.suppress(*PORT_ERRORS):
            self._port.close()

    def _pump(self) -> None:
        # RuntimeError: the event loop closed first, nobody is left to tell.
        with contextlib.suppress(RuntimeError):
            try:
                while not self._is_closing:
                    self._pump_once()
            except PORT_ERRORS:
                self._loop.call_soon_threadsafe(self._inbox.lose, "unplugged")

    def _pump_once(self) -> None:
        received = self._port.read(1)
        if received:
            received += self._port.read(min(self._port.in_waiting, CHUNK))
            self._loop.call_soon_threadsafe(self._inbox.feed, received)
