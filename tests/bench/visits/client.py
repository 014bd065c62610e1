"""One connection that is kept open, and no more of HTTP than a bench needs."""

import asyncio
import time
from typing import Any, Self
from uuid import uuid4

import msgspec

_ERRORS = 400


class Refusal(Exception):
    """A server answered what no bench expects."""


class Client:
    """Asks one question after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, port: int) -> Self:
        """Connect to a server of this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, token: str, body: bytes) -> tuple[Any, float]:
        """Return what a write is answered, decoded, and the seconds until it was."""
        head = f"Idempotency-Key: {uuid4().hex}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        request = _request("POST", path, token, head) + body
        began_at = time.perf_counter()
        content = await self._answer(request)
        took_s = time.perf_counter() - began_at
        return msgspec.json.decode(content) if content else None, took_s

    async def get(self, path: str, token: str = "") -> Any:
        """Return what a question is answered, decoded."""
        return msgspec.json.decode(await self.page(path, token))

    async def page(self, path: str, token: str) -> bytes:
        """Return a page as it comes."""
        return await self._answer(_request("GET", path, token, ""))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def _answer(self, request: bytes) -> bytes:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        content = await self._reader.readexactly(int(length or 0))
        if int(head.split(None, 2)[1]) >= _ERRORS:
            raise Refusal(request.split(b"\r\n", 1)[0].decode(), head.split(b"\r\n", 1)[0].decode(), content.decode())
        return content


def _request(method: str, path: str, token: str, head: str) -> bytes:
    said = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{said}{head}\r\n".encode()
