"""A resident-ID reader on a plug. Its bytes are its own: it shares no codec with the server, see WIRE.md."""

import argparse
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from threading import Lock

from firmware_stubs.faults import Fault
from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident
from firmware_stubs.orders import befall, take_orders
from firmware_stubs.plugs import Plug
from firmware_stubs.uart import Uart

START = b"\xaa\xaa\xaa\x96\x69"
SAM_ID = bytes.fromhex("050001000F3F3401D2040000E1100000")
CHIP_NUMBER = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
ADDRESS_ROOM = 35
PHOTO_LENGTH = FINGERS_LENGTH = 1024
PHOTO_HEAD = bytes.fromhex("574C66007E00320000FF85")
BAUD_OF_PARAMETER = (115200, 57600, 38400, 19200, 9600)

OK, FOUND, EMPTY, WRONG_CHECKSUM, WRONG_COMMAND, READ_FAILED, NO_CARD, SELECT_FAILED = (
    0x90,
    0x9F,
    0x91,
    0x10,
    0x21,
    0x41,
    0x80,
    0x81,
)


class IdCardReaderStub:
    """Lay a card, take it off, break an answer. A card that was read is not found again until it was lifted.

    `newest_address` is what the chip holds besides the printed one; `unknown_commands`, as hex, it never heard of;
    `resets_to` is its status after a reset; `thinks_s` is how long it is silent before it answers a reading;
    `asked` counts its questions by command.
    """

    def __init__(self, plug: Plug, *, protects_read_cards: bool = True, envelope: str = "none") -> None:
        self.plug = plug
        self.status = self.resets_to = OK
        self.sam_id = SAM_ID
        self.newest_address = ""
        self.unknown_commands: frozenset[str] = frozenset()
        self.thinks_s = 0.0
        self.asked: Counter[str] = Counter()
        self._envelope = envelope
        self._protects_read_cards = protects_read_cards
        self._card: SyntheticCard | None = None
        self._dropped = b""
        self._is_read = self._is_found = self._is_selected = False
        self._mishaps: deque[tuple[bytes, Fault | int]] = deque()
        self._pending = b""
        self._lock = Lock()
        plug.connect(self._receive)

    @property
    def finds_answered(self) -> int:
        """How often it has looked for a card."""
        return self.asked["2001"]

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
            answers = [(frame[7:9], self._with_mishap(frame[7:9], self._answer_to(frame))) for frame in self._frames()]
        for command, (answer, fault) in answers:
            if command[0] == 0x30:  # noqa: PLR2004 - the commands that read a card
                time.sleep(self.thinks_s)
            self.plug.send(enveloped(answer, self._envelope) if answer else b"", fault)
            if command[0] == 0x60 and isinstance(self.plug, Uart):  # noqa: PLR2004 - confirmed at the old speed
                self.plug.baud = BAUD_OF_PARAMETER[command[1]]

    def _frames(self) -> list[bytes]:
        frames = []
        while (start := self._pending.find(START)) >= 0 and len(self._pending) >= start + 7:
            end = start + 7 + int.from_bytes(self._pending[start + 5 : start + 7], "big")
            behind = end + (1 if self._envelope == "handheld" else 0)
            if len(self._pending) < behind:
                break
            frame, whole = self._pending[start:end], self._pending[:behind]
            self._pending = self._pending[behind:]
            if whole.endswith(enveloped(frame, self._envelope, asking=True)):
                frames.append(frame)
        return frames

    def _answer_to(self, frame: bytes) -> bytes:
        """Return an answer, or nothing for a command that makes it silent."""
        if check_byte(frame[5:-1]) != frame[-1]:
            return framed(WRONG_CHECKSUM)
        command = frame[7:9].hex().upper()
        self.asked[command] += 1
        tasks: dict[str, Callable[[], bytes]] = {
            "10FF": self._reset,
            "11FF": lambda: framed(self.status),
            "12FF": lambda: framed(OK, self.sam_id),
            "2001": self._find,
            "2002": self._select,
            "3001": self._read,
            "3003": self._read_newest_address,
            "3005": lambda: framed(OK, CHIP_NUMBER) if self._is_read else framed(READ_FAILED),
            "3010": lambda: self._read(bytes(FINGERS_LENGTH)),
            "61FF": lambda: framed(OK),
        } | {f"60{parameter:02X}": lambda: framed(OK) for parameter in range(len(BAUD_OF_PARAMETER))}
        task = tasks.get(command)
        return framed(WRONG_COMMAND) if task is None or command in self.unknown_commands else task()

    def _reset(self) -> bytes:
        self.status = self.resets_to
        return framed(self.status)

    def _find(self) -> bytes:
        self._is_found = self._card is not None and not (self._is_read and self._protects_read_cards)
        return framed(FOUND, bytes(4)) if self._is_found else framed(NO_CARD)

    def _select(self) -> bytes:
        self._is_selected, self._is_found = self._is_found and self._card is not None, False
        return framed(OK, bytes(8)) if self._is_selected else framed(SELECT_FAILED)

    def _read(self, *further: bytes) -> bytes:
        if not self._is_selected or self._card is None:
            return framed(READ_FAILED)
        self._is_selected = False
        self._is_read = True
        parts = [self._card.text_block(), PHOTO_HEAD.ljust(PHOTO_LENGTH, b"\x5a"), *further]
        lengths = b"".join(len(part).to_bytes(2, "big") for part in parts)
        return framed(OK, lengths + b"".join(parts))

    def _read_newest_address(self) -> bytes:
        if not self._is_read:
            return framed(READ_FAILED)
        if not self.newest_address:
            return framed(EMPTY)
        return framed(OK, self.newest_address.ljust(ADDRESS_ROOM).encode("utf-16-le"))

    def _with_mishap(self, command: bytes, answer: bytes) -> tuple[bytes, Fault | None]:
        if not self._mishaps or self._mishaps[0][0] != command:
            return answer, None
        mishap = self._mishaps.popleft()[1]
        if command == b"\x30\x01":
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


def enveloped(frame: bytes, envelope: str, *, asking: bool = False) -> bytes:
    """Return a frame as a maker sends it; the words of a network reader stand before questions only."""
    if envelope == "handheld":
        length = len(frame) + 3
        inside = bytes([length >> 8, length & 0xFF, 0xA0, 0x10]) + frame
        return b"\xaa" + inside + bytes([sum(inside) & 0xFF])
    return b"D&C00040101" + frame if envelope == "pass_through" and asking else frame


def main() -> None:
    """Print the port, then take one order a line."""
    parser = argparse.ArgumentParser(description="A resident-ID reader on a pseudo-terminal.")
    parser.add_argument("--name", default="id-card-reader", help="name of the port's link")
    parser.add_argument("--baud", type=int, default=115200, choices=BAUD_OF_PARAMETER, help="its speed")
    arguments = parser.parse_args()
    with Uart(arguments.name, baud=arguments.baud) as plug:
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
