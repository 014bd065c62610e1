"""file:///dev/usb/lp0 — a character device such as a USB printer; a FIFO and a plain file do as well, one way."""

import asyncio
import contextlib
import errno
import os
import select
import stat
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from devices.errors import AddressRefused, LinkLost, LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.inbox import ByteInbox
from devices.links.port import ClosesOnExit
from devices.links.presence import stamp_of, wait_for_another

CHUNK: Final = 4096
WRITE_S: Final = 5.0  # a printer whose buffer is full takes the next bytes when it has printed the first
LOOK_S: Final = 0.5  # how often a node is looked for that tells nobody it has gone
RETRY_S: Final = 0.05
WHY_NOT: Final = {
    errno.ENOENT: "no_such_port",
    errno.ENXIO: "no_such_port",  # a FIFO nobody reads, a node without its device
    errno.ENODEV: "no_such_port",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.EBUSY: "port_taken",
    errno.EWOULDBLOCK: "port_taken",
}
LATER: Final = frozenset(
    {errno.EAGAIN, errno.EINTR, errno.ENOSPC}
)  # no space: so says usblp of a printer without paper
GONE: Final = select.POLLERR | select.POLLHUP | select.POLLNVAL if hasattr(select, "poll") else 0


def file_path(address: LinkAddress) -> str:
    """Return the path of a file URL."""
    if address.host or len(address.path) < 2:  # noqa: PLR2004 - a lone "/" names no port
        raise AddressRefused("a file URL names its port after three slashes: file:///dev/usb/lp0")
    return address.path


async def open_file(address: LinkAddress) -> "FileLine":
    """Open a port for this process alone. Raises LinkUnavailable, SpecRefused."""
    address.refuse_other_queries()
    if sys.platform == "win32":
        raise AddressRefused("file URLs are for Linux; on Windows name the printer's COM port or network address")
    path = file_path(address)
    try:
        return FileLine(path, *_opened(path))
    except OSError as error:
        raise LinkUnavailable(WHY_NOT.get(error.errno or 0, "not_opened")) from None


async def wait_for_file(address: LinkAddress) -> None:
    """Return once a port that is gone, or about to go, has come back."""
    path = file_path(address)
    await wait_for_another(lambda: stamp_of(path))


def _opened(path: str) -> tuple[int, bool]:
    """Open without waiting, and hold it for this process; return the descriptor and whether it can be read."""
    import fcntl  # noqa: PLC0415 - Windows has none

    # A FIFO that is also open for reading would give us back our own words, and a plain file its old ones.
    can_be_read = stat.S_ISCHR(os.stat(path).st_mode)  # noqa: PTH116 - its mode alone
    descriptor, can_be_read = _opened_either_way(path, can_be_read=can_be_read)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, can_be_read


def _opened_either_way(path: str, *, can_be_read: bool) -> tuple[int, bool]:
    flags = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    if can_be_read:
        with contextlib.suppress(PermissionError):
            return os.open(path, os.O_RDWR | flags), True
    return os.open(path, os.O_WRONLY | os.O_APPEND | flags), False


def _is_answering(descriptor: int) -> bool:
    """Tell whether a descriptor that may be read has a way back at all; one-way printers say so at once."""
    try:
        os.read(descriptor, 0)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


def _node(path: str) -> tuple[int, int] | None:
    """Return what one plugging in is told from the next by, or None while there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 - asked twice a second
    except OSError:
        return None
    return found.st_ino, found.st_rdev


class FileLine(ClosesOnExit):
    """An open port; its thread alone reads, watches and closes it."""

    def __init__(self, path: str, descriptor: int, can_be_read: bool) -> None:
        self.can_be_read = can_be_read and _is_answering(descriptor)
        self._path = path
        self._node = _node(path)
        self._descriptor = descriptor
        self._lost = ""
        self._inbox = ByteInbox()
        self._writing = threading.Lock()
        self._loop = asyncio.get_running_loop()
        stop, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=self._pump, args=(descriptor, stop), name=f"file {path}", daemon=True)
        self._thread.start()

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        """See Link."""
        return await self._inbox.read(max_bytes, timeout_s)

    async def write(self, payload: bytes) -> None:
        """See Link."""
        await asyncio.to_thread(self._send, payload)
        if self._lost:
            raise LinkLost(self._lost)

    async def close(self) -> None:
        """See Link."""
        self._lose("closed")
        stop, self._stop_write = self._stop_write, -1
        if stop >= 0:
            os.close(stop)
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self._thread.join)))

    def _send(self, payload: bytes) -> None:
        deadline = time.monotonic() + WRITE_S
        with self._writing:
            while payload and not self._lost:
                try:
                    payload = payload[os.write(self._descriptor, payload) :]
                except OSError as error:
                    if error.errno not in LATER:
                        self._lose("unplugged")
                    elif time.monotonic() > deadline:
                        self._lose("peer_does_not_read")
                    else:
                        time.sleep(RETRY_S)

    def _pump(self, descriptor: int, stop: int) -> None:
        poll = select.poll()
        poll.register(stop, select.POLLIN)
        poll.register(descriptor, select.POLLIN if self.can_be_read else 0)  # a loss is told unasked
        try:
            while not self._lost and stop not in (told := dict(poll.poll(LOOK_S * 1000))):
                self._take(descriptor, told.get(descriptor, 0))
        finally:
            with self._writing:  # a descriptor may not be closed under a thread that writes to it
                os.close(descriptor)
            os.close(stop)

    def _take(self, descriptor: int, told: int) -> None:
        """Read what came, or find the port gone."""
        try:
            received = os.read(descriptor, CHUNK) if told & select.POLLIN else b""
        except BlockingIOError:
            received = b""
        except OSError:
            self._lose("unplugged")
            return
        if received:
            self._tell(self._inbox.feed, received)
        elif told & GONE or _node(self._path) != self._node:
            self._lose("unplugged")
        elif told:
            time.sleep(RETRY_S)  # ready, and nothing there: some printers' ports say so all the time

    def _lose(self, reason: str) -> None:
        self._lost = self._lost or reason
        self._tell(self._inbox.lose, self._lost)

    def _tell(self, what: Callable[[Any], None], word: object) -> None:
        with contextlib.suppress(RuntimeError):  # the event loop closed first, nobody is left to tell
            self._loop.call_soon_threadsafe(what, word)
