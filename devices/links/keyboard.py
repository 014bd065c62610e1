"""evdev:///dev/input/by-id/…-event-kbd — a scanner that plays keyboard, taken away from the screen. Linux only.

The device is grabbed: what it types reaches no window, whatever has the focus. The kernel's records are read as they
are; a library would bring a compiler along and add nothing to one read and one ioctl.
"""

import asyncio
import errno
import os
import sys
from typing import Final

from devices.errors import AddressRefused, LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.inbox import ByteInbox
from devices.links.keymap import RECORD, Keymap
from devices.links.port import ClosesOnExit
from devices.links.presence import stamp_of, wait_for_another

EVIOCGRAB: Final = 0x40044590  # _IOW('E', 0x90, int) of linux/input.h
RECORDS: Final = 64
WHY_NOT: Final = {
    errno.ENOENT: "no_such_port",
    errno.ENODEV: "no_such_port",
    errno.ENXIO: "no_such_port",
    errno.EACCES: "not_permitted",
    errno.EPERM: "not_permitted",
    errno.EBUSY: "port_taken",
    errno.ENOTTY: "not_a_keyboard",
    errno.EINVAL: "not_a_keyboard",
}


def keyboard_path(address: LinkAddress) -> str:
    """Return the path of an evdev URL."""
    if address.host or len(address.path) < 2:  # noqa: PLR2004 - a lone "/" names no device
        raise AddressRefused("an evdev URL names its device after three slashes: evdev:///dev/input/by-id/…-event-kbd")
    return address.path


async def open_keyboard(address: LinkAddress) -> "KeyboardLine":
    """Take a keyboard for this process alone. Raises LinkUnavailable, SpecRefused."""
    address.refuse_other_queries()
    if sys.platform != "linux":
        raise AddressRefused("evdev URLs are for Linux; set the scanner to a serial port (USB CDC) instead")
    path = keyboard_path(address)
    try:
        return KeyboardLine(_grabbed(path))
    except OSError as error:
        raise LinkUnavailable(WHY_NOT.get(error.errno or 0, "not_opened")) from None


async def wait_for_keyboard(address: LinkAddress) -> None:
    """Return once a keyboard that is gone, or about to go, has come back."""
    path = keyboard_path(address)
    await wait_for_another(lambda: stamp_of(path))


def _grabbed(path: str) -> int:
    import fcntl  # noqa: PLC0415 - Windows has none

    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(descriptor, EVIOCGRAB, 1)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class KeyboardLine(ClosesOnExit):
    """What a grabbed keyboard types, as bytes; owns the descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor
        self._keymap = Keymap()
        self._inbox = ByteInbox()
        asyncio.get_running_loop().add_reader(descriptor, self._take, descriptor)

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        """See Link."""
        return await self._inbox.read(max_bytes, timeout_s)

    async def write(self, payload: bytes) -> None:
        """Do nothing: a keyboard listens to nobody."""

    async def close(self) -> None:
        """See Link; whoever lets go of the descriptor lets go of the keyboard."""
        self._inbox.lose("closed")
        self._let_go()

    def _take(self, descriptor: int) -> None:
        try:
            received = os.read(descriptor, RECORD.size * RECORDS)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if received:
            self._inbox.feed(self._keymap.feed(received))
        else:
            self._inbox.lose("unplugged")
            self._let_go()

    def _let_go(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
