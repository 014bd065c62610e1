"""A paging terminal that speaks TAP over a line in the process, and what it took for whom."""

import re
from enum import StrEnum

from devices.links.memory import MemoryPort
from devices.pagers.tap_wire import CR, END, LOG_IN, checksum
from tests.conftest import ManualClock
from tests.faults.storm.gateways import Receipt

CHANNEL = "pagers"
_BLOCK = re.compile(rb"(?P<checked>\x02(?P<address>[^\r]+)\r(?P<message>[^\r]*)\r\x03)(?P<check>...)\r", re.DOTALL)
_NUMBER = re.compile(r"#(?P<number>\S+)$")
WHO, GO_AHEAD, TAKEN, AGAIN, REJECTED, HANGS_UP = (
    b"ID=",
    b"\x06\r\x1b[p\r",
    b"\x06\r",
    b"\x15\r",
    b"\x1e\r",
    b"\x1b\x04\r",
)


class Mood(StrEnum):
    """How the terminal is."""

    GOOD = "good"
    SILENT = "takes a page and does not say so"
    GARBLED = "hears every block badly"
    REJECTING = "rejects every page"


class Terminal:
    """One terminal, plugged in as ``memory://`` until it is unplugged."""

    def __init__(self, name: str, clock: ManualClock) -> None:
        self.receipts: list[Receipt] = []
        self.mood = Mood.GOOD
        self.port = MemoryPort(name, self._receive)
        self._clock = clock
        self._is_plugged = False
        self.plug_in()

    def plug_in(self) -> None:
        """Be there, if it is not."""
        if not self._is_plugged:
            self.port.plug_in()
        self._is_plugged = True

    def unplug(self) -> None:
        """Be away."""
        if self._is_plugged:
            self.port.unplug()
        self._is_plugged = False

    def _receive(self, said: bytes) -> None:
        if said == CR:
            self.port.send(WHO)
        elif said == LOG_IN:
            self.port.send(GO_AHEAD)
        elif said == END:
            self.port.send(HANGS_UP)
        elif block := _BLOCK.fullmatch(said):
            self._hear(block)

    def _hear(self, block: re.Match[bytes]) -> None:
        if self.mood is Mood.GARBLED or checksum(block["checked"]) != block["check"]:
            self.port.send(AGAIN)
        elif self.mood is Mood.REJECTING:
            self.port.send(REJECTED)
        else:
            self._take(block["address"].decode(), block["message"].decode())

    def _take(self, address: str, message: str) -> None:
        number = _NUMBER.search(message)
        is_told = self.mood is not Mood.SILENT
        if number:
            at_s = self._clock.monotonic()
            self.receipts.append(Receipt(CHANNEL, number["number"], address, is_told, at_s))
        if is_told:
            self.port.send(TAKEN)
