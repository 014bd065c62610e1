"""What goes up to the server: moments at once and once, durable events when the server has answered for them."""

import asyncio
import contextlib
import functools
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import uuid4

from devices.agent.clock import ServerClock
from devices.agent.messages import (
    EVENT,
    MOST_BATCH_BYTES,
    MOST_IN_A_BATCH,
    PERISHES_AFTER_S,
    Durable,
    Moment,
    SpoolTrouble,
)
from devices.agent.spool import Kept, Spool, SpoolFailed, SpoolFull
from devices.agent.standing import Standing
from devices.agent.uplink import NotTaken, ServerAway, Uplink
from devices.events import BarcodeScanned, CardRead, CardUnreadable, DeviceEvent, Receipted
from devices.receipts import Receipt

T = TypeVar("T")
MOST_MOMENTS: Final = 32
SHORTEST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Born:
    event: DeviceEvent
    at_s: float


class Moments:
    """Cards, scans and hints: sent once, dropped and counted when the server is away or they are too old."""

    def __init__(self, uplink: Uplink, standing: Standing, clock: ServerClock) -> None:
        self._uplink = uplink
        self._standing = standing
        self._clock = clock
        self._waiting: deque[_Born] = deque()
        self._filled = asyncio.Event()

    def take(self, event: DeviceEvent) -> None:
        """Take an event and return at once."""
        if not self._standing.is_reached or len(self._waiting) >= MOST_MOMENTS:
            self._drop(event)
            return
        self._waiting.append(_Born(event, self._clock.monotonic()))
        self._filled.set()

    async def run(self) -> None:
        """Send what comes, until cancelled."""
        while True:
            await self._filled.wait()
            while self._waiting:
                await self._send(self._waiting.popleft())
            self._filled.clear()

    async def _send(self, born: _Born) -> None:
        age_s = self._clock.monotonic() - born.at_s
        if age_s > PERISHES_AFTER_S or not self._standing.is_reached:
            self._drop(born.event)
            return
        try:
            await self._uplink.pass_on(Moment(uuid4().hex, round(age_s * 1000), born.event))
        except ServerAway as away:
            self._standing.away(away.reason, self._clock.utc_now())
            self._drop(born.event)
        except NotTaken:
            self._drop(born.event)

    def _drop(self, event: DeviceEvent) -> None:
        if isinstance(event, CardRead | CardUnreadable | BarcodeScanned):
            self._standing.drop()


class Lasting:
    """Durable events: on the disk before their sender is told, sent in order until the server has answered."""

    def __init__(self, spool: Spool, uplink: Uplink, standing: Standing, clock: ServerClock) -> None:
        self._spool = spool
        self._uplink = uplink
        self._standing = standing
        self._clock = clock
        self._coming: deque[tuple[bytes, Receipt]] = deque()
        self._came = asyncio.Event()
        self._filled = asyncio.Event()
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._most = MOST_IN_A_BATCH
        if spool.set_aside:
            standing.spool_trouble = SpoolTrouble.SET_ASIDE

    def take(self, event: Durable) -> None:
        """Take an event and return at once; its receipt is used when it is on the disk."""
        receipt = event.receipt if isinstance(event, Receipted) else None
        self._coming.append((EVENT.encode(event), receipt or Receipt(self._count_lost)))
        self._came.set()

    async def keep(self) -> None:
        """Put what comes on the disk, all that waits at once; until cancelled, and then the rest."""
        try:
            while True:
                await self._came.wait()
                self._came.clear()
                await asyncio.shield(self._keep_all())
        finally:
            await self._keep_all()

    async def send(self) -> None:
        """Send what is on the disk, oldest first, until cancelled."""
        wait_s = SHORTEST_WAIT_S
        while True:
            self._note_depth()
            if not len(self._spool):
                self._filled.clear()
                await self._filled.wait()
            try:
                await self._hand_in(await self._on_disk(lambda: self._spool.oldest(self._most, MOST_BATCH_BYTES)))
            except ServerAway as away:
                self._standing.server_is_back.clear()
                await self._wait(max(wait_s, away.retry_after_s))
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            except SpoolFailed:  # the disk may be well again later; cards go on meanwhile
                self._standing.spool_trouble = SpoolTrouble.FAILED
                await asyncio.sleep(LONGEST_WAIT_S)
            else:
                wait_s = SHORTEST_WAIT_S

    async def close(self) -> None:
        """Let go of the file."""
        await self._on_disk(self._spool.close)
        self._disk.shutdown()

    async def _hand_in(self, kept: list[Kept]) -> None:
        if not kept:
            return
        try:
            refused = await self._uplink.hand_in(kept)
        except NotTaken as refusal:
            if len(kept) > 1:  # one of them spoils the others: find it
                self._most = len(kept) // 2
                return
            refused = {kept[0].id: refusal.code or f"status_{refusal.status}"}
        else:
            self._most = MOST_IN_A_BATCH
        await self._on_disk(lambda: self._spool.answered(kept, refused))
        self._standing.refused += len(refused)
        if self._standing.spool_trouble is SpoolTrouble.FULL:
            self._standing.spool_trouble = SpoolTrouble.NONE

    async def _keep_all(self) -> None:
        taken = [self._coming.popleft() for _ in range(len(self._coming))]
        if not taken:
            return
        try:
            await self._on_disk(lambda: self._spool.add([content for content, _ in taken]))
        except (SpoolFull, SpoolFailed) as error:
            trouble = SpoolTrouble.FULL if isinstance(error, SpoolFull) else SpoolTrouble.FAILED
            for _, receipt in taken:
                receipt.decline()
        else:
            trouble = SpoolTrouble.SET_ASIDE if self._spool.set_aside else SpoolTrouble.NONE
            for _, receipt in taken:
                receipt.acknowledge()
            self._filled.set()
        self._standing.spool_trouble = trouble
        self._note_depth()

    def _count_lost(self, is_kept: bool) -> None:
        """Count what nobody else keeps: a printer does not say again that it printed."""
        self._standing.lost += not is_kept

    def _note_depth(self) -> None:
        if self._standing.spool_depth != len(self._spool):
            self._standing.spool_depth = len(self._spool)
            self._standing.news.set()

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._standing.server_is_back.wait()

    async def _on_disk(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._disk, functools.partial(act))
