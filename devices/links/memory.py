"""memory://name — a line without hardware, for simulated devices and tests. The port is the socket in the wall."""

import asyncio
from collections.abc import Callable
from threading import Lock

from devices.errors import LinkLost, LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.inbox import ByteInbox
from devices.links.port import ClosesOnExit


class MemoryPort:
    """The device's end. While it is plugged in, `memory://name` can be opened by one reader at a time; thread-safe."""

    _plugged: "dict[str, MemoryPort]" = {}  # noqa: RUF012 - the one list of names, as /dev is
    _lock = Lock()

    def __init__(self, name: str, receive: Callable[[bytes], None]) -> None:
        self.name = name
        self._receive = receive
        self._line: MemoryLine | None = None
        self._times_plugged_in = 0

    @property
    def url(self) -> str:
        """Where the other end is opened."""
        return f"memory://{self.name}"

    @property
    def is_open(self) -> bool:
        """Whether somebody holds the other end."""
        return self._line is not None

    def plug_in(self) -> None:
        """Make the name known."""
        with self._lock:
            if self._plugged.setdefault(self.name, self) is not self:
                raise ValueError(f"memory://{self.name} is plugged in already")
            self._times_plugged_in += 1

    def unplug(self, reason: str = "unplugged") -> None:
        """Take the name away; whoever holds the line loses it."""
        with self._lock:
            if self._plugged.get(self.name) is self:
                del self._plugged[self.name]
            line, self._line = self._line, None
        if line is not None:
            line.lose_threadsafe(reason)

    def send(self, payload: bytes) -> None:
        """Send to whoever holds the line; to nobody, as a wire does, when no one does."""
        line = self._line
        if line is not None:
            line.feed_threadsafe(payload)

    @classmethod
    def stamp(cls, name: str) -> object | None:
        """Return what one plugging in of a port is told from the next by, or None while it is away."""
        with cls._lock:
            port = cls._plugged.get(name)
            return None if port is None else (id(port), port._times_plugged_in)  # noqa: SLF001 - our own

    @classmethod
    def open(cls, name: str) -> "MemoryLine":
        """Take the other end. Raises LinkUnavailable."""
        with cls._lock:
            port = cls._plugged.get(name)
        if port is None:
            raise LinkUnavailable("no_such_port")
        return port.take()

    def take(self) -> "MemoryLine":
        """Give the other end to its only reader. Raises LinkUnavailable."""
        with self._lock:
            if self._line is not None:
                raise LinkUnavailable("port_taken")
            self._line = MemoryLine(self)
            return self._line

    def deliver(self, line: "MemoryLine", payload: bytes) -> None:
        """Give the device what the reader wrote, unless the device is gone."""
        if self._line is not line:
            raise LinkLost("unplugged")
        self._receive(payload)

    def release(self, line: "MemoryLine") -> None:
        """Let the next reader in."""
        with self._lock:
            if self._line is line:
                self._line = None


class MemoryLine(ClosesOnExit):
    """The reader's end of a MemoryPort."""

    def __init__(self, port: MemoryPort) -> None:
        self._port = port
        self._inbox = ByteInbox()
        self._loop = asyncio.get_running_loop()

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        """See Link."""
        return await self._inbox.read(max_bytes, timeout_s)

    async def write(self, payload: bytes) -> None:
        """See Link."""
        if self._inbox.loss is not None:
            raise LinkLost(self._inbox.loss)
        self._port.deliver(self, payload)

    async def close(self) -> None:
        """See Link."""
        self._inbox.lose("closed")
        self._port.release(self)

    def feed_threadsafe(self, payload: bytes) -> None:
        """Take what the device sent, from any thread."""
        self._loop.call_soon_threadsafe(self._inbox.feed, payload)

    def lose_threadsafe(self, reason: str) -> None:
        """End the line, from any thread."""
        self._loop.call_soon_threadsafe(self._inbox.lose, reason)


async def open_memory(address: LinkAddress) -> MemoryLine:
    """Open the other end of a plugged-in MemoryPort. Raises LinkUnavailable."""
    address.refuse_other_queries("baud")
    return MemoryPort.open(address.host)
