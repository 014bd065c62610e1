"""One run: a site, a day, so many kills, and what it came to."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.engines import reader_engine
from clinic_server.kit.journal import verify
from tests.faults.observed.day import Day
from tests.faults.observed.oracle import Act
from tests.faults.observed.server_process import ServerProcess
from tests.faults.observed.shared_clock import SharedClock
from tests.faults.observed.site import prepare


@dataclass(slots=True)
class Observed:
    """What a run came to."""

    differences: list[str]
    figures: dict[str, float] = field(default_factory=dict)


def observe(folder: Path, database_url: str, people: int, kills: int, seed: int) -> Observed:
    """Let so many people be observed while the server is killed so often and its wall clock is set."""
    began_at = time.monotonic()
    clock = SharedClock.made(folder / "clock")
    prepared = prepare(folder, database_url, clock, people)
    with ServerProcess(folder, database_url) as server:
        day = Day(prepared, server, clock, Random(seed), kills)  # noqa: S311  # what happens when is no secret
        day.play()
        killed = server.kills
        found = day.differences()
    found += _faults_of_the_books(folder, database_url)
    acts = [one.act for said in day.people.values() for one in said]
    figures: dict[str, float] = {
        "people": people,
        "kills": killed,
        "clock_sets": day.clock_sets,
        "simulated_hours": round(clock.steady() / 3600, 1),
        "requests": day.asked,
        "sent_again": day.sent_again,
        **{act.value: acts.count(act) for act in Act},
        "differences": len(found),
        "seconds": round(time.monotonic() - began_at, 1),
    }
    return Observed(found, figures)


def _faults_of_the_books(folder: Path, database_url: str) -> list[str]:
    """Walk the journal and every record it vouches for."""
    engine, keyring = reader_engine(database_url), Keyring((folder / "site.key").read_bytes())
    try:
        with engine.connect() as connection:
            return [str(fault) for fault in verify(connection, keyring.journal_key).faults]
    finally:
        engine.dispose()
