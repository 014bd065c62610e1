"""A publisher, MQTT 5 with QoS 1: one message under way at a time, and a deadline on every wait.

Not 3.1.1: there a broker confirms also what it throws away, because the sender may not write there or nobody listens.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol, TypeVar

    Given = TypeVar("Given")

    class Reader(Protocol):
        """asyncio's, of either interpreter."""

        def readexactly(self, n: int) -> Awaitable[bytes]: ...

    class Writer(Protocol):
        """asyncio's, of either interpreter."""

        def write(self, data: bytes) -> object: ...

        def drain(self) -> Awaitable[object]: ...

        def close(self) -> object: ...

    OpenConnection = Callable[[str, int], Awaitable[tuple[Any, Any]]]

ANSWER_S = 10
LARGEST_ANSWER = 256  # nobody publishes to us
LONGEST_LENGTH = 4
LAST_PACKET_ID = 0xFFFF
CONNECT, CONNACK, PUBLISH, PUBACK, PINGREQ, PINGRESP = 0x10, 0x20, 0x30, 0x40, 0xC0, 0xD0
QOS_1, RETAIN = 0x02, 0x01
NO_PROPERTIES = b"\0"
SUCCESS, FIRST_REFUSAL, NOBODY_LISTENS = b"\0", 0x80, 0x10
WILL_QOS_1_RETAIN, CLEAN_START, HAS_WILL, HAS_PASSWORD, HAS_USER = 0x28, 0x02, 0x04, 0x40, 0x80


class BrokerLost(Exception):
    """The connection is gone or of no use; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Publisher:
    """One connection after the other to one broker; `will` is what it says for us when we vanish, retained."""

    def __init__(
        self, open_connection: "OpenConnection", host: str, port: int, client_id: str, will: "tuple[str, bytes]"
    ) -> None:
        self._open_connection = open_connection
        self._address = (host, port)
        self._client_id = client_id
        self._will = will
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        self._packet_id = 0
        self.keepalive_s = 60
        self.answer_s: float = ANSWER_S
        self.login: tuple[str, str] | None = None

    async def connect(self) -> None:
        """Open a connection and be let in. Raises BrokerLost."""
        self.close()
        self._reader, self._writer = await self._within(self._open_connection(*self._address))
        await self._send(CONNECT, self._introduction())
        answer = await self._within(self._answer(CONNACK))
        if answer[1:2] != SUCCESS:
            raise BrokerLost("connection_not_permitted")

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:
        """Publish and return, once it is confirmed, whether anybody is there to get it. Raises BrokerLost."""
        self._packet_id = self._packet_id % LAST_PACKET_ID + 1
        packet_id = self._packet_id.to_bytes(2, "big")
        rest = _text(topic.encode()) + packet_id + NO_PROPERTIES + payload
        await self._send(PUBLISH | QOS_1 | (RETAIN if retain else 0), rest)
        answer = b""
        while answer[:2] != packet_id:
            answer = await self._within(self._answer(PUBACK))
        reason = (answer[2:3] or SUCCESS)[0]
        if reason >= FIRST_REFUSAL:
            raise BrokerLost("publishing_not_permitted")
        return reason != NOBODY_LISTENS

    async def ping(self) -> None:
        """Ask whether the broker is still there. Raises BrokerLost."""
        await self._send(PINGREQ, b"")
        await self._within(self._answer(PINGRESP))

    def close(self) -> None:
        """Drop the connection without a word, so that the will is sent."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            writer.close()

    def _introduction(self) -> bytes:
        flags = CLEAN_START | HAS_WILL | WILL_QOS_1_RETAIN
        topic, will = self._will
        rest = _text(self._client_id.encode()) + NO_PROPERTIES + _text(topic.encode()) + _text(will)
        if self.login is not None:
            flags |= HAS_USER | HAS_PASSWORD
            rest += b"".join([_text(part.encode()) for part in self.login])
        return b"\0\4MQTT\5" + bytes([flags]) + self.keepalive_s.to_bytes(2, "big") + NO_PROPERTIES + rest

    async def _send(self, first: int, rest: bytes) -> None:
        if self._writer is None:
            raise BrokerLost("not_connected")
        self._writer.write(bytes([first]) + _length(len(rest)) + rest)
        await self._within(self._writer.drain())

    async def _answer(self, wanted: int) -> bytes:
        """Return the body of the next packet of a kind; others are of no use to us."""
        while True:
            first, body = await self._next_packet()
            if first == wanted:
                return body

    async def _next_packet(self) -> "tuple[int, bytes]":
        first = (await self._read(1))[0]
        length = 0
        for place in range(LONGEST_LENGTH):
            octet = (await self._read(1))[0]
            length |= (octet & 0x7F) << 7 * place
            if not octet & 0x80:
                break
        if length > LARGEST_ANSWER:
            raise BrokerLost("packet_malformed")
        return first, await self._read(length) if length else b""

    async def _read(self, count: int) -> bytes:
        if self._reader is None:
            raise BrokerLost("not_connected")
        return await self._reader.readexactly(count)

    async def _within(self, answer: "Awaitable[Given]") -> "Given":
        """Wait for no longer than an answer may take; late is lost, for the rest of it would be read as the next."""
        try:
            return await asyncio.wait_for(answer, self.answer_s)
        except asyncio.TimeoutError:
            raise BrokerLost("broker_does_not_answer") from None
        except (OSError, EOFError):
            raise BrokerLost("disconnected") from None


def _text(octets: bytes) -> bytes:
    return len(octets).to_bytes(2, "big") + octets


def _length(length: int) -> bytes:
    octets = b""
    while True:
        length, octet = length >> 7, length & 0x7F
        octets += bytes([octet | (0x80 if length else 0)])
        if not length:
            return octets
