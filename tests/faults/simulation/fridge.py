"""A fridge with the site's own probe, as its firmware is on a board, and a broker that is one of this process."""

import asyncio
import json
from collections.abc import Iterable
from datetime import timedelta
from random import Random

from devices.links.memory_broker import MemoryBroker, MemoryMessageLink
from devices.links.port import Subscription
from firmware_stubs.fridge_probe.firmware.probe_core import probe as firmware
from firmware_stubs.fridge_probe.firmware.probe_core.mqtt import BrokerLost, Publisher
from firmware_stubs.fridge_probe.firmware.probe_core.ring import SLOT_BYTES, Ring
from tests.conftest import ManualClock
from tests.faults.storm.fridges import Memory, Told

SLOTS = 512
MINUTE_S = 60.0
USUAL = 5_000
MOST_CHANGE = 2_400  # of a minute: a faster one is not believed at once
RESTS_S = 5.0  # between two tries of a probe that nobody hears


class Broker(MemoryBroker):
    """A broker that knows whether anybody ever subscribed; one that was killed forgets everything."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.is_heard = False

    def subscribe(self, link: MemoryMessageLink, subscription: Subscription) -> None:
        """See MemoryBroker."""
        super().subscribe(link, subscription)
        self.is_heard = True


class Post(Publisher):
    """The probe's way to the broker; it may keep back, double and disorder what it is given."""

    def __init__(self, random: Random, broker: Broker) -> None:  # without a line: the broker is in this process
        self.keepalive_s = 60
        self.broker = broker
        self.keeps_back = 0
        self.doubles = 0
        self._random = random
        self._connected_to: Broker | None = None
        self._kept: list[tuple[str, bytes]] = []

    async def connect(self) -> None:
        """See Publisher."""
        if MemoryBroker.stamp(self.broker.name) is None:
            raise BrokerLost("away")
        self._connected_to = self.broker

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> bool:  # the firmware's
        """See Publisher."""
        await self.ping()
        if not retain and self.keeps_back:
            self.keeps_back -= 1
            self._kept.append((topic, payload))
            return True
        for _ in range(2 if self.doubles and not retain else 1):
            self.broker.publish(topic, payload, retain=retain)
        self.doubles = max(0, self.doubles - 1)
        return retain or self.broker.is_heard

    async def ping(self) -> None:
        """See Publisher."""
        if self._connected_to is not self.broker or MemoryBroker.stamp(self.broker.name) is None:
            raise BrokerLost("gone")

    def close(self) -> None:
        """See Publisher."""
        self._connected_to = None

    @property
    def kept(self) -> int:
        """How many readings it keeps back."""
        return len(self._kept)

    def deliver_what_was_kept(self) -> None:
        """Deliver it late and in any order; nothing while nobody would hear it."""
        if not self.broker.is_heard or MemoryBroker.stamp(self.broker.name) is None:
            return
        self._random.shuffle(self._kept)
        while self._kept:
            self.broker.publish(*self._kept.pop())


class Fridge:
    """A fridge that is measured every minute; ``ledger`` is what was measured, whatever became of it."""

    def __init__(self, dev: str, broker: Broker, clock: ManualClock, random: Random) -> None:
        self.dev = dev
        self.post = Post(random, broker)
        self.ledger: list[Told] = []
        self.is_silent = False
        self._clock, self._random = clock, random
        self._since = clock.now() - timedelta(seconds=clock.monotonic())  # nobody sets the probe's own clock
        self._memory = Memory(SLOTS * SLOT_BYTES)
        self._wanted: list[int] = []
        self._last = USUAL
        self._sending: asyncio.Task[None] | None = None
        self._begin()

    @property
    def unsent(self) -> int:
        """How many readings wait in the probe."""
        return self._ring.unsent

    @property
    def minutes_to_come(self) -> int:
        """How many minutes it goes on being as it was told to be."""
        return len(self._wanted)

    def go_through(self, temperatures: Iterable[int]) -> None:
        """Be so warm in the next minutes, as fast as a fridge can."""
        self._wanted += temperatures

    async def live(self) -> None:
        """Measure for ever."""
        while True:
            await asyncio.sleep(MINUTE_S)
            if not self.is_silent:
                self._measure()

    async def start_again(self) -> None:
        """Lose the power and come back: another boot, and what was kept is sent."""
        await self.stop()
        self._begin()

    async def stop(self) -> None:
        """Send no more."""
        if self._sending:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    def babble(self) -> None:
        """Send what is no reading."""
        self.post.broker.publish(firmware.topic_of(self.dev, "reading"), b'{"v":1,"mC":"warm"}')

    def say_again_what_was_kept(self) -> None:
        """Let the broker keep the last reading for whoever comes, as some probes do."""
        if self.ledger:
            last = self.ledger[-1]
            reading = {"v": 1, "dev": self.dev, "boot": last.boot, "seq": last.seq, "up": None, "err": False}
            reading |= {"ts": last.at_unix_ms // 1_000, "mC": last.milli_celsius}
            topic = firmware.topic_of(self.dev, "reading")
            self.post.broker.publish(topic, json.dumps(reading).encode(), retain=True)

    def _begin(self) -> None:
        self._ring = Ring(self._memory, SLOTS)
        clock = firmware.Clock(
            now_s=lambda: self._since.timestamp() + self._clock.monotonic(),
            ticks_ms=lambda: int(self._clock.monotonic() * 1_000),
        )
        self._probe = firmware.Probe(self.dev, self._ring, clock, self.post)
        self._probe.first_wait_s = self._probe.unheard_wait_s = RESTS_S
        self._sending = asyncio.get_running_loop().create_task(self._probe.send_for_ever())

    def _measure(self) -> None:
        wanted = self._wanted.pop(0) if self._wanted else USUAL + self._random.randint(-300, 300)
        self._last += max(-MOST_CHANGE, min(MOST_CHANGE, wanted - self._last))
        record = self._probe.measure(lambda: self._last)
        self.ledger.append(Told(record.boot, record.seq, record.unix_s * 1_000, self._last))
