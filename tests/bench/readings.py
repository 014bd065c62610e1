"""How many readings a second are stored, judged and acknowledged, beside a loop that only inserts them."""

import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select

from clinic_server.cold_chain.excursions.tables import excursion
from clinic_server.cold_chain.tables import heard_probe, reading
from clinic_server.kit.engines import reader_engine, writer_engine
from clinic_server.kit.schema import upgrade
from tests.bench import subscriber
from tests.bench.figures import Spread
from tests.bench.fridges import FridgeSite, Reading, eventually, watched_fridges

A_MINUTE_S = 60
EVERY_FIFTH = 5
WARM = range(20, 50)  # minutes of a night, of those fridges
COMES_AND_GOES = 4  # minutes it takes: no fridge leaps


@dataclass(frozen=True, slots=True)
class Stored:
    """The same readings in seconds: of probes in fridges, of probes that stand nowhere, only inserted, only heard."""

    readings: int
    commits: int
    excursions: int
    judged_s: float
    kept_s: float
    inserted_s: float
    heard_s: float
    at_leisure: Spread


async def measure(fridges: int, minutes: int, rounds: int) -> Stored:
    """Let the server catch up with a night of one reading a minute, then let every probe speak once a second.

    The server was cut off that night, and its broker has all of it. Every fifth fridge was too warm for half an hour.
    """
    with tempfile.TemporaryDirectory(prefix="clinic-readings-") as folder:
        stood = timedelta(minutes=minutes + 1)
        async with watched_fridges(Path(folder), fridges, stood) as site:
            begun_s = int(time.time()) - minutes * A_MINUTE_S
            judged_s = await _caught_up(site, night(site.fridges, minutes, begun_s))
            spares = [f"spare-{n + 1}" for n in range(fridges)]
            kept_s = await _caught_up(site, night(spares, minutes, begun_s))
            at_leisure = Spread.of(await _at_leisure(site, minutes, rounds))
        rows, commits, excursions = _look_into(site, minutes)
        if excursions != len(range(0, fridges, EVERY_FIFTH)):
            raise AssertionError(f"{excursions} excursions")
        if len(rows) != fridges * minutes:
            raise AssertionError(f"{len(rows)} readings stored")
        size = -(-len(rows) // commits)
        inserted_s = _only_inserted(Path(folder) / "bare.db", rows, size)
    heard_s = await asyncio.to_thread(subscriber.caught_up, [one.payload for one in night(spares, minutes, begun_s)])
    return Stored(len(rows), commits, excursions, judged_s, kept_s, inserted_s, heard_s, at_leisure)


def night(probes: Sequence[str], minutes: int, begun_s: int) -> list[Reading]:
    """Return what probes said in a night, in the order of its minutes."""
    return [
        Reading(probe, minute, begun_s + minute * A_MINUTE_S, _degrees(number, minute))
        for minute in range(minutes)
        for number, probe in enumerate(probes)
    ]


def _degrees(number: int, minute: int) -> int:
    if number % EVERY_FIFTH == 0 and minute in WARM:
        since, until = minute - WARM.start + 1, WARM.stop - minute
        return 5_000 + 5_000 * min(since, until, COMES_AND_GOES) // COMES_AND_GOES
    return 5_000 + int(900 * sin(minute / 9 + number))


async def _caught_up(site: FridgeSite, readings: Sequence[Reading]) -> float:
    with site.tap.held():
        taken = [site.publish(one) for one in readings]
        await eventually(lambda: all(is_taken() for is_taken in reversed(taken)), "the broker has the night")
        begun_at = time.perf_counter()
    return max(await site.acknowledged(readings)) - begun_at


async def _at_leisure(site: FridgeSite, minutes: int, rounds: int) -> list[float]:
    """Return how long each reading took from its publication to its acknowledgement."""
    begun_at, begun_s, said = time.perf_counter(), int(time.time()), list[tuple[Reading, float]]()
    for number in range(rounds * len(site.fridges)):
        turn, which = divmod(number, len(site.fridges))
        await asyncio.sleep(begun_at + number / len(site.fridges) - time.perf_counter())
        one = Reading(site.fridges[which], minutes + turn, begun_s + turn, 5_000)
        said.append((one, time.perf_counter()))
        site.publish(one)
    acknowledged = await site.acknowledged(one for one, _ in said)
    return [after - before for (_, before), after in zip(said, acknowledged, strict=True)]


def _look_into(site: FridgeSite, minutes: int) -> tuple[Sequence[Mapping[str, Any]], int, int]:
    """Return the night's readings of the fridges, in how many commits they came, and what was found wrong."""
    engine = reader_engine(site.database_url)
    with engine.connect() as connection:
        rows = _night_of(connection, site.fridges, minutes)
        excursions = connection.execute(select(func.count()).select_from(excursion)).scalar_one()
    engine.dispose()
    return rows, len({row["received_unix_ms"] for row in rows}), excursions


def _night_of(connection: Connection, fridges: Sequence[str], minutes: int) -> Sequence[Mapping[str, Any]]:
    numbers = select(heard_probe.c.number).where(heard_probe.c.probe_id.in_(fridges))
    in_order = (reading.c.received_unix_ms, reading.c.seq, reading.c.probe)
    rows = connection.execute(
        select(reading).where(reading.c.probe.in_(numbers), reading.c.seq < minutes).order_by(*in_order)
    )
    return [dict(row) for row in rows.mappings()]


def _only_inserted(file: Path, rows: Sequence[Mapping[str, Any]], size: int) -> float:
    """Insert the rows into a database of their own, so many in one commit."""
    url = f"sqlite:///{file}"
    upgrade(url)
    engine = writer_engine(url)
    with engine.connect() as connection:
        for number in {row["probe"] for row in rows}:
            heard = {"number": number, "probe_id": f"p{number}", "first_heard_at": datetime.now(UTC)}
            connection.execute(insert(heard_probe), heard)
        connection.commit()
        begun_at = time.perf_counter()
        for first in range(0, len(rows), size):
            connection.execute(insert(reading), rows[first : first + size])
            connection.commit()
        took = time.perf_counter() - begun_at
    engine.dispose()
    return took
