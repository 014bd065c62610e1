"""A pty with what it lacks of a real serial port: bytes need time, and another speed makes noise of them."""

import termios
import time

from firmware_stubs.plugs import PtyPlug, Receive

BITS_PER_BYTE = 10
CHUNK = 32
SPEEDS = {
    termios.B9600: 9600,
    termios.B19200: 19200,
    termios.B38400: 38400,
    termios.B57600: 57600,
    termios.B115200: 115200,
}
NOISE = bytes((byte * 37 + 11) % 256 for byte in range(256))


class Uart(PtyPlug):
    """serial://…?baud=auto: a port of a device that speaks at `baud`, whatever the host has set its own side to.

    `noises` counts what either side sent at the wrong speed.
    """

    def __init__(self, name: str = "device", *, baud: int = 115200) -> None:
        super().__init__(name)
        self.baud = baud
        self.noises = 0

    @property
    def url(self) -> str:
        """See Plug."""
        return f"serial://{self.path}?baud=auto"

    @property
    def host_baud(self) -> int:
        """The speed the host has set its side to; a terminal has one setting for both of its ends."""
        return SPEEDS.get(termios.tcgetattr(self._host_side)[5], 0)

    def connect(self, receive: Receive) -> None:
        """See Plug."""
        super().connect(lambda received: receive(self._as_heard(received)))

    def put_on_wire(self, payload: bytes) -> None:
        """See Plug: as long as it takes, in small pieces."""
        for start in range(0, len(payload), CHUNK):
            piece = payload[start : start + CHUNK]
            time.sleep(len(piece) * BITS_PER_BYTE / self.baud)
            super().put_on_wire(self._as_heard(piece))

    def _as_heard(self, sent: bytes) -> bytes:
        if self.host_baud == self.baud:
            return sent
        self.noises += 1
        return sent.translate(NOISE)
