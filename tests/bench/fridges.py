"""A site with many fridges: the real server, mosquitto, and a tap between them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from clinic_server.cold_chain.actions import add_place, assign_probe
from clinic_server.kit.access import system_actor
from clinic_server.kit.clock import SystemClock
from clinic_server.kit.crypto import load_or_create_keyring
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site, Tx
from clinic_server.rehearsal import SITE_CODE, Cast, Plan, prepare
from clinic_server.stock.places import NewPlace
from clinic_server.stock.whereabouts import PlaceKind
from firmware_stubs.fridge_probe.publishers import Publisher, publisher_for
from tests.bench.tap import Tap, tapped
from tests.faults.forked import ForkedVictim
from tests.peers import free_port, mosquitto

WITHIN_S = 120.0
LOOK_S = 0.002
_ACTOR = system_actor("bench")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one probe says at one time."""

    probe: str
    seq: int
    unix_s: int
    milli_celsius: int

    @property
    def payload(self) -> bytes:
        """As it is published."""
        said = {"v": 1, "dev": self.probe, "boot": 1, "seq": self.seq, "ts": self.unix_s}
        return json.dumps({**said, "up": self.seq, "mC": self.milli_celsius, "err": False}).encode()


@dataclass(frozen=True, slots=True)
class FridgeSite:
    """A running site: the fridges that are watched, each by a probe of its own name."""

    fridges: tuple[str, ...]
    database_url: str
    broker_url: str
    tap: Tap
    _publisher: Publisher

    def publish(self, reading: Reading) -> Callable[[], bool]:
        """Publish a reading; return a question: has the broker taken it?"""
        return self._publisher.publish(f"cc/v1/{reading.probe}/reading", reading.payload)

    async def acknowledged(self, readings: Iterable[Reading]) -> list[float]:
        """Wait until the server has acknowledged these readings, and return when it did so."""
        at, payloads = self.tap.acknowledged_at, [one.payload for one in readings]
        await eventually(lambda: all(payload in at for payload in payloads), "every reading was acknowledged")
        return [at[payload] for payload in payloads]


class _Earlier(SystemClock):
    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() - self._by


@asynccontextmanager
async def watched_fridges(
    folder: Path, count: int, stood: timedelta, furnish: Callable[[Tx], Any] | None = None
) -> AsyncIterator[FridgeSite]:
    """Yield a site whose fridges have been watched for so long; ``furnish`` adds what else is needed."""
    names = tuple(f"fridge-{n + 1}" for n in range(count))
    with mosquitto() as broker_url:
        async with tapped(int(broker_url.rpartition(":")[2])) as tap:
            clock = _Earlier(stood)
            plan = Plan(folder, free_port(), mqtt_url=tap.url)
            cast = await asyncio.to_thread(prepare, plan, clock)
            await asyncio.to_thread(_add_to, cast, clock, names, furnish)
            publisher = publisher_for(broker_url, "bench")
            with ForkedVictim(replace(cast, speed=0.0)) as server:
                await asyncio.to_thread(server.start)
                is_connected = asyncio.Event()
                loop = asyncio.get_running_loop()
                publisher.when_connected(lambda: loop.call_soon_threadsafe(is_connected.set))
                publisher.start("nothing/bench", b"")
                try:
                    async with asyncio.timeout(WITHIN_S):
                        await is_connected.wait()
                        await tap.subscribed.wait()  # what is published before that, no broker keeps
                    yield FridgeSite(names, cast.database_url, broker_url, tap, publisher)
                finally:
                    publisher.stop()


async def eventually(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so; what never becomes so ends the measurement."""
    try:
        async with asyncio.timeout(WITHIN_S):
            while not is_so():  # noqa: ASYNC110  # what is looked at is told by other threads
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise AssertionError(f"not within {WITHIN_S:.0f} s: {what}") from None


def _add_to(cast: Cast, clock: SystemClock, names: Iterable[str], furnish: Callable[[Tx], Any] | None) -> None:
    keyring = load_or_create_keyring(Path(cast.folder) / "site.key")
    db = Database(cast.database_url, site=Site(SITE_CODE), keyring=keyring, clock=clock, ids=Ids(clock))
    try:
        for name in names:
            if name not in cast.probes:
                db.write_now(lambda tx, name=name: _add_fridge(tx, name), _ACTOR)  # type: ignore[misc]
        if furnish is not None:
            db.write_now(furnish, _ACTOR)
    finally:
        db.close()


def _add_fridge(tx: Tx, name: str) -> None:
    add_place(tx, NewPlace(name, name, PlaceKind.FRIDGE, "cn-clinic-2-8"))
    assign_probe(tx, name, name)
