"""A card reader that takes the time a real line takes, and knows when its last byte had left."""

import time
from collections.abc import Iterator
from dataclasses import replace

from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident
from firmware_stubs.id_card_reader.stub import IdCardReaderStub
from firmware_stubs.plugs import PtyPlug

BAUD = 115_200
BITS_PER_BYTE = 10
CHUNK = 32
CARD_ANSWER = 1295  # bytes of text and photo, framed
WIRE_S = CARD_ANSWER * BITS_PER_BYTE / BAUD
FIRST_NAME = 0x4E00


class PacedPty(PtyPlug):
    """Each piece arrives when its last bit would have; ``card_sent_at`` is when a card's answer was whole."""

    card_sent_at = 0.0  # Unix time

    def put_on_wire(self, payload: bytes) -> None:
        """See Plug."""
        begun = time.perf_counter()
        for start in range(0, len(payload), CHUNK):
            piece = payload[start : start + CHUNK]
            due = begun + (start + len(piece)) * BITS_PER_BYTE / BAUD
            time.sleep(max(0.0, due - time.perf_counter()))
            if start + CHUNK >= CARD_ANSWER:
                self.card_sent_at = time.time()  # before the write: the other end may be quicker than we are
            super().put_on_wire(piece)


class Desk:
    """A reader on a desk, and people nobody has met."""

    def __init__(self) -> None:
        self.plug = PacedPty("reader")
        self._reader = IdCardReaderStub(self.plug)
        self._people = _people()

    def next_card(self) -> SyntheticCard:
        """Lay the next person's card down."""
        self.plug.card_sent_at = 0.0
        card = next(self._people)
        self._reader.lay(card)
        return card


def _people() -> Iterator[SyntheticCard]:
    number = 0
    while True:
        yield replace(synthetic_resident(number), name=f"测{chr(FIRST_NAME + number)}")
        number += 1
