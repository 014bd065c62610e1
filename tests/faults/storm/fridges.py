"""Fridges with the site's own probes: the firmware as it is on a board, over a post that keeps back and doubles."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from clinic_server.kit.clock import Clock
from firmware_stubs.fridge_probe.firmware.probe_core import probe as firmware
from firmware_stubs.fridge_probe.firmware.probe_core.mqtt import Publisher
from firmware_stubs.fridge_probe.firmware.probe_core.ring import SLOT_BYTES, Ring
from tests.faults.storm.courses import BETWEEN, calm

SLOTS = 4_096
MINUTE = timedelta(minutes=1)
FIRST_WAIT_S = 0.05
LOOK_S = 0.01
SENT_WITHIN_S = 60.0
AJAR = (15, 30)  # so many readings later comes what shows that a door only stood ajar: by then it looked like more


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """A reading as its probe took it down."""

    boot: int
    seq: int
    at_unix_ms: int
    milli_celsius: int


class Memory:
    """What a board's flash is."""

    def __init__(self, size: int) -> None:
        self._cells = bytearray(size)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self._cells[offset : offset + length])

    def write(self, offset: int, octets: bytes) -> None:
        self._cells[offset : offset + len(octets)] = octets


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading that is kept back until so many others went out."""

    topic: str
    payload: bytes
    until_sent: int


class UnrulyPost(Publisher):
    """A way to the broker that keeps readings back, doubles others, and delivers what it kept out of order.

    It keeps back single readings, now and then all of a quarter of an hour or more; and most of those without which the
    server must take for an excursion what is none, until it has done so.

    The probe takes what is kept back for sent. After many of those its last SENT_AGAIN are none that the broker ever
    confirmed, so that the post sends again those which they pushed out.
    """

    def __init__(self, random: Random, url: str, dev: str) -> None:
        parts = urlsplit(url)
        will = (firmware.topic_of(dev, "status"), b"offline")
        super().__init__(asyncio.open_connection, parts.hostname or "", parts.port or 0, dev, will)
        self._random = random
        self._kept: list[Kept] = []
        self._delivered: deque[Kept] = deque(maxlen=firmware.SENT_AGAIN)
        self._passed_on: deque[tuple[int, Kept]] = deque(maxlen=firmware.SENT_AGAIN)  # each with its seq
        self._last_taken = -1
        self._sent = 0
        self._keeps_back = 0
        self.is_honest = False

    async def connect(self) -> None:
        """See Publisher; what it delivered late it trusts no more than the probe trusts what it sent."""
        await super().connect()
        self._kept += self._delivered
        self._delivered.clear()
        first_sent_again = self._last_taken - firmware.SENT_AGAIN + 1
        self._kept += [one for seq, one in self._passed_on if seq < first_sent_again]
        self._passed_on.clear()

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:  # the firmware's
        if retain:
            return await super().publish(topic, payload, retain)
        reading = json.loads(payload)
        is_between = reading["mC"] in BETWEEN
        self._sent += 1
        if self._is_kept_back(is_between=is_between):
            self._kept.append(Kept(topic, payload, self._sent + (self._random.randint(*AJAR) if is_between else 0)))
            self._last_taken = max(self._last_taken, reading["seq"])
            return True
        is_heard = await super().publish(topic, payload)
        if is_heard:
            self._passed_on.append((reading["seq"], Kept(topic, payload, self._sent)))
            self._last_taken = max(self._last_taken, reading["seq"])
        if self._happens(0.03):
            await super().publish(topic, payload)
        if self.is_honest or self._happens(0.3):
            await self._deliver_one()
        return is_heard

    @property
    def kept_back(self) -> int:
        """How many readings are kept back."""
        return len(self._kept)

    def _is_kept_back(self, *, is_between: bool) -> bool:
        if self._happens(0.005):
            self._keeps_back = self._random.randint(12, 40)
        self._keeps_back = 0 if self.is_honest else max(0, self._keeps_back - 1)
        return bool(self._keeps_back) or self._happens(0.8 if is_between else 0.03)

    def _happens(self, chance: float) -> bool:
        return not self.is_honest and self._random.random() < chance

    async def _deliver_one(self) -> None:
        may_go = [one for one in self._kept if self.is_honest or one.until_sent <= self._sent]
        if not may_go:
            return
        late = self._random.choice(may_go)
        if await super().publish(late.topic, late.payload):
            self._kept.remove(late)
            self._delivered.append(late)


@dataclass(slots=True)
class Fridge:
    """A fridge with its probe; ``ledger`` is what it measured, whatever became of that."""

    dev: str
    minutes: Sequence[int | None]
    random: Random
    post: UnrulyPost
    ring: Ring = field(default_factory=lambda: Ring(Memory(SLOTS * SLOT_BYTES), SLOTS))
    ledger: list[Told] = field(default_factory=list)
    measured: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing happens here any more."""
        return self.measured >= len(self.minutes)

    def next_minute(self) -> int | None:
        """Return what is measured now; after the last minute all is in order."""
        minute = calm(self.random) if self.is_over else self.minutes[self.measured]
        self.measured += 1
        return minute


class Fridges:
    """All fridges of the site between ``with``, on a thread of their own; their minutes are the site's clock's."""

    def __init__(self, fridges: Sequence[Fridge], clock: Clock) -> None:
        self.fridges = fridges
        self.broken: list[str] = []
        self._clock = clock
        self._since = clock.now().replace(microsecond=0)
        self._has_to_end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="fridges", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def are_over(self) -> bool:
        """Whether every course has been gone through."""
        return all(one.is_over for one in self.fridges)

    @property
    def readings(self) -> int:
        """How many readings there are."""
        return sum(len(one.ledger) for one in self.fridges)

    @property
    def kept_back(self) -> int:
        """How many readings the post keeps back."""
        return sum(one.post.kept_back for one in self.fridges)

    def settle(self) -> None:
        """Let the post do nothing but its work; what it kept goes out with the minutes that follow."""
        for one in self.fridges:
            one.post.is_honest = True

    def end(self) -> None:
        """Measure no more, and send what is left."""
        self._has_to_end.set()
        self._thread.join()

    async def _run(self) -> None:
        sending = [asyncio.create_task(self._live(one)) for one in self.fridges]
        await asyncio.gather(*sending)

    async def _live(self, fridge: Fridge) -> None:
        now_s = [0.0]
        probe = firmware.Probe(fridge.dev, fridge.ring, firmware.Clock(now_s=lambda: now_s[0]), fridge.post)
        probe.first_wait_s = probe.unheard_wait_s = FIRST_WAIT_S
        sending = asyncio.create_task(probe.send_for_ever())
        while not self._has_to_end.is_set():
            at = self._since + fridge.measured * MINUTE
            if self._clock.now() < at:
                await asyncio.sleep(LOOK_S)
                continue
            now_s[0] = at.timestamp()
            self._measure(fridge, probe)
        await self._send_the_rest(fridge)
        if sending.done():
            self.broken.append(f"{fridge.dev}: {sending.exception()!r}")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

    def _measure(self, fridge: Fridge, probe: firmware.Probe) -> None:
        minute = fridge.next_minute()
        if minute is not None:
            record = probe.measure(lambda: minute)
            fridge.ledger.append(Told(record.boot, record.seq, record.unix_s * 1_000, minute))

    async def _send_the_rest(self, fridge: Fridge) -> None:
        deadline_s = asyncio.get_running_loop().time() + SENT_WITHIN_S
        while fridge.ring.unsent and asyncio.get_running_loop().time() < deadline_s:  # noqa: ASYNC110  # the firmware tells nobody
            await asyncio.sleep(FIRST_WAIT_S)
