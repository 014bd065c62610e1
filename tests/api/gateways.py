"""A service that takes pages, on the loopback: what it received, and what it is told to answer."""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

PATIENCE_S = 90.0  # a server may have to start meanwhile, on a machine that has much else to do


@dataclass
class Gateway:
    """A receiver of webhooks; once its script is used up, it takes everything."""

    port: int = 0
    received: list[dict[str, Any]] = field(default_factory=list)
    received_at: list[float] = field(default_factory=list)
    script: deque[tuple[int, dict[str, str]] | None] = field(default_factory=deque)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=CANARY-KEY"

    def will_answer(self, status: int, **headers: str) -> None:
        """Answer the next page not yet scripted with this status."""
        self.script.append((status, {name.replace("_", "-"): value for name, value in headers.items()}))

    def will_hang(self) -> None:
        """Say nothing to the next page not yet scripted until ``let_go``."""
        self.script.append(None)

    def texts(self) -> list[str]:
        return [str(one["text"]) for one in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split()[0]) if "content-length:" in head else 0
        body = await reader.readexactly(length)
        self.received_at.append(time.perf_counter())
        self.received.append(json.loads(body) if body else {"text": head.split()[0]})
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answer = self.script.popleft() if self.script else (200, {})
        if answer is None:
            await self.let_go.wait()
            answer = (200, {})
        self.at_once -= 1
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer[1].items())
        writer.write(f"HTTP/1.1 {answer[0]} x\r\n{lines}content-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        made.let_go.set()
        server.close()
        await server.wait_closed()


async def until(is_so: Callable[[], Any]) -> None:
    """Wait until something is so; what never becomes so fails the test."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110  # no event tells of what a service received
            await asyncio.sleep(0.02)
