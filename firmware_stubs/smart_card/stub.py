"""The slot of a virtual reader (vpcd): a card put in is a connection, pulled out it is none. See WIRE.md."""

import argparse
import contextlib
import socket
import struct
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from devices.links.memory_cards import MemoryCardReader
from firmware_stubs.faults import LATE_S, Fault, spoilt
from firmware_stubs.id_card_reader.cards import synthetic_resident
from firmware_stubs.smart_card.cards import (
    EstonianCard,
    MyKad,
    PlainResidentId,
    ResidentIdPages,
    SocialSecurityCard,
    TaiwanNhiCard,
    ThaiCard,
    UnknownCard,
    VirtualCard,
    synthetic_holder,
)

DEFAULT_PORT = 35963
POWER_OFF, POWER_ON, RESET, GET_ATR = 0, 1, 2, 4
Address = tuple[str, int] | Path

CARDS: dict[str, Callable[[int], VirtualCard]] = {
    "social-security": lambda seed: SocialSecurityCard(synthetic_holder(seed, "CHN")),
    "social-security-3": lambda seed: SocialSecurityCard(synthetic_holder(seed, "CHN"), "3.00"),
    "taiwan-nhi": lambda seed: TaiwanNhiCard(synthetic_holder(seed, "TWN")),
    "thai": lambda seed: ThaiCard(synthetic_holder(seed, "THA")),
    "mykad": lambda seed: MyKad(synthetic_holder(seed, "MYS")),
    "estonia": lambda seed: EstonianCard(synthetic_holder(seed, "EST")),
    "resident-id": lambda seed: ResidentIdPages(synthetic_resident(seed)),
    "plain-resident-id": lambda _: PlainResidentId(),
    "unknown": lambda _: UnknownCard(),
}


class Mishaps:
    """What shall befall answers that are still to come, in order."""

    def __init__(self) -> None:
        self._ordered: deque[tuple[bytes, Fault]] = deque()

    def add(self, fault: Fault, command: str) -> None:
        """Order a fault for the answer to the next command that begins so, given as hex."""
        self._ordered.append((bytes.fromhex(command), fault))

    def next_for(self, apdu: bytes) -> Fault | None:
        """Return what befalls the answer to this command."""
        if self._ordered and apdu.startswith(self._ordered[0][0]):
            return self._ordered.popleft()[1]
        return None


class SmartCardSlot:
    """Put a card in, pull it out, spoil an answer. The address is a port, or a socket that leads to one.

    `one_byte_at_a_time` is how a slow contact looks: the reader must put every message together.
    """

    def __init__(self, address: Address, *, one_byte_at_a_time: bool = False) -> None:
        self._address = address
        self._piece = 1 if one_byte_at_a_time else 1 << 16
        self._mishaps = Mishaps()
        self._connection: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def insert(self, card: VirtualCard) -> None:
        """Put a card in, instead of the one that is there."""
        self.pull()
        connection = _connected(self._address)
        self._connection = connection
        self._thread = threading.Thread(target=self._run, args=(connection, card), name="smart card", daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Take the card out, in the middle of whatever it says."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def break_next(self, fault: Fault, command: str = "") -> None:
        """Spoil the answer to the next command that begins so, given as hex; several befall one answer each."""
        self._mishaps.add(fault, command)

    def _run(self, connection: socket.socket, card: VirtualCard) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                message = _received(connection, struct.unpack(">H", _received(connection, 2))[0])
                if len(message) > 1:
                    self._say(connection, card.answer(message), self._mishaps.next_for(message))
                elif message[0] == GET_ATR:
                    self._send(connection, struct.pack(">H", len(card.atr)) + card.atr)
                else:
                    card.reset()

    def _say(self, connection: socket.socket, answer: bytes, fault: Fault | None) -> None:
        if fault is Fault.DROP:
            return
        if fault in {Fault.UNPLUG, Fault.PULL_OUT}:  # half of the message, with the length of all of it
            self._send(connection, (struct.pack(">H", len(answer)) + answer)[: 2 + len(answer) // 2])
            raise EOFError
        if fault is Fault.DELAY:
            threading.Event().wait(LATE_S)
        said = spoilt(answer, fault)
        self._send(connection, struct.pack(">H", len(said)) + said)

    def _send(self, connection: socket.socket, message: bytes) -> None:
        for start in range(0, len(message), self._piece):
            connection.sendall(message[start : start + self._piece])


class SmartCardReaderStub:
    """A whole reader within this process, without pcscd: memory://name. Plugged in between the ends of a `with`."""

    def __init__(self, name: str) -> None:
        self._reader = MemoryCardReader(name)
        self._mishaps = Mishaps()

    @property
    def url(self) -> str:
        """Where it is opened."""
        return self._reader.url

    def insert(self, card: VirtualCard) -> None:
        """Put a card in, instead of the one that is there."""
        self._reader.insert(card.atr, lambda apdu: self._answer(card, apdu))

    def pull(self) -> None:
        """Take the card out, in the middle of whatever it says."""
        self._reader.pull()

    def break_next(self, fault: Fault, command: str = "") -> None:
        """Spoil an answer, as SmartCardSlot does; a delay and a silence are those of a card that was pulled."""
        self._mishaps.add(fault, command)

    def plug_in(self) -> None:
        """Appear."""
        self._reader.plug_in()

    def unplug(self) -> None:
        """Vanish, with the card in it."""
        self._reader.unplug()

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def _answer(self, card: VirtualCard, apdu: bytes) -> bytes:
        fault = self._mishaps.next_for(apdu)
        if fault in {Fault.UNPLUG, Fault.PULL_OUT, Fault.DROP, Fault.DELAY}:
            self.pull()
        return spoilt(card.answer(apdu), fault)


def _connected(address: Address) -> socket.socket:
    if isinstance(address, Path):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(address))
        return connection
    return socket.create_connection(address)


def _received(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        if connection.family == socket.AF_INET and hasattr(socket, "TCP_QUICKACK"):
            # Without it every command waits 40 ms for an acknowledgement that the reader waits for.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        chunk = connection.recv(length - len(received))
        if not chunk:
            raise EOFError
        received += chunk
    return received


def main() -> None:
    """Take one order a line."""
    parser = argparse.ArgumentParser(description="Chip cards for a virtual reader (vpcd).")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="where vpcd listens on this machine")
    slot = SmartCardSlot(("127.0.0.1", parser.parse_args().port))
    print(f"orders: insert KIND NUMBER | pull | {' | '.join(Fault)}; kinds: {', '.join(CARDS)}", flush=True)
    for line in sys.stdin:
        print("done" if obey(slot, line.split()) else "not understood", flush=True)
    slot.pull()


def obey(slot: SmartCardSlot, words: list[str]) -> bool:
    """Do what one line of the command says; whether it was understood."""
    match words:
        case ["insert", kind, seed] if kind in CARDS and seed.isdecimal():
            slot.insert(CARDS[kind](int(seed)))
        case ["pull"]:
            slot.pull()
        case [fault] if fault in map(str, Fault):
            slot.break_next(Fault(fault))
        case _:
            return False
    return True


if __name__ == "__main__":
    main()
