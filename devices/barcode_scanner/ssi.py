"""The packets of a Zebra scanner that is set to send decoded data in them. Pure.

Source: Zebra Simple Serial Interface guide: length, opcode, source, status, data, checksum (the two's complement of the
sum of all bytes before it, high byte first; the length counts all but the checksum). DECODE_DATA (F3) holds the bar
type and the text, and is sent again until CMD_ACK (D0) answers it.
"""

from typing import Final

ACKNOWLEDGED, REFUSED, DECODE_DATA = 0xD0, 0xD1, 0xF3
OPCODES: Final = frozenset({ACKNOWLEDGED, REFUSED, DECODE_DATA})
FROM_SCANNER: Final = 0
HEAD: Final = 4
CHECKSUM: Final = 2
ACK: Final = bytes.fromhex("04D00400FF28")
NOTHING_READ: Final = b"NR"  # said instead of a code when the trigger was pulled at nothing


class PacketSieve:
    """Takes the texts out of packets, in whatever slices they come, each with a line end; the rest is dropped."""

    def __init__(self) -> None:
        self._pending = b""
        self._owed = b""

    @property
    def is_holding(self) -> bool:
        """Whether a packet has begun."""
        return bool(self._pending)

    def feed(self, received: bytes) -> bytes:
        """Return the texts that arrived whole."""
        self._pending += received
        said = b""
        while self._pending:
            packet = self._next_packet()
            if packet is None:
                break
            said += self._text_of(packet)
        return said

    def end_of_silence(self) -> bytes:
        """Drop a packet that stopped in its middle: it is sent again."""
        self._pending = b""
        return b""

    def reply(self) -> bytes:
        """Return what the scanner waits for, once."""
        owed, self._owed = self._owed, b""
        return owed

    def _text_of(self, packet: bytes) -> bytes:
        if not packet or packet[1] != DECODE_DATA:
            return b""
        self._owed = ACK
        text = packet[HEAD + 1 : -CHECKSUM]
        return b"" if text in (b"", NOTHING_READ) else text + b"\r"

    def _next_packet(self) -> bytes | None:
        """Take a packet, or an empty one for a byte that begins none; None while more is to come."""
        pending = self._pending
        whole = pending[0] + CHECKSUM
        is_packet = pending[0] >= HEAD and _may_begin(pending)
        if is_packet and len(pending) < whole:
            return None
        if is_packet and _is_sound(pending[:whole]):
            self._pending = pending[whole:]
            return pending[:whole]
        self._pending = pending[1:]
        return b""


def _may_begin(pending: bytes) -> bool:
    opcode, source = pending[1:2], pending[2:3]
    return (not opcode or opcode[0] in OPCODES) and (not source or source[0] == FROM_SCANNER)


def _is_sound(packet: bytes) -> bool:
    return (sum(packet[:-CHECKSUM]) + int.from_bytes(packet[-CHECKSUM:], "big")) % 0x10000 == 0
