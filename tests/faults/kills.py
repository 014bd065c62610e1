"""Kills the server at random moments of a busy day, and counts what was lost."""

import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from clinic_server.kit.engines import reader_engine
from clinic_server.rehearsal import Plan, prepare
from firmware_stubs.clinic_day import ClinicDay
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.floor import Manner
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.proof import Difference, Verdict, prove
from firmware_stubs.rehearsal.seat import ServerAway
from firmware_stubs.rehearsal.testimony import Witness
from firmware_stubs.rehearsal.visitors import visitors
from tests.faults import records
from tests.faults.victim import NotReady, Victim
from tests.peers import free_port

EARLIEST_KILL_S, LATEST_KILL_S = 0.05, 0.5
SPEED = 600.0
BUSY_AFTER_WRITES = 60
BUSY_WITHIN_S = 30.0
DRAINED_WITHIN_S = 120.0
UNITS_PER_KILL = 40
HURRY = Manner(pace=0.0, patience_s=0.6, forgets=0.1, most_waiting=16, in_full=False)
Blow = Callable[[Victim], float]
CARDS = 0.2  # most lives are too short for a reader to be found, selected and read


@dataclass(slots=True)
class Outcome:
    """What a run of kills on one engine came to."""

    engine: str
    kills: int = 0
    seconds: float = 0.0
    ready_s: list[float] = field(default_factory=list)
    opening_seq: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    sent_again: int = 0
    visits: int = 0
    doses: int = 0
    readings: int = 0
    differences: list[Difference] = field(default_factory=list)

    def count(self, verdict: Verdict) -> int:
        """Return how many differences are of this kind."""
        return sum(difference.verdict is verdict for difference in self.differences)

    @property
    def survived(self) -> int:
        """How many kills did no harm; when the books disagree nobody can tell which one it was, so none counts."""
        return 0 if self.differences else self.kills

    def figures(self) -> dict[str, float]:
        """Return the run's figures under stable names."""
        return {
            f"{self.engine}_kills": self.kills,
            f"{self.engine}_acknowledged_writes": self.acknowledged,
            f"{self.engine}_unanswered_writes": self.unanswered,
            f"{self.engine}_sent_again": self.sent_again,
            f"{self.engine}_visits": self.visits,
            f"{self.engine}_doses": self.doses,
            f"{self.engine}_readings": self.readings,
            f"{self.engine}_ready_p50_ms": round(1000 * statistics.median(self.ready_s or [0])),
            f"{self.engine}_ready_max_ms": round(1000 * max(self.ready_s, default=0)),
            f"{self.engine}_seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a run of kills takes place. ``database_url`` None is an SQLite file in the folder."""

    engine: str
    folder: Path
    database_url: str | None
    mqtt_url: str | None


def kill_and_start(victim: Victim) -> float:
    """Kill the server and start it; return after how many seconds it answered."""
    victim.kill()
    return victim.start()


def kill_again_and_again(
    scene: Scene, kills: int, seed: int, blow: Blow = kill_and_start, serving: type[Victim] = Victim
) -> Outcome:
    """Play a day, kill the server so many times meanwhile, let the day end, and compare all books."""
    began_at = time.monotonic()
    units = 200 + UNITS_PER_KILL * kills
    plan = Plan(scene.folder, free_port(), scene.database_url, units=units, speed=SPEED, mqtt_url=scene.mqtt_url)
    made = prepare(plan)
    cast = Cast.load(scene.folder / "cast.json")
    paper = scene.folder / "ledger.jsonl"
    outcome = Outcome(scene.engine)
    ledger = Ledger(paper)
    try:
        with serving(made) as victim, Witness(cast) as witness:
            _kill_and_prove(_Running(cast, ledger, victim, outcome, blow), witness, kills, seed)
    except (NotReady, ServerAway) as gone:
        outcome.differences.append(Difference(Verdict.UNPROVEN, f"the server did not come back:\n{gone}"))
    ledger.close()
    _look_into(made.database_url, ledger, paper, outcome)
    outcome.seconds = time.monotonic() - began_at
    return outcome


@dataclass(frozen=True, slots=True)
class _Running:
    cast: Cast
    ledger: Ledger
    victim: Victim
    outcome: Outcome
    blow: Blow


def _kill_and_prove(running: _Running, witness: Witness, kills: int, seed: int) -> None:
    victim, outcome = running.victim, running.outcome
    outcome.ready_s.append(victim.start())
    opening = witness.opening()
    outcome.opening_seq = opening.head_seq
    _play(running, kills, seed)
    proof = prove(running.ledger, opening, witness.closing(opening, running.ledger))
    outcome.differences += proof.differences
    outcome.visits, outcome.doses, outcome.readings = (proof.counts[name] for name in ("visits", "doses", "readings"))
    _end(victim, outcome)


def _play(running: _Running, kills: int, seed: int) -> None:
    chance = Random(seed)  # noqa: S311  # when to kill is no secret
    arriving = visitors(seed, datetime.now(UTC).date(), cards=CARDS)
    with ClinicDay(running.cast, arriving, running.ledger, HURRY, seed) as day:
        _wait_until_busy(running.ledger)
        for _ in range(kills):
            time.sleep(chance.uniform(EARLIEST_KILL_S, LATEST_KILL_S))
            running.outcome.ready_s.append(running.blow(running.victim))
            running.outcome.kills += 1
        day.close_door()
        if not day.wait(DRAINED_WITHIN_S):
            running.ledger.fault(f"the day did not end within {DRAINED_WITHIN_S:.0f} s of the last kill")


def _wait_until_busy(ledger: Ledger) -> None:
    """Wait until everybody has signed in and people stand at every stage."""
    deadline = time.monotonic() + BUSY_WITHIN_S
    while sum(write.is_accepted for write in ledger.writes) < BUSY_AFTER_WRITES:
        if time.monotonic() > deadline:
            ledger.fault(f"fewer than {BUSY_AFTER_WRITES} writes in {BUSY_WITHIN_S:.0f} s")
            return
        time.sleep(0.05)


def _end(victim: Victim, outcome: Outcome) -> None:
    """Stop the server as an operator does, and verify the chain with the command."""
    stopped, verified = victim.stop(), victim.verify()
    if stopped not in (0, -signal.SIGTERM) or verified:
        what = f"exit codes: {stopped} of the server when it was stopped, {verified} of `clinic verify`"
        outcome.differences.append(Difference(Verdict.UNPROVEN, what))


def _look_into(url: str, ledger: Ledger, paper: Path, outcome: Outcome) -> None:
    """Look at the database itself; the books on paper are the ones that count."""
    written = Ledger.read(paper)
    if len(written.writes) != len(ledger.writes):
        what = f"{len(written.writes)} of {len(ledger.writes)} writes are on paper"
        outcome.differences.append(Difference(Verdict.UNPROVEN, what))
    outcome.acknowledged = sum(write.is_accepted for write in written.writes)
    outcome.unanswered = len(list(written.unknown()))
    outcome.sent_again = sum(write.sendings > 1 for write in written.writes)
    engine = reader_engine(url)
    try:
        with engine.connect() as connection:
            outcome.differences += records.differences(connection, written, outcome.opening_seq)
    finally:
        engine.dispose()
