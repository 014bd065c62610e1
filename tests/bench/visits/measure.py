"""Visits a second at so many clients, in rounds: the product, ``sql``, ``wire`` and ``plain``, one after the other."""

import asyncio
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from clinic_server.rehearsal import environment
from tests.bench.visits.course import STEPS, Line
from tests.bench.visits.engines import Databases, databases
from tests.bench.visits.plain import fill
from tests.bench.visits.processes import running, sent_again
from tests.bench.visits.served import KEEP_ROUTE, LATER_ROUTE, MARK_ROUTE
from tests.bench.visits.site import Site
from tests.bench.visits.yardsticks import plain_engine
from tests.peers import free_port

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Size:
    """How much to measure: visits of a round by the clients at once, rounds, and visits that ``sql`` sends again."""

    visits: Mapping[int, int]
    rounds: int
    recorded: int

    @property
    def told(self) -> str:
        """Say how many come, and by how many clients."""
        return ", ".join(f"{visits} by {clients}" for clients, visits in self.visits.items())

    @property
    def most_clients(self) -> int:
        """The most that come at once."""
        return max(self.visits)

    @property
    def units(self) -> int:
        """How many vials all of it takes: the warming up gives as many as the largest round, and recording is apart."""
        return self.recorded + max(self.visits.values()) + self.rounds * sum(self.visits.values())


@dataclass(slots=True)
class Rounds:
    """What the rounds of one server at so many clients came to: visits a second by round, seconds by step of all."""

    rates: list[float] = field(default_factory=list)
    took_s: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})

    def every_step_s(self) -> list[float]:
        """Return the times of all steps."""
        return [second for times in self.took_s.values() for second in times]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rounds by what served them and by clients; those of ``sql`` know no steps, only commits."""

    by: Mapping[str, Mapping[int, Rounds]]


@dataclass(slots=True)
class Front:
    """A server that runs, and the visits whose observation is over there."""

    site: Site
    port: int
    is_product: bool = False
    waiting: list[str] = field(default_factory=list)

    async def round(self, clients: int, visits: int, seen: Rounds | None) -> None:
        """Let so many people come and as many leave, and note how it went; the first time nobody leaves."""
        lines = await self.site.lines(self.port, clients, visits // clients)
        if self.is_product:
            await self.site.fetch(lines)
        leaving = [self.waiting.pop(0) for _ in range(visits)] if seen else []
        began_at = time.perf_counter()
        came = await asyncio.gather(*(self._one_after_the_other(line, leaving) for line in lines))
        took_s = time.perf_counter() - began_at
        if self.is_product:
            await lines[0].client.post(LATER_ROUTE, "", b"")
        for line in lines:
            line.client.close()
        self.waiting += [visit_id for of_line in came for visit_id in of_line]
        if seen:
            seen.rates.append(visits / took_s)
            for step, times in seen.took_s.items():
                times += [second for line in lines for second in line.took_s[step]]

    @staticmethod
    async def _one_after_the_other(line: Line, leaving: list[str]) -> list[str]:
        came = []
        while line.units:
            came.append(await line.up_to_needle())
            if leaving:
                await line.out(leaving.pop())
        return came


async def measure(engine: str, size: Size, preloaded: Mapping[str, str] = NOTHING) -> Outcome:
    """Measure on an engine; ``preloaded`` are variables for those that store: the product, ``sql`` and ``plain``."""
    with ExitStack() as stack:
        made = stack.enter_context(databases(engine))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clinic-visits-")))
        port, url = free_port(), made.new()
        site = await asyncio.to_thread(Site.made_up, folder, port, url, size.most_clients, size.units)
        stood, recording = made.copy(url), folder / "recording"
        settings = {**environment(site.cast), "CLINIC_DEVICES": "[]", **preloaded}
        stack.enter_context(running("served", str(port), str(recording), port=port, environment=settings))
        await site.begin_day(port)
        await record(site, port, size.recorded)
        wire, plain = Front(_as_told(site), free_port()), Front(_as_told(site), free_port())
        stack.enter_context(running("yardsticks", "wire", str(wire.port), port=wire.port, environment=NOTHING))
        stack.enter_context(_plain(made, plain, preloaded))
        fronts = {"product": Front(site, port, is_product=True), "wire": wire, "plain": plain}
        for front in fronts.values():
            await front.round(size.most_clients, max(size.visits.values()), None)

        seen = {name: {clients: Rounds() for clients in size.visits} for name in (*fronts, "sql")}
        for _ in range(size.rounds):
            for clients, visits in size.visits.items():
                for name, front in fronts.items():
                    await front.round(clients, visits, seen[name][clients])
                commits_s = sent_again(recording, made.copy(stood), clients, preloaded)
                _note_commits(seen["sql"][clients], commits_s, size.recorded)
    return Outcome(seen)


async def record(site: Site, port: int, visits: int) -> None:
    """Let the product note what it sends for so many visits."""
    (line,) = await site.lines(port, 1, visits)
    await site.fetch([line])
    await line.client.post(MARK_ROUTE, "", b"")
    came = [await line.up_to_needle() for _ in range(visits)]
    await line.client.post(LATER_ROUTE, "", b"")
    for visit_id in came:
        await line.out(visit_id)
    await line.client.post(KEEP_ROUTE, "", b"")
    line.client.close()


def _as_told(site: Site) -> Site:
    """Return the same site with units of its own, for a server beside the product."""
    return Site(site.cast, list(site.cast.trace_codes), site.tokens, site.benches, site.told)


def _note_commits(seen: Rounds, commits_s: Sequence[float], visits: int) -> None:
    seen.rates.append(visits / sum(commits_s))
    for times in seen.took_s.values():
        times.extend(commits_s)  # whoever waits for a commit waits for all of it, whatever the step


@contextmanager
def _plain(made: Databases, front: Front, preloaded: Mapping[str, str]) -> Iterator[None]:
    url = made.new()
    engine = plain_engine(url)
    fill(engine, {*front.site.tokens.values(), *front.site.benches}, front.site.units)
    engine.dispose()
    with running("yardsticks", "plain", str(front.port), url, port=front.port, environment=preloaded):
        yield
