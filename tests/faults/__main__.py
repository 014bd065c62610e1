"""`python3 run.py faults`: breaks the running system and counts what was lost."""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from firmware_stubs.rehearsal.proof import Verdict
from tests.faults.kills import Outcome, Scene, kill_again_and_again
from tests.faults.storm.run import Storm, Weathered, weather
from tests.peers import mosquitto, postgres_database

ENGINES = ("sqlite", "postgresql")
CATALOGUE = {1: "kill -9 of the server at random moments of a busy day"}
MOST_SHOWN = 20


def main() -> int:
    """Run, tell, and fail on any loss."""
    words = _arguments()
    if words.excursions:
        return _storm(words)
    engines = ENGINES if words.engine == "both" else (words.engine,)
    outcomes = [_run(engine, words.kills, words.seed) for engine in engines]
    figures = _figures(outcomes)
    for name, figure in figures.items():
        _say(f"{figure:>12} {name}")
    if words.json:
        words.json.write_text(json.dumps(figures, indent=1) + "\n")
    found = [difference for outcome in outcomes for difference in outcome.differences]
    for difference in found[:MOST_SHOWN]:
        sys.stderr.write(f"DIFFERENCE ({difference.verdict}): {difference.what}\n")
    return 1 if found else 0


def _run(engine: str, kills: int, seed: int) -> Outcome:
    _say(f"{CATALOGUE[1]}: {kills} times on {engine}, seed {seed}")
    with ExitStack() as peers:
        folder = Path(peers.enter_context(tempfile.TemporaryDirectory(prefix="clinic-faults-")))
        mqtt_url = peers.enter_context(mosquitto())
        database_url = peers.enter_context(postgres_database()) if engine == "postgresql" else None
        return kill_again_and_again(Scene(engine, folder, database_url, mqtt_url), kills, seed)


def _storm(words: argparse.Namespace) -> int:
    engine = "sqlite" if words.engine == "both" else words.engine
    storm = Storm(words.excursions, words.seed, fridges=min(words.fridges, words.excursions), speed=words.speed)
    how = f"{storm.speed:.0f} times as fast, on {engine}, seed {storm.seed}"
    _say(f"{storm.excursions} excursions in {storm.fridges} fridges, {how}")
    with ExitStack() as peers:
        folder = Path(peers.enter_context(tempfile.TemporaryDirectory(prefix="clinic-faults-")))
        database_url = peers.enter_context(postgres_database()) if engine == "postgresql" else None
        return _told(weather(Scene(engine, folder, database_url, None), storm), words.json)


def _told(weathered: Weathered, into: Path | None) -> int:
    for name, figure in weathered.figures.items():
        _say(f"{figure:>12} {name}")
    if into:
        into.write_text(json.dumps(weathered.figures, indent=1) + "\n")
    for difference in weathered.differences[:MOST_SHOWN]:
        sys.stderr.write(f"DIFFERENCE {difference}\n")
    return 1 if weathered.differences else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _figures(outcomes: Sequence[Outcome]) -> dict[str, float]:
    return {
        "faults_run": sum(outcome.kills for outcome in outcomes),
        "faults_survived": sum(outcome.survived for outcome in outcomes),
        "acknowledged_writes": sum(outcome.acknowledged for outcome in outcomes),
        **{verdict.value: sum(outcome.count(verdict) for outcome in outcomes) for verdict in Verdict},
        **{name: figure for outcome in outcomes for name, figure in outcome.figures().items()},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py faults",
        description="Breaks the running system, on real peers, and counts what was lost.",
        epilog="exit codes: 0 nothing was lost; 1 something was, or could not be proved",
    )
    parser.add_argument("--kills", type=int, default=100, help="how often the server is killed, on each engine (100)")
    parser.add_argument("--excursions", type=int, help="break the cold chain and the pagers instead, so often at least")
    parser.add_argument("--fridges", type=int, default=40, help="side by side, with --excursions (40)")
    parser.add_argument("--speed", type=float, default=240, help="of the clock, with --excursions (240)")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    parser.add_argument("--only", type=int, nargs="+", choices=tuple(CATALOGUE), help="which faults, by their number")
    parser.add_argument("--seed", type=int, default=1, help="the same seed kills at the same moments (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, flat")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
