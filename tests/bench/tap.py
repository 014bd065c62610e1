"""A relay between the server and its broker, which notes when the server acknowledged what."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

CHUNK = 65_536
PUBLISH, PUBACK, SUBACK = 3, 4, 9


@dataclass(slots=True)
class Packets:
    """MQTT packets out of a stream that is cut anywhere: each its type, its flags and its body."""

    _rest: bytearray = field(default_factory=bytearray)

    def cut(self, chunk: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield the packets that are whole by now."""
        self._rest += chunk
        while (packet := self._first()) is not None:
            yield packet

    def _first(self) -> tuple[int, int, bytes] | None:
        whole = _varint(self._rest, 1)
        if whole is None:
            return None
        length, begin = whole
        if len(self._rest) < begin + length:
            return None
        kind, body = self._rest[0], bytes(self._rest[begin : begin + length])
        del self._rest[: begin + length]
        return kind >> 4, kind & 0x0F, body


@dataclass(slots=True)
class Tap:
    """Where the server believes its broker to be. ``acknowledged_at`` is by payload, on the machine's own counter."""

    port: int = 0
    acknowledged_at: dict[bytes, float] = field(default_factory=dict)
    subscribed: asyncio.Event = field(default_factory=asyncio.Event)
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _delivered: dict[int, bytes] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """What the server is told."""
        return f"mqtt://127.0.0.1:{self.port}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let nothing through to the server meanwhile: the broker keeps it, as for a server that is away."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    async def to_server(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on what the broker says."""
        packets = Packets()
        while chunk := await source.read(CHUNK):
            await self._flows.wait()
            for kind, flags, body in packets.cut(chunk):
                if kind == PUBLISH and flags & 0b110:
                    message_id, payload = _published(body)
                    self._delivered[message_id] = payload
                elif kind == SUBACK:
                    self.subscribed.set()
            sink.write(chunk)
            await sink.drain()

    async def to_broker(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass on what the server says."""
        packets = Packets()
        while chunk := await source.read(CHUNK):
            at = time.perf_counter()
            for kind, _, body in packets.cut(chunk):
                if kind == PUBACK:
                    self.acknowledged_at[self._delivered.pop(int.from_bytes(body[:2]))] = at
            sink.write(chunk)
            await sink.drain()


@asynccontextmanager
async def tapped(broker_port: int) -> AsyncIterator[Tap]:
    """Yield a tap on a broker of this machine."""
    tap = Tap()
    tap._flows.set()

    relays = set[asyncio.Task[None]]()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        relays.add(asyncio.create_task(_relay(tap, broker_port, reader, writer)))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        tap.port = server.sockets[0].getsockname()[1]
        yield tap
    for relay in relays:
        relay.cancel()
    await asyncio.gather(*relays, return_exceptions=True)


async def _relay(tap: Tap, broker_port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one connection until either end closes it."""
    from_broker, to_broker = await asyncio.open_connection("127.0.0.1", broker_port)
    ways = [asyncio.create_task(way) for way in (tap.to_server(from_broker, writer), tap.to_broker(reader, to_broker))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        writer.close()
        to_broker.close()


def _published(body: bytes) -> tuple[int, bytes]:
    """Return the id and the payload of a message of MQTT 5 that is to be acknowledged."""
    after_topic = 2 + int.from_bytes(body[:2])
    properties = _varint(body, after_topic + 2)
    if properties is None:
        raise ValueError("a message without its properties")
    length, begin = properties
    return int.from_bytes(body[after_topic : after_topic + 2]), body[begin + length :]


def _varint(packet: bytes | bytearray, begin: int) -> tuple[int, int] | None:
    """Return a length and where what follows it begins, or None while it is not whole."""
    value = 0
    for place, byte in enumerate(packet[begin : begin + 4]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, begin + place + 1
    return None
