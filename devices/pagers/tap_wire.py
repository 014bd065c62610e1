"""TAP 1.8, the alphanumeric protocol of paging terminals: blocks out, signs in. Pure.

A block is STX, the pager's id, CR, the message, CR, ETX, three characters of checksum, CR: at most 256 in all.
"""

from enum import StrEnum
from typing import Final

MOST_BLOCK_BYTES: Final = 256
CR: Final = b"\r"
LOG_IN: Final = b"\x1bPG1\r"
END: Final = b"\x04\r"
_STX, _ETX = b"\x02", b"\x03"
MOST_MESSAGE_BYTES: Final = 200


class Sign(StrEnum):
    """What a terminal says, whatever text it says beside it."""

    WHO = "who"
    TAKEN = "taken"
    AGAIN = "again"
    REJECTED = "rejected"
    HANGS_UP = "hangs_up"
    GO_AHEAD = "go_ahead"


_SIGNS: Final = {
    b"ID=": Sign.WHO,
    b"\x1b[p": Sign.GO_AHEAD,
    b"\x1b\x04": Sign.HANGS_UP,
    b"\x06": Sign.TAKEN,
    b"\x15": Sign.AGAIN,
    b"\x1e": Sign.REJECTED,
}


class Signs:
    """Picks the signs out of what a terminal sends, in any slices; its texts are passed over."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, received: bytes) -> list[Sign]:
        """Take what arrived and return the signs in it."""
        self._pending += bytes(byte & 0x7F for byte in received)  # a line with parity opened without it
        found = []
        while (first := self._first()) is not None:
            at, sequence = first
            found.append(_SIGNS[sequence])
            self._pending = self._pending[at + len(sequence) :]
        self._pending = self._pending[-2:]  # a sign may go on
        return found

    def _first(self) -> tuple[int, bytes] | None:
        places = [(at, sequence) for sequence in _SIGNS if (at := self._pending.find(sequence)) >= 0]
        return min(places, default=None)


def checksum(block: bytes) -> bytes:
    """Return the check of everything from STX to ETX: the low 12 bits of the sum, as three characters from "0" on."""
    total = sum(byte & 0x7F for byte in block)
    return bytes(0x30 + (total >> shift & 0xF) for shift in (8, 4, 0))


def block(pager_id: str, message: str) -> bytes:
    """Return a block. Raises ValueError for what does not fit into one."""
    if not (pager_id + message).isascii() or not (pager_id + message).isprintable():
        raise ValueError("a block holds printable ASCII")
    body = b"".join((_STX, pager_id.encode(), CR, message.encode(), CR, _ETX))
    whole = body + checksum(body) + CR
    if len(whole) > MOST_BLOCK_BYTES:
        raise ValueError("a block holds 256 characters at most")
    return whole
