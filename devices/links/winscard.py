r"""The calls of PC/SC that we make, typed, for pcscd and for Windows alike; pyscard is imported when first needed.

Errors are told by their number, because pyscard's sentences differ between systems.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from devices.errors import LinkUnavailable

PNP: Final = "\\\\?PnP?\\Notification"  # a reader that never exists and changes when readers come and go
UNAWARE: Final = 0
SUCCESS: Final = 0
CANCELLED, TIMEOUT, SHARING_VIOLATION = 0x80100002, 0x8010000A, 0x8010000B
NO_SMARTCARD, UNKNOWN_READER, NOT_TRANSACTED = 0x8010000C, 0x80100009, 0x80100016
READER_UNAVAILABLE, NO_READERS = 0x80100017, 0x8010002E
NO_SERVICE, SERVICE_STOPPED = 0x8010001D, 0x8010001E
UNRESPONSIVE, UNPOWERED, RESET, REMOVED = 0x80100066, 0x80100067, 0x80100068, 0x80100069
CHANGED_BIT, PRESENT_BIT, MUTE_BIT = 0x0002, 0x0020, 0x0200
READER_GONE: Final = frozenset({UNKNOWN_READER, READER_UNAVAILABLE})


class PcscFailure(Exception):
    """A call that failed; `number` is the system's."""

    def __init__(self, number: int) -> None:
        super().__init__(f"{number & 0xFFFFFFFF:08X}")
        self.number = number & 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Slot:
    """What is in a reader; `moves` counts insertions and removals and shows a swap that nobody saw."""

    is_present: bool = False
    moves: int = 0

    @classmethod
    def of(cls, state: int) -> "Slot":
        """Return what a state word says."""
        return cls(bool(state & PRESENT_BIT), state >> 16 & 0xFFFF)

    def is_insertion_after(self, before: "Slot") -> bool:
        """Return whether a card was put in since: also when one was taken out and another put in."""
        swapped = (self.moves - before.moves) & 0xFFFF >= 2  # noqa: PLR2004 - out and in
        return self.is_present and (not before.is_present or swapped)


def library() -> Any:
    """Return pyscard's low level. Raises LinkUnavailable where it is not installed."""
    try:
        from smartcard import scard  # noqa: PLC0415 - only sites with chip cards have it
    except ImportError:
        raise LinkUnavailable("no_pcsc_support") from None
    return scard


class Context:
    """One connection to the service. All but `cancel` may block, and belong to one thread."""

    def __init__(self) -> None:
        self._scard = library()
        number, self._handle = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER)
        _insist(number)

    def release(self) -> None:
        """End the connection, whatever the service says to it."""
        self._scard.SCardReleaseContext(self._handle)

    def cancel(self) -> None:
        """Wake the thread that waits in `changes`."""
        self._scard.SCardCancel(self._handle)

    def readers(self) -> list[str]:
        """Return the names of the readers that are plugged in."""
        number, names = self._scard.SCardListReaders(self._handle, [])
        if number & 0xFFFFFFFF == NO_READERS:
            return []
        _insist(number)
        return list(names)

    def changes(self, known: Mapping[str, int], timeout_ms: int) -> dict[str, tuple[int, bytes]]:
        """Wait until a reader is not as known; return state word and ATR of each, or nothing after the time."""
        number, states = self._scard.SCardGetStatusChange(self._handle, timeout_ms, list(known.items()))
        if number & 0xFFFFFFFF in {TIMEOUT, CANCELLED} | READER_GONE:
            return {}
        _insist(number)
        return {name: (state & ~CHANGED_BIT, bytes(atr)) for name, state, atr in states}

    def connect(self, reader: str) -> tuple[int, int]:
        """Power the card; return its handle and protocol."""
        either = self._scard.SCARD_PROTOCOL_T0 | self._scard.SCARD_PROTOCOL_T1
        shared = self._scard.SCARD_SHARE_SHARED  # a bank's program on the same desk may hold it too
        number, card, protocol = self._scard.SCardConnect(self._handle, reader, shared, either)
        _insist(number)
        return card, protocol

    def transmit(self, card: int, protocol: int, apdu: bytes) -> bytes:
        """Return the answer; an empty one means that the card was pulled."""
        framing = self._scard.SCARD_PCI_T0 if protocol == self._scard.SCARD_PROTOCOL_T0 else self._scard.SCARD_PCI_T1
        number, answer = self._scard.SCardTransmit(card, framing, list(apdu))
        _insist(number)
        return bytes(answer)

    def disconnect(self, card: int) -> None:
        """Let go of a card as it is, for it may be shared."""
        self._scard.SCardDisconnect(card, self._scard.SCARD_LEAVE_CARD)


def _insist(number: int) -> None:
    if number != SUCCESS:
        raise PcscFailure(number)


def readers_listed() -> list[str]:
    """Return the readers plugged in now, with a connection for this question alone. Blocks. Raises PcscFailure."""
    context = Context()
    try:
        return context.readers()
    finally:
        context.release()
