"""From a check-in being sent to the last of many open pages being told, and what pages that went away leave behind."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from firmware_stubs.rehearsal import deeds
from tests.bench.figures import Spread
from tests.bench.visits.client import Client
from tests.bench.visits.course import somebody
from tests.bench.visits.engines import databases
from tests.bench.visits.growth import settings_of
from tests.bench.visits.processes import running
from tests.bench.visits.served import STREAMS_ROUTE
from tests.bench.visits.site import Site
from tests.peers import free_port

WITHIN_S = 60.0
AT_ONCE = 100
_TOLD, _BEGINS = b"event: visits", b"event: resync"


@dataclass(frozen=True, slots=True)
class Told:
    """How long it took until the last of so many pages was told, and how many were left of those that went away."""

    last_told: Mapping[int, Spread]
    left: int


@dataclass(frozen=True, slots=True)
class _Page:
    """One page that listens."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def hear(self, what: bytes) -> float:
        """Wait until something is said, and return when."""
        await self.reader.readuntil(what)
        return time.perf_counter()


async def measure(counts: Sequence[int], check_ins: int, disconnects: int) -> Told:
    """Check so many people in before so many open pages; then open as many pages as shall go away."""
    with ExitStack() as stack:
        made = stack.enter_context(databases("sqlite"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clinic-streams-")))
        port, url = free_port(), made.new()
        site = await asyncio.to_thread(Site.made_up, folder, port, url, 1, 2)
        settings = settings_of(site, url)
        stack.enter_context(running("served", str(port), port=port, environment=settings))
        await site.begin_day(port)
        last_told = {count: Spread.of(await _last_told(site, port, count, check_ins)) for count in counts}
        return Told(last_told, await _left(site, port, disconnects))


async def _last_told(site: Site, port: int, count: int, check_ins: int) -> list[float]:
    """Return the seconds from each check-in to the last page."""
    pages, client, times = await _opened(site, port, count), await Client.of(port), []
    for _ in range(check_ins):
        deed = deeds.check_in_typed(somebody())
        began_at = time.perf_counter()
        async with asyncio.timeout(WITHIN_S):
            told = asyncio.gather(*(page.hear(_TOLD) for page in pages))
            await client.post(deed.path, site.tokens["registrar"], msgspec.json.encode(deed.body))
            times.append(max(await told) - began_at)
    client.close()
    for page in pages:
        page.writer.close()
    return times


async def _left(site: Site, port: int, disconnects: int) -> int:
    """Return how many more pages the server believes to be open once all of these went away."""
    await asyncio.sleep(1)
    before = await _streams(port)
    for _ in range(0, disconnects, AT_ONCE):
        for page in await _opened(site, port, min(AT_ONCE, disconnects)):
            page.writer.transport.abort()
    deadline = time.monotonic() + WITHIN_S
    while (left := await _streams(port) - before) > 0 and time.monotonic() < deadline:  # noqa: ASYNC110  # another process counts
        await asyncio.sleep(0.1)
    return left


async def _opened(site: Site, port: int, count: int) -> list[_Page]:
    """Open pages, and wait until the server speaks to each."""
    request = (
        f"GET /live?topics=visits HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {site.tokens['lead']}\r\n\r\n"
    )
    pages = [_Page(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(count)]
    for page in pages:
        page.writer.write(request.encode())
    async with asyncio.timeout(WITHIN_S):
        await asyncio.gather(*(page.hear(_BEGINS) for page in pages))
    return pages


async def _streams(port: int) -> int:
    client = await Client.of(port)
    count: int = await client.get(STREAMS_ROUTE, "")
    client.close()
    return count
