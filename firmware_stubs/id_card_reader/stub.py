"""A resident-ID reader on a plug. Its bytes are its own: it shares no codec with the server, see WIRE.md."""

import argparse
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import Lock

from firmware_stubs.faults import Fault
from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident
from firmware_stubs.orders import befall, take_orders
from firmware_stubs.plugs import Plug, PtyPlug

START = b"\xaa\xaa\xaa\x96\x69"
SAM_ID = bytes.fromhex("050001000F3F3401D2040000E1100000")
PHOTO_LENGTH = 1024
PHOTO_HEAD = bytes.fromhex("574C66007E00320000FF85")

OK, FOUND, WRONG_CHECKSUM, WRONG_COMMAND, READ_FAILED, NO_CARD, SELECT_FAILED = (
    0x90,
    0x9F,
    0x10,
    0x21,
    0x41,
    0x80,
    0x81,
)


class IdCardReaderStub:
    """Lay a card, take it off, break an answer. A card that was read is not found again until it was lifted."""

    def __init__(self, plug: Plug, *, protects_read_cards: bool = True) -> None:
        self.plug = plug
        self.status = OK
        self.finds_answered = 0
        self._protects_read_cards = protects_read_cards
        self._card: SyntheticCard | None = None
        self._dropped = b""
        self._is_read = self._is_found = self._is_selected = False
        self._mishaps: deque[tuple[bytes, Fault | int]] = deque()
        self._pending = b""
        self._lock = Lock()
        plug.connect(self._receive)

    def lay(self, card: SyntheticCard) -> None:
        """Lay a card down, instead of the one that lies there."""
        with self._lock:
            self._card = card
            self._is_read = self._is_found = self._is_selected = False

    def take_off(self) -> None:
        """Lift the card."""
        with self._lock:
            self._card = None

    def break_next(self, fault: Fault, command: str = "3001") -> None:
        """Spoil the answer to the next such command, given as hex."""
        with self._lock:
            self._mishaps.append((bytes.fromhex(command), fault))

    def refuse_next(self, command: str = "3001", status: int = READ_FAILED) -> None:
        """Answer the next such command with a status and nothing else."""
        with self._lock:
            self._mishaps.append((bytes.fromhex(command), status))

    def send_late_answer(self) -> None:
        """Send the answer that was dropped last, long after it was asked for."""
        self.plug.send(self._dropped)

    def _receive(self, received: bytes) -> None:
        with self._lock:
            self._pending += received
            answers = [self._with_mishap(command, answer) for command, answer in self._answers()]
        for answer, fault in answers:
            self.plug.send(answer, fault)

    def _answers(self) -> list[tuple[bytes, bytes]]:
        answers = []
        while (start := self._pending.find(START)) >= 0 and len(self._pending) >= start + 7:
            end = start + 7 + int.from_bytes(self._pending[start + 5 : start + 7], "big")
            if len(self._pending) < end:
                break
            frame, self._pending = self._pending[start:end], self._pending[end:]
            answers.append((frame[7:9], self._answer_to(frame)))
        return answers

    def _answer_to(self, frame: bytes) -> bytes:
        if check_byte(frame[5:-1]) != frame[-1]:
            return framed(WRONG_CHECKSUM)
        tasks: dict[bytes, Callable[[], bytes]] = {
            b"\x11\xff": lambda: framed(self.status),
            b"\x12\xff": lambda: framed(OK, SAM_ID),
            b"\x20\x01": self._find,
            b"\x20\x02": self._select,
            b"\x30\x01": self._read,
        }
        task = tasks.get(frame[7:9])
        return framed(WRONG_COMMAND) if task is None else task()

    def _find(self) -> bytes:
        self.finds_answered += 1
        self._is_found = self._card is not None and not (self._is_read and self._protects_read_cards)
        return framed(FOUND, bytes(4)) if self._is_found else framed(NO_CARD)

    def _select(self) -> bytes:
        self._is_selected, self._is_found = self._is_found and self._card is not None, False
        return framed(OK, bytes(8)) if self._is_selected else framed(SELECT_FAILED)

    def _read(self) -> bytes:
        if not self._is_selected or self._card is None:
            return framed(READ_FAILED)
        self._is_selected = False
        self._is_read = True
        photo = PHOTO_HEAD.ljust(PHOTO_LENGTH, b"\x5a")
        return framed(OK, b"\x01\x00\x04\x00" + self._card.text_block() + photo)

    def _with_mishap(self, command: bytes, answer: bytes) -> tuple[bytes, Fault | None]:
        if not self._mishaps or self._mishaps[0][0] != command:
            return answer, None
        mishap = self._mishaps.popleft()[1]
        self._is_read = False
        if not isinstance(mishap, Fault):
            return framed(mishap), None
        if mishap is Fault.DROP:
            self._dropped = answer
        return answer, mishap


def check_byte(counted: bytes) -> int:
    """Return the XOR of the bytes from the length to the last byte before it."""
    check = 0
    for byte in counted:
        check ^= byte
    return check


def framed(status: int, content: bytes = b"") -> bytes:
    """Return a whole answer."""
    body = b"\x00\x00" + bytes([status]) + content
    counted = (len(body) + 1).to_bytes(2, "big") + body
    return START + counted + bytes([check_byte(counted)])


def main() -> None:
    """Print the port, then take one order a line."""
    parser = argparse.ArgumentParser(description="A resident-ID reader on a pseudo-terminal.")
    parser.add_argument("--name", default="id-card-reader", help="name of the port's link")
    name: str = parser.parse_args().name
    with PtyPlug(name) as plug:
        reader = IdCardReaderStub(plug)
        print(plug.url, flush=True)
        take_orders(partial(obey, reader), "lay NUMBER | off | fail")


def obey(reader: IdCardReaderStub, words: list[str]) -> bool:
    """Do what one line of the command says; whether it was understood."""
    match words:
        case ["lay", seed] if seed.isdecimal():
            reader.lay(synthetic_resident(int(seed)))
        case ["off"]:
            reader.take_off()
        case ["fail"]:
            reader.refuse_next()
        case _:
            return befall(words, reader.break_next, reader.plug.plug_in, reader.plug.unplug)
    return True


if __name__ == "__main__":
    main()
