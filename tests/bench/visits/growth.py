"""What years of visits cost: a step's time, the pages', the start and the memory, by how many visits lie behind."""

import asyncio
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from sqlalchemy import make_url

from clinic_server.rehearsal import environment
from tests.bench.visits.client import Client
from tests.bench.visits.engines import databases
from tests.bench.visits.measure import Front, Rounds, record
from tests.bench.visits.past import give_past
from tests.bench.visits.processes import running
from tests.bench.visits.served import MORNING
from tests.bench.visits.site import Site
from tests.peers import free_port

CLIENTS = 8
DAY_CLIENTS = 32
IN_ONE_ROUND = 320
LOOKS = 7
PAGES = {
    "check-in": ("registrar", "/"),
    "screening": ("physician", "/screening"),
    "observation": ("observer", "/observation"),
    "day's report": ("lead", "/reports/day"),
    "demand": ("lead", "/demand"),
}


@dataclass(frozen=True, slots=True)
class Grown:
    """A site with so many ``visits`` behind it: rounds of new ones, seconds of each page, of the start, and megabytes.

    ``start_cpu_s`` is of the processors alone, whatever else the machine did meanwhile.
    """

    visits: int
    rounds: Rounds
    pages_s: Mapping[str, float]
    start_s: float
    start_cpu_s: float
    start_mb: float
    end_mb: float


async def measure(counts: Sequence[int], visits: int, rounds: int) -> Mapping[int, Grown]:
    """Let rounds of so many visits come to the same site with each of these pasts, on SQLite."""
    with ExitStack() as stack:
        made = stack.enter_context(databases("sqlite"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clinic-growth-")))
        port, url, recording = free_port(), made.new(), folder / "recording"
        units = 2 + (rounds + 1) * visits
        site = await asyncio.to_thread(Site.made_up, folder, port, url, CLIENTS, units)
        with running("served", str(port), str(recording), port=port, environment=settings_of(site, url)):
            await site.begin_day(port)
            await record(site, port, 2)
        grown = {}
        for count in counts:
            copy = made.copy(url)
            file = Path(str(make_url(copy).database))
            past = await asyncio.to_thread(give_past, file, recording, count, MORNING.date())
            grown[count] = await _with_past(site, past, copy, (visits, rounds))
        return grown


async def a_day(visits: int, clients: int = DAY_CLIENTS) -> Grown:
    """Let so many people come in rounds to a site with nothing behind it; the rates are each round's."""
    with ExitStack() as stack:
        made = stack.enter_context(databases("sqlite"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clinic-day-")))
        port, url, in_one = free_port(), made.new(), min(IN_ONE_ROUND, visits)
        rounds = -(-visits // in_one)
        units = 2 + (rounds + 1) * in_one
        site = await asyncio.to_thread(Site.made_up, folder, port, url, clients, units)
        with running("served", str(port), port=port, environment=settings_of(site, url)) as process:
            start_mb, seen = _resident_mb(process.pid), Rounds()
            await site.begin_day(port)
            front = Front(site, port, is_product=True)
            await front.round(clients, in_one, None)
            for _ in range(rounds):
                await front.round(clients, in_one, seen)
            return Grown(0, seen, {}, 0.0, 0.0, start_mb, _resident_mb(process.pid))


async def _with_past(site: Site, past: int, url: str, coming: tuple[int, int]) -> Grown:
    port, seen, (visits, rounds) = free_port(), Rounds(), coming
    front = Front(replace(site, units=list(site.units)), port, is_product=True)
    began_at = time.perf_counter()
    with running("served", str(port), port=port, environment=settings_of(site, url)) as process:
        start_s, start_cpu_s = time.perf_counter() - began_at, _processor_s(process.pid)
        start_mb = _resident_mb(process.pid)
        await front.round(CLIENTS, visits, None)
        for _ in range(rounds):
            await front.round(CLIENTS, visits, seen)
        pages_s = {name: await _page_s(site, port, role, path) for name, (role, path) in PAGES.items()}
        return Grown(past, seen, pages_s, start_s, start_cpu_s, start_mb, _resident_mb(process.pid))


async def _page_s(site: Site, port: int, role: str, path: str) -> float:
    client, times = await Client.of(port), []
    for _ in range(LOOKS):
        began_at = time.perf_counter()
        await client.page(path, site.tokens[role])
        times.append(time.perf_counter() - began_at)
    client.close()
    return median(times)


def settings_of(site: Site, url: str) -> Mapping[str, str]:
    """Return with what a server serves the site on a database."""
    return {**environment(replace(site.cast, database_url=url)), "CLINIC_DEVICES": "[]"}


def _resident_mb(pid: int) -> float:
    """Return what a process keeps in memory now, of its own and of what it shares."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _processor_s(pid: int) -> float:
    """Return how long processors worked for a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
