"""The probe itself: measure, store, send until confirmed. Its messages are described in WIRE.md."""

import asyncio
import json
import random
import time

from .mqtt import BrokerLost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .mqtt import Publisher
    from .ring import Record, Ring

    Read = Callable[[], int | None]

FROM_1970_TO_2000_S, YEAR_2000 = 946_684_800, 2000
FIRST_SANE_S = 1_577_836_800  # 2020-01-01: before it, no clock was set
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
UNHEARD_WAIT_S = 20.0  # less than the keepalive
SENT_AGAIN = 16  # a broker that was killed forgets what it confirmed last and had not saved
MILLISECONDS_A_MINUTE = 60_000


def epoch_s(gmtime: "Callable[[int], Sequence[int]]" = time.gmtime) -> int:
    """Return what this interpreter's clock must be given to count from 1970; some boards count from 2000."""
    return FROM_1970_TO_2000_S if gmtime(0)[0] == YEAR_2000 else 0


def _ticks_ms() -> int:
    return time.ticks_ms() if hasattr(time, "ticks_ms") else int(time.monotonic() * 1000)


def _ticks_diff(later: int, earlier: int) -> int:
    return time.ticks_diff(later, earlier) if hasattr(time, "ticks_diff") else later - earlier


class Clock:
    """The time once somebody has set it, and the minutes since the start, which never begin again."""

    def __init__(
        self,
        now_s: "Callable[[], float]" = time.time,
        ticks_ms: "Callable[[], int]" = _ticks_ms,
        ticks_diff: "Callable[[int, int], int]" = _ticks_diff,
    ) -> None:
        self._now_s = now_s
        self._ticks_ms = ticks_ms
        self._ticks_diff = ticks_diff
        self._epoch_s = epoch_s()
        self._last_ticks = ticks_ms()
        self._up_ms = 0

    def unix_s(self) -> int:
        """Return unix seconds, or 0 while the clock was not set."""
        unix_s = int(self._now_s()) + self._epoch_s
        return unix_s if unix_s >= FIRST_SANE_S else 0

    def minutes_up(self) -> int:
        """Return whole minutes since the start. A board's ticks start over after days: ask more often than that."""
        ticks = self._ticks_ms()
        self._up_ms += self._ticks_diff(ticks, self._last_ticks)
        self._last_ticks = ticks
        return self._up_ms // MILLISECONDS_A_MINUTE


def message_of(dev: str, record: "Record") -> bytes:
    """Return the payload of a reading; the order of its keys is the interpreter's."""
    reading = {
        "v": 1,
        "dev": dev,
        "boot": record.boot,
        "seq": record.seq,
        "ts": record.unix_s or None,
        "up": record.minutes_up,
        "mC": record.milli_celsius,
        "err": record.milli_celsius is None,
    }
    return json.dumps(reading).encode()


class Probe:
    """Measures and sends, each at its own pace: neither the broker nor the network can hold up a measurement."""

    def __init__(self, dev: str, ring: "Ring", clock: Clock, publisher: "Publisher") -> None:
        self._dev = dev
        self._ring = ring
        self._clock = clock
        self._publisher = publisher
        self._has_news = asyncio.Event()
        self.first_wait_s = FIRST_WAIT_S
        self.unheard_wait_s = UNHEARD_WAIT_S
        self.unheard = 0

    def measure(self, read: "Read") -> "Record":
        """Read the sensor and store what it said, even if that is nothing. Raises OSError when it cannot be stored."""
        try:
            milli_celsius = read()
        except Exception:  # noqa: BLE001  # a driver fails in its own ways; each of them is a sensor that did not answer
            milli_celsius = None
        record = self._ring.append(self._clock.unix_s(), self._clock.minutes_up(), milli_celsius)
        self._has_news.set()
        return record

    async def measure_for_ever(self, read: "Read", every_s: float, feed: "Callable[[], object]") -> None:
        """Measure at a steady pace. The watchdog is fed after each reading that was stored, and by nothing else."""
        while True:
            self.measure(read)
            feed()
            await asyncio.sleep(every_s)

    async def send_for_ever(self) -> None:
        """Connect, send what waits, oldest first, and begin again, later and later, whenever the broker is lost."""
        wait_s = self.first_wait_s
        while True:
            try:
                await self._publisher.connect()
                await self._publisher.publish(topic_of(self._dev, "status"), b"online", retain=True)
                wait_s = self.first_wait_s
                self._ring.distrust(SENT_AGAIN)
                await self._send_until_lost()
            except BrokerLost:
                pass
            finally:
                self._publisher.close()
            await asyncio.sleep(wait_s * (0.5 + random.random()))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _send_until_lost(self) -> None:
        while True:
            record = self._ring.oldest_unsent()
            if record is None:
                await self._news_or_ping()
            elif await self._publisher.publish(topic_of(self._dev, "reading"), message_of(self._dev, record)):
                self._ring.mark_sent(record)
            else:
                self.unheard += (
                    1  # the server has never subscribed, or the broker forgot it: nobody keeps the reading but us
                )
                await asyncio.sleep(self.unheard_wait_s)

    async def _news_or_ping(self) -> None:
        self._has_news.clear()
        try:
            await asyncio.wait_for(self._has_news.wait(), self._publisher.keepalive_s / 2)
        except asyncio.TimeoutError:
            await self._publisher.ping()


def topic_of(dev: str, leaf: str) -> str:
    """Return cc/v1/<dev>/reading or cc/v1/<dev>/status."""
    return f"cc/v1/{dev}/{leaf}"
