"""A PC/SC library on paper. The real one is in test_smart_card.py; this one does what a virtual reader cannot: it is
unplugged while its service lives, or takes the service down with it as Windows does, and its cards are in others' use.
"""

import threading
from collections.abc import Callable, Iterable

PNP = "\\\\?PnP?\\Notification"
Answer = Callable[[bytes], bytes]


class PaperScard:
    """The functions of pyscard's `smartcard.scard` that are used, over readers of paper. Thread-safe."""

    SCARD_SCOPE_USER = 0
    SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 = 2, 1, 2
    SCARD_PCI_T0, SCARD_PCI_T1 = "t0", "t1"
    SCARD_LEAVE_CARD = 0

    def __init__(self, *readers: str, stops_with_last_reader: bool = False) -> None:
        self.connect_error = 0
        self.is_connected = False
        self.looks = 0  # at which readers there are
        self._stops_with_last_reader = stops_with_last_reader
        self._news = threading.Condition()
        self._readers = list(readers)
        self._cards: dict[str, Answer] = {}
        self._moves: dict[str, int] = {}
        self._is_cancelled = False

    def plug(self, *readers: str) -> None:
        with self._news:
            self._readers = list(readers)
            self._cards = {name: card for name, card in self._cards.items() if name in readers}
            self._news.notify_all()

    def insert(self, reader: str, card: Answer) -> None:
        """Put a card in, and take the one out that is there: both in one moment."""
        with self._news:
            self._moves[reader] = self._moves.get(reader, 0) + (2 if reader in self._cards else 1)
            self._cards[reader] = card
            self._news.notify_all()

    def SCardEstablishContext(self, _scope: int) -> tuple[int, int]:  # noqa: N802 - the library's own names, here and below
        return (0x8010001D, 0) if self._is_down() else (0, 1)

    def SCardReleaseContext(self, _context: int) -> int:  # noqa: N802
        return 0

    def SCardListReaders(self, _context: int, _groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
        self.looks += 1
        if self._is_down():
            return 0x8010001E, []
        return (0, list(self._readers)) if self._readers else (0x8010002E, [])

    def SCardCancel(self, _context: int) -> int:  # noqa: N802
        with self._news:
            self._is_cancelled = True
            self._news.notify_all()
        return 0

    def SCardGetStatusChange(  # noqa: N802
        self, _context: int, timeout_ms: int, known: Iterable[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        states = list(known)
        with self._news:
            self._is_cancelled = False
            self._news.wait_for(lambda: self._differs(states) or self._is_cancelled, timeout_ms / 1000)
            if self._is_down():
                return 0x8010001E, []
            if any(name not in {*self._readers, PNP} for name, _ in states):
                return 0x80100009, []
            if not self._differs(states):
                return 0x8010000A, []
            return 0, [(name, self._state(name) | 0x2, [0x3B, 0x02, 0x14, 0x50]) for name, _ in states]

    def SCardConnect(self, _context: int, reader: str, _share: int, _protocols: int) -> tuple[int, object, int]:  # noqa: N802
        if self.connect_error:
            return self.connect_error, None, 0
        self.is_connected = True
        return 0, self._cards[reader], 2

    def SCardTransmit(self, card: Answer, _framing: str, apdu: list[int]) -> tuple[int, list[int]]:  # noqa: N802
        return 0, list(card(bytes(apdu)))

    def SCardDisconnect(self, _card: Answer, _how: int) -> int:  # noqa: N802
        self.is_connected = False
        return 0

    def _is_down(self) -> bool:
        return self._stops_with_last_reader and not self._readers

    def _differs(self, known: list[tuple[str, int]]) -> bool:
        return any(name not in {*self._readers, PNP} or self._state(name) != state for name, state in known)

    def _state(self, reader: str) -> int:
        if reader == PNP:
            return len(self._readers) << 16
        return (0x20 if reader in self._cards else 0x10) | self._moves.get(reader, 0) << 16
