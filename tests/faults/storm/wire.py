"""The line between the server and its broker, on which one hears when the server acknowledges a reading."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

PUBACK: Final = 4
MOST_READ: Final = 65_536
_MORE: Final = 0x80  # another byte of a packet's length follows
_BITS_A_BYTE: Final = 7


class Wire:
    """Passes everything on, between ``with``; can do something the very moment an acknowledgement has passed."""

    def __init__(self, broker_url: str) -> None:
        parts = urlsplit(broker_url)
        self._broker = (parts.hostname or "", parts.port or 0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._awaited = threading.Lock()
        self._then: Callable[[], None] | None = None
        self._done = threading.Event()

    @property
    def url(self) -> str:
        """Where the server finds its broker."""
        return f"mqtt://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="wire", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.close()

    def at_next_acknowledgement(self, act: Callable[[], None], within_s: float) -> bool:
        """Act once the server's next acknowledgement has reached the broker; return whether one came in time."""
        self._done.clear()
        with self._awaited:
            self._then = act
        if self._done.wait(within_s):
            return True
        with self._awaited:  # whoever has begun to act is waited for
            self._then = None
        return self._done.is_set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                server, _ = self._listening.accept()
                threading.Thread(target=self._join, args=[server], daemon=True).start()

    def _join(self, server: socket.socket) -> None:
        with server, suppress(OSError), socket.create_connection(self._broker) as broker:
            down = threading.Thread(target=_pass_on, args=[broker, server], daemon=True)
            down.start()
            self._pass_up(server, broker)
            down.join()

    def _pass_up(self, server: socket.socket, broker: socket.socket) -> None:
        heard = bytearray()
        with suppress(OSError):
            while octets := server.recv(MOST_READ):
                broker.sendall(octets)
                heard += octets
                if PUBACK in list(packets_in(heard)):
                    self._acknowledged()
        _hang_up(broker)

    def _acknowledged(self) -> None:
        with self._awaited:
            act, self._then = self._then, None
            if act is not None:
                act()
                self._done.set()


def packets_in(heard: bytearray) -> Iterator[int]:
    """Take the whole MQTT packets off the front of what was heard, and yield the type of each."""
    while (end := _end_of_first(heard)) is not None and end <= len(heard):
        yield heard[0] >> 4
        del heard[:end]


def _end_of_first(heard: bytearray) -> int | None:
    length = 0
    for place, octet in enumerate(heard[1:5]):
        length |= (octet & ~_MORE) << (_BITS_A_BYTE * place)
        if not octet & _MORE:
            return 2 + place + length
    return None


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(MOST_READ):
            target.sendall(octets)
    _hang_up(target)


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
