"""What plays a fault at any length, by the names the catalogue uses."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from firmware_stubs.rehearsal.proof import Verdict
from tests.faults.crowds import ask_all_at_once, exhaust_files, listen
from tests.faults.disk.power_cuts import cut_power, record_hour
from tests.faults.disk.write_errors import SYNCS, WRITES, Disk, until_never_reached
from tests.faults.kills import Scene, kill_again_and_again
from tests.faults.observed.run import observe
from tests.faults.storm.run import Storm, weather
from tests.peers import mosquitto, postgres_database

CRASHING_VISITS = 40  # more than one checkpoint's worth
FROZEN_S = 3.0  # five times what the players wait for an answer


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long each runner plays, on which engines, and from which seed."""

    engines: Sequence[str]
    seed: int = 1
    kills: int = 10
    freezes: int = 5
    observed: int = 40
    states: int = 2000
    step: int = 5
    flood_s: float = 20.0
    excursions: int = 40
    fridges: int = 40
    speed: float = 240.0


@dataclass(slots=True)
class Played:
    """What a runner came to; it survived when nothing differs."""

    figures: dict[str, float] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def add(self, figures: Mapping[str, float]) -> None:
        """Add figures to those of the same name."""
        for name, figure in figures.items():
            self.figures[name] = self.figures.get(name, 0) + figure


Runner = Callable[[Lengths], Played]


@contextmanager
def a_scene(engine: str, *, has_broker: bool = False) -> Iterator[Scene]:
    """Yield a folder and a database of their own, and a broker where one is wanted."""
    with ExitStack() as peers:
        folder = Path(peers.enter_context(tempfile.TemporaryDirectory(prefix="clinic-faults-")))
        url = peers.enter_context(postgres_database()) if engine == "postgresql" else None
        yield Scene(engine, folder, url, peers.enter_context(mosquitto()) if has_broker else None)


def kills(lengths: Lengths) -> Played:
    """Kill the server at random moments of a busy day, on each engine."""
    played = Played()
    for engine in lengths.engines:
        with a_scene(engine, has_broker=True) as scene:
            outcome = kill_again_and_again(scene, lengths.kills, lengths.seed)
        played.add({"acknowledged_writes": outcome.acknowledged})
        played.add({verdict.value: outcome.count(verdict) for verdict in Verdict})
        played.add(outcome.figures())
        played.differences += [f"{engine}: {one.verdict}: {one.what}" for one in outcome.differences]
    return played


def freezes(lengths: Lengths) -> Played:
    """Let the server stand still for longer than anybody waits, then go on, in the middle of a busy day."""
    played = Played()
    with a_scene(lengths.engines[0], has_broker=True) as scene:
        outcome = kill_again_and_again(scene, lengths.freezes, lengths.seed, lambda victim: victim.freeze(FROZEN_S))
    played.add({"acknowledged_writes": outcome.acknowledged, "freezes": outcome.kills})
    played.add({verdict.value: outcome.count(verdict) for verdict in Verdict})
    played.differences += [f"{one.verdict}: {one.what}" for one in outcome.differences]
    return played


def observed(lengths: Lengths) -> Played:
    """Watch so many people while the server is killed and its wall clock is set, on each engine."""
    played = Played()
    for engine in lengths.engines:
        with a_scene(engine) as scene:
            url = scene.database_url or f"sqlite:///{scene.folder / 'clinic.db'}"
            seen = observe(scene.folder, url, lengths.observed, lengths.kills, lengths.seed)
        played.add({f"observed_{name}": figure for name, figure in seen.figures.items()})
        played.differences += [f"{engine}: {one}" for one in seen.differences]
    return played


def storm(lengths: Lengths) -> Played:
    """Fail fridges under kills of server and broker and gateways that lie."""
    fridges = min(lengths.fridges, lengths.excursions)
    asked = Storm(lengths.excursions, lengths.seed, fridges=fridges, speed=lengths.speed)
    with a_scene(lengths.engines[0]) as scene:
        weathered = weather(scene, asked)
    return Played({f"storm_{name}": figure for name, figure in weathered.figures.items()}, weathered.differences)


def crash_states(lengths: Lengths) -> Played:
    """Cut the power of a recorded hour at every moment, with every part of what was not synced left or gone."""
    verdicts = cut_power(record_hour(CRASHING_VISITS), lengths.states, lengths.seed)
    figures = {"crash_states": verdicts.states, "lost": verdicts.lost, "crash_states_damaged": verdicts.damaged}
    return Played({**figures, "witness_accused_wrongly": verdicts.accused}, verdicts.first)


def write_errors(lengths: Lengths) -> Played:
    """Let writes and fsyncs of a scripted hour fail with an I/O error, one in each run."""
    return _spoilt("write_errors", lengths, f"{WRITES}:error=EIO:when={{n}}", f"{SYNCS}:error=EIO:when={{n}}")


def disk_full(lengths: Lengths) -> Played:
    """Let the disk be full at a write of a scripted hour, and from there on."""
    return _spoilt("disk_full", lengths, f"{WRITES}:error=ENOSPC:when={{n}}", f"{WRITES}:error=ENOSPC:when={{n}}+")


def kill_at_writes(lengths: Lengths) -> Played:
    """Let a write or an fsync of a scripted hour be the last thing its program does."""
    return _spoilt("kill_at_writes", lengths, f"{WRITES}:signal=KILL:when={{n}}", f"{SYNCS}:signal=KILL:when={{n}}")


def slow_disk(_lengths: Lengths) -> Played:
    """Let every fsync of a scripted hour take 200 ms longer."""
    with Disk() as disk:
        spoilt = disk.spoil(f"{SYNCS}:delay_enter=200000")
    figures = {"acknowledged_writes": spoilt.answers, "slow_disk_refused": spoilt.refusals}
    return Played(figures, spoilt.wrong)


def displays(lengths: Lengths) -> Played:
    """Let 500 displays listen and 50 never read while people are checked in, then tell the server to stop."""
    with a_scene(lengths.engines[0]) as scene:
        crowd = listen(scene, displays=500, deaf=50)
    return Played(crowd.figures, crowd.differences)


def descriptors(lengths: Lengths) -> Played:
    """Let 300 callers hold a line at a server that may open 128 files."""
    with a_scene(lengths.engines[0]) as scene:
        crowd = exhaust_files(scene, files=128, callers=300)
    return Played(crowd.figures, crowd.differences)


def flood(lengths: Lengths) -> Played:
    """Ask seventy times as often as at the peak of a day, while a desk goes on checking in."""
    with a_scene(lengths.engines[0]) as scene:
        crowd = ask_all_at_once(scene, lengths.flood_s, times_the_peak=70)
    return Played(crowd.figures, crowd.differences)


def _spoilt(name: str, lengths: Lengths, *injections: str) -> Played:
    """Spoil every call of each kind, or one in so many."""
    played = Played()
    with Disk() as disk:
        for injection in injections:
            step = 1 if SYNCS in injection else lengths.step
            for spoilt in until_never_reached(disk, injection, step):
                counted = {f"{name}_runs": 1, "acknowledged_writes": spoilt.answers, f"{name}_refused": spoilt.refusals}
                played.add(counted)
                played.differences += spoilt.wrong
    return played


RUNNERS: Mapping[str, Runner] = {
    "kills": kills,
    "freezes": freezes,
    "observed": observed,
    "displays": displays,
    "flood": flood,
    "descriptors": descriptors,
    "storm": storm,
    "crash_states": crash_states,
    "write_errors": write_errors,
    "disk_full": disk_full,
    "kill_at_writes": kill_at_writes,
    "slow_disk": slow_disk,
}
