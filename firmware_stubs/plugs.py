"""Where a stub device is plugged in: a pty, a TCP port, or the process itself. Thread-safe; needs no event loop."""

import contextlib
import os
import select
import socket
import struct
import tempfile
import threading
import tty
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from devices.links.memory import MemoryPort
from firmware_stubs.faults import LATE_S, Fault, spoilt

CHUNK = 4096
Receive = Callable[[bytes], None]


class Plug(ABC):
    """A stub's end of a line of bytes. Plugged in on entering a `with`, gone on leaving it."""

    def __init__(self) -> None:
        self._receive: Receive = lambda _: None
        self._next_faults: deque[Fault] = deque()

    def connect(self, receive: Receive) -> None:
        """Name who gets the host's bytes."""
        self._receive = receive

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the host opens the other end; the same after every replugging."""

    @abstractmethod
    def plug_in(self) -> None:
        """Appear."""

    @abstractmethod
    def unplug(self, *, abrupt: bool = False) -> None:
        """Vanish, abruptly in the middle of whatever was said."""

    @abstractmethod
    def put_on_wire(self, payload: bytes) -> None:
        """Send to the host as it is; into the air when nobody listens."""

    def spoil_next(self, fault: Fault) -> None:
        """Let a fault befall what is sent next; several befall one message each, in order."""
        self._next_faults.append(fault)

    def send(self, payload: bytes, fault: Fault | None = None) -> None:
        """Send to the host, with the fault named or the next one ordered."""
        if fault is None and self._next_faults:
            fault = self._next_faults.popleft()
        if fault is Fault.DELAY:
            late = threading.Timer(LATE_S, self.put_on_wire, [payload])
            late.daemon = True
            late.start()
            return
        payload = spoilt(payload, fault)
        if payload:
            self.put_on_wire(payload)
        if fault in {Fault.UNPLUG, Fault.PULL_OUT}:
            self.unplug(abrupt=fault is Fault.PULL_OUT)

    def close(self) -> None:
        """Vanish for good."""
        self.unplug()

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryPlug(Plug):
    """memory://name, for stubs that live in the server's own process."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._port = MemoryPort(name, self._pass_on)

    @property
    def url(self) -> str:
        """See Plug."""
        return self._port.url

    def plug_in(self) -> None:
        """See Plug."""
        self._port.plug_in()

    def unplug(self, *, abrupt: bool = False) -> None:
        """See Plug."""
        self._port.unplug("connection_reset" if abrupt else "unplugged")

    def put_on_wire(self, payload: bytes) -> None:
        """See Plug."""
        self._port.send(payload)

    def _pass_on(self, payload: bytes) -> None:
        self._receive(payload)


class _ThreadedPlug(Plug):
    """A plug whose descriptors belong to one thread, which alone opens the way in and closes it."""

    def __init__(self) -> None:
        super().__init__()
        self._thread: threading.Thread | None = None
        self._stop_write = -1
        self._lock = threading.Lock()

    def unplug(self, *, abrupt: bool = False) -> None:
        """See Plug."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            os.write(self._stop_write, b"!" if abrupt else b".")
            os.close(self._stop_write)
        if thread is not threading.current_thread():
            thread.join()

    def _start(self, run: Callable[[int], None], name: str) -> None:
        stop_read, self._stop_write = os.pipe()
        self._thread = threading.Thread(target=run, args=(stop_read,), name=name, daemon=True)
        self._thread.start()


class PtyPlug(_ThreadedPlug):
    """serial://…: a pseudo-terminal behind a name that stays, as /dev/serial/by-id does for real ports."""

    def __init__(self, name: str = "device") -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="stub-")
        self._name = Path(self._folder.name) / name
        self._host_side = -1

    @property
    def path(self) -> str:
        """The port's name in the file system."""
        return str(self._name)

    @property
    def url(self) -> str:
        """See Plug."""
        return f"serial://{self.path}?baud=115200"

    def plug_in(self) -> None:
        """See Plug."""
        host_side, device_side = os.openpty()
        tty.setraw(device_side)  # a cooked terminal echoes, and eats ^C and ^Q
        os.set_blocking(host_side, False)
        self._host_side = host_side
        self._name.symlink_to(os.ttyname(device_side))
        self._start(lambda stop: self._run(stop, host_side, device_side), f"pty {self._name.name}")

    def put_on_wire(self, payload: bytes) -> None:
        """See Plug."""
        with self._lock:
            if self._thread is not None:
                with contextlib.suppress(BlockingIOError):  # nobody reads: lost, as on a wire
                    os.write(self._host_side, payload)

    def unplug(self, *, abrupt: bool = False) -> None:
        """See Plug."""
        self._name.unlink(missing_ok=True)
        super().unplug(abrupt=abrupt)

    def close(self) -> None:
        """See Plug."""
        super().close()
        self._folder.cleanup()

    def _run(self, stop: int, host_side: int, device_side: int) -> None:
        try:
            while stop not in (ready := select.select([host_side, stop], [], [])[0]):
                if ready:
                    self._receive(os.read(host_side, CHUNK))
        finally:
            for descriptor in (stop, host_side, device_side):
                os.close(descriptor)


class FilePlug(PtyPlug):
    """file://…: the same, opened as a USB printer's character device is."""

    @property
    def url(self) -> str:
        """See Plug."""
        return f"file://{self.path}"


class TcpPlug(_ThreadedPlug):
    """tcp://127.0.0.1:port: a device behind a terminal server, one connection at a time."""

    def __init__(self) -> None:
        super().__init__()
        self._port = 0
        self._listener: socket.socket | None = None
        self._host: socket.socket | None = None

    @property
    def url(self) -> str:
        """See Plug."""
        return f"tcp://127.0.0.1:{self._port}"

    def plug_in(self) -> None:
        """See Plug."""
        listener = socket.create_server(("127.0.0.1", self._port))
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._start(lambda stop: self._run(stop, listener), f"tcp {self._port}")

    def put_on_wire(self, payload: bytes) -> None:
        """See Plug."""
        host = self._accepted()
        if host is not None:
            with contextlib.suppress(OSError):
                host.sendall(payload)

    def _accepted(self) -> socket.socket | None:
        """Return the connection, taking one that waits; the sender may be quicker than our thread."""
        with self._lock:
            if self._host is None and self._listener is not None:
                with contextlib.suppress(OSError):
                    self._host = self._listener.accept()[0]
                    self._host.setblocking(True)
                    self._host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._host

    def _run(self, stop: int, listener: socket.socket) -> None:
        while True:
            awaited: list[int | socket.socket] = [stop, self._host or listener]
            if stop in select.select(awaited, [], [])[0]:
                break
            self._serve()
        self._listener = None
        listener.close()
        self._hang_up(abrupt=os.read(stop, 1) == b"!")
        os.close(stop)

    def _serve(self) -> None:
        host = self._accepted()
        # Taken a moment ago by a sender, it may have nothing to say yet.
        if host is None or not select.select([host], [], [], 0)[0]:
            return
        try:
            received = host.recv(CHUNK)
        except OSError:
            received = b""
        if received:
            self._receive(received)
        else:
            self._hang_up(abrupt=False)

    def _hang_up(self, *, abrupt: bool) -> None:
        with self._lock:
            host, self._host = self._host, None
        if host is None:
            return
        with host, contextlib.suppress(OSError):  # the other side may have been quicker
            if abrupt:
                host.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
