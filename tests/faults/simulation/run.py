"""Plays simulated days by their seeds, each in a moment, and tells which of them broke what."""

import asyncio
import hashlib
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ManualClock
from tests.faults.simulation.books import differences
from tests.faults.simulation.disk import Disk
from tests.faults.simulation.mishaps import MISHAPS
from tests.faults.simulation.people import MINUTE_S, PRODUCTS, Visitor
from tests.faults.simulation.site import SimulatedSite
from tests.faults.simulation.time import SiteLoop

VISITORS = 5
MISHAPS_OF_A_DAY = 20
ARRIVALS_MIN = 12.0
LAST_MISHAP_MIN = 30.0
COUNTED = ("visit", "decision", "consent", "permit", "dose", "departure", "alert", "page_attempt", "clock_turn")
MEMORY = Path("/dev/shm")  # noqa: S108  # a disk in memory: what a real one does to us is another fault's question


@dataclass(slots=True)
class Day:
    """What became of one seed's day; ``track`` is the same for the same seed."""

    seed: int
    broken: list[str] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)
    reached: Counter[str] = field(default_factory=Counter)
    track: str = ""


@dataclass(slots=True)
class Simulated:
    """What many days came to: only the broken ones are kept."""

    days: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    happened: set[str] = field(default_factory=set)
    broken: list[Day] = field(default_factory=list)

    def add(self, day: Day) -> None:
        """Count a day."""
        self.days += 1
        self.reached += day.reached
        self.happened |= {line.partition(": ")[2] for line in day.happened}
        if day.broken:
            self.broken.append(day)


def simulate(disk: Disk, seed: int, visitors: int = VISITORS) -> Day:
    """Play the day of a seed from its morning to its books."""
    random.seed(seed)  # the firmware's own
    clock, day, place = ManualClock(), Day(seed), disk.a_day()
    loop = SiteLoop(clock)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_play(day, SimulatedSite(place, disk.cast, seed, clock), visitors))
    except Exception as error:  # noqa: BLE001  # whatever a day came to is its seed's finding
        day.broken.append(f"{type(error).__name__}: {error}")
    finally:
        day.broken += loop.broken
        loop.close()
        asyncio.set_event_loop(None)
        place.remove()
    return day


async def _play(day: Day, site: SimulatedSite, visitors: int) -> None:
    """Let everything happen that the seed says, then settle and compare."""
    await site.begin()
    arrivals = [
        (number, site.random.choice(PRODUCTS), site.random.uniform(0, ARRIVALS_MIN)) for number in range(visitors)
    ]
    chosen = [
        (site.random.uniform(0, LAST_MISHAP_MIN), site.random.choice(list(MISHAPS))) for _ in range(MISHAPS_OF_A_DAY)
    ]
    going_on = [
        *(Visitor(site, number, product).come_and_go(at) for number, product, at in arrivals),
        *(_go_wrong(day, site, at, name) for at, name in sorted(chosen)),
    ]
    try:
        await _all_of(going_on)
        await site.settle()
        day.broken += differences(site)
        _count(day, site)
    finally:
        await site.end()


async def _all_of(going_on: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all, or raise what broke one of them and let the others be."""
    tasks = [asyncio.get_running_loop().create_task(one) for one in going_on]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _go_wrong(day: Day, site: SimulatedSite, at_min: float, name: str) -> None:
    await asyncio.sleep(at_min * MINUTE_S)
    day.happened.append(f"{at_min:.1f} min: {name}")
    await MISHAPS[name](site)


def _count(day: Day, site: SimulatedSite) -> None:
    for table in COUNTED:
        day.reached[table] = len(site.seen.all(table))
    day.reached["acknowledged"] = len(site.acknowledged)
    day.reached["invariants_asked"] = site.invariants_asked
    day.reached["restarts"] = len(site.died_at_s)
    lines = [(row["seq"], row["id"], row["kind"], row["at"]) for row in site.seen.all("journal")]
    day.track = hashlib.sha256(repr(lines).encode()).hexdigest()


def simulate_all(
    seeds: Iterable[int], told: Callable[[Day], None] = lambda _: None, blank: Path | None = None
) -> Simulated:
    """Play many days, one after the other; ``told`` hears of each when it is over.

    ``blank`` is a database with the schema and nothing in it, where there is one already.
    """
    simulated = Simulated()
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="clinic-simulated-", dir=where) as folder:
        disk = Disk(Path(folder), blank)
        for seed in seeds:
            day = simulate(disk, seed)
            told(day)
            simulated.add(day)
    return simulated
