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


class SmartCardSlot:
    """Put a card in, pull it out, spoil an answer. The address is a port, or a socket that leads to one."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._mishaps: deque[tuple[bytes, Fault]] = deque()
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
        self._mishaps.append((bytes.fromhex(command), fault))

    def _run(self, connection: socket.socket, card: VirtualCard) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            while True:
                message = _received(connection, struct.unpack(">H", _received(connection, 2))[0])
                if len(message) > 1:
                    self._say(connection, card.answer(message), self._mishap_of(message))
                elif message[0] == GET_ATR:
                    connection.sendall(struct.pack(">H", len(card.atr)) + card.atr)
                else:
                    card.reset()

    def _mishap_of(self, apdu: bytes) -> Fault | None:
        if self._mishaps and apdu.startswith(self._mishaps[0][0]):
            return self._mishaps.popleft()[1]
        return None

    def _say(self, connection: socket.socket, answer: bytes, fault: Fault | None) -> None:
        if fault is Fault.DROP:
            return
        if fault in {Fault.UNPLUG, Fault.PULL_OUT}:  # half of the message, with the length of all of it
            connection.sendall((struct.pack(">H", len(answer)) + answer)[: 2 + len(answer) // 2])
            raise EOFError
        if fault is Fault.DELAY:
            threading.Event().wait(LATE_S)
        said = spoilt(answer, fault)
        connection.sendall(struct.pack(">H", len(said)) + said)


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
