"""tcp://host:port — readers and scanners behind a terminal server."""

import asyncio
import socket
from typing import cast

from devices.errors import AddressRefused, LinkLost, LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.inbox import ByteInbox
from devices.links.port import ClosesOnExit

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 2.0


async def open_tcp(address: LinkAddress) -> "TcpLine":
    """Connect. Raises LinkUnavailable, SpecRefused."""
    address.refuse_other_queries("baud")
    if not address.host or address.port is None:
        raise AddressRefused("a tcp URL names host and port: tcp://host:4001")
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            loop = asyncio.get_running_loop()
            _, line = await loop.create_connection(TcpLine, address.host, address.port)
    except TimeoutError:
        raise LinkUnavailable("no_answer") from None
    except OSError:
        raise LinkUnavailable("connection_refused") from None
    return line


class TcpLine(asyncio.Protocol, ClosesOnExit):
    """An open TCP connection."""

    def __init__(self) -> None:
        self._inbox = ByteInbox()
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.get_running_loop().create_future()
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; a peer that lost power must not look alive for hours."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not of asyncio's classes
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)

    def data_received(self, received: bytes) -> None:
        """Keep what arrived."""
        self._inbox.feed(received)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the reader."""
        self._inbox.lose("closed_by_peer" if error is None else "connection_reset")
        self._may_write.set()
        if not self._closed.done():
            self._closed.set_result(None)

    def pause_writing(self) -> None:
        """Hold writers while the peer does not read."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._may_write.set()

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        """See Link."""
        return await self._inbox.read(max_bytes, timeout_s)

    async def write(self, payload: bytes) -> None:
        """See Link."""
        if self._inbox.loss is not None or self._transport is None:
            raise LinkLost(self._inbox.loss or "closed")
        self._transport.write(payload)
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._may_write.wait()
        except TimeoutError:
            raise LinkLost("peer_does_not_read") from None

    async def close(self) -> None:
        """See Link."""
        self._inbox.lose("closed")
        if self._transport is not None:
            self._transport.abort()
            await asyncio.shield(self._closed)
