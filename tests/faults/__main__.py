"""`python3 run.py faults`: breaks the running system and counts what was lost."""

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import structlog

from tests.faults import report
from tests.faults.bound import run_tests
from tests.faults.catalogue import FAULTS, Fault, catalogue, security
from tests.faults.runners import RUNNERS, Lengths, Played
from tests.faults.simulation.run import Simulated, simulate_all

ENGINES = ("sqlite", "postgresql")
MOST_SHOWN = 20
SEEDS = 20
ABOUT_ROUTES = (1, 2, 4)  # of the security tests
COUNTED = ("acknowledged_writes", "lost", "half", "doubled", "unproven")


def main() -> int:
    """Play, tell, write it down, and fail on any loss."""
    words = _arguments()
    is_part = bool(words.only or words.days_only)
    chosen = [fault for fault in catalogue() if fault.number in words.only or not is_part]
    secured = [] if is_part or words.runners_only else security()
    simulated = Simulated() if words.only or words.tests_only else _simulated(words)
    played = {} if words.tests_only else _played(chosen, _lengths(words))
    of_tests = {} if words.runners_only else _tested([*chosen, *secured], words.engine or "in_turn")
    failures = _failures(chosen, played, of_tests)
    unexpected = _failures(secured, played, of_tests)
    figures = {**_figures(played, failures), **_security_figures(unexpected), **_simulation_figures(simulated)}
    _tell(chosen, failures, figures)
    _tell(secured, unexpected, {})
    if words.json:
        words.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    outcomes = {**_outcomes(chosen, failures, words), **_outcomes(secured, unexpected, words)}
    is_whole = not (is_part or words.tests_only or words.runners_only)
    told = report.made_anew if is_whole else report.brought_up_to_date
    report.FILE.write_text(told(outcomes, _to_keep(played, simulated)), encoding="utf-8")
    return 1 if any([*failures.values(), *unexpected.values(), simulated.broken]) else 0


def _simulated(words: argparse.Namespace) -> Simulated:
    """Play simulated days, and say of each broken one how it is played again."""
    seeds = range(words.seed, words.seed + words.seeds)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )  # they tell of themselves
    _say(f"{len(seeds)} simulated days, from seed {words.seed}")
    simulated = simulate_all(seeds)
    for day in simulated.broken:
        sys.stderr.write(f"DIFFERENCE on the day of seed {day.seed} (again: --days-only --seeds 1 --seed {day.seed})\n")
        for line in (*day.broken[:MOST_SHOWN], *day.happened):
            sys.stderr.write(f"  {line}\n")
    return simulated


def _simulation_figures(simulated: Simulated) -> Mapping[str, float]:
    broken = sum(len(day.broken) for day in simulated.broken)
    return {"seeds_run": simulated.days, "invariants_broken": broken}


def _to_keep(played: Mapping[str, Played], simulated: Simulated) -> Mapping[str, float]:
    """Return the figures that the report keeps."""
    return {**_of_runners(played), **(_simulation_figures(simulated) if simulated.days else {})}


def _played(chosen: Sequence[Fault], lengths: Lengths) -> Mapping[str, Played]:
    """Let each runner that is asked for play once."""
    played = {}
    for name in dict.fromkeys(fault.runner for fault in chosen if fault.runner):
        _say(f"{name}: {(RUNNERS[name].__doc__ or '').splitlines()[0]}")
        began_at = time.monotonic()
        played[name] = RUNNERS[name](lengths)
        _say(f"  {len(played[name].differences)} differences, {time.monotonic() - began_at:.0f} s")
        for difference in played[name].differences[:MOST_SHOWN]:
            _say(f"  {difference}")
    return played


def _tested(chosen: Sequence[Fault], engine: str) -> Mapping[str, Sequence[str]]:
    nodes = {test for fault in chosen for test in fault.tests}
    if nodes:
        _say(f"{len(nodes)} tests, engines: {engine}")
    return run_tests(nodes, engine, _say)


def _failures(
    chosen: Sequence[Fault], played: Mapping[str, Played], of_tests: Mapping[str, Sequence[str]]
) -> Mapping[int, Sequence[str]]:
    ran = {*played, *of_tests}
    return {one.number: list(_wrong(one, played, of_tests)) for one in chosen if ran & {one.runner, *one.tests}}


def _outcomes(
    chosen: Sequence[Fault], failures: Mapping[int, Sequence[str]], words: argparse.Namespace
) -> Mapping[tuple[str, int], str]:
    """Return what the report says of each fault that was played, in part where only a part of it was asked for."""
    part = " its tests" if words.tests_only else " its runner" if words.runners_only else ""
    outcomes = {}
    for fault in chosen:
        wrong = failures.get(fault.number)
        if wrong is not None:
            is_part = bool(fault.tests and fault.runner)
            outcomes[fault.area, fault.number] = (
                f"FAILED: {wrong[0]}" if wrong else f"Survived{part if is_part else ''}"
            )
    return outcomes


def _wrong(fault: Fault, played: Mapping[str, Played], of_tests: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Return everything that went wrong while a fault was played."""
    if fault.runner in played:
        yield from played[fault.runner].differences
    for test in fault.tests:
        yield from (f"{test}: {failure}" for failure in of_tests.get(test, ()))


def _of_runners(played: Mapping[str, Played]) -> Mapping[str, float]:
    all_of_them = Played()
    for one in played.values():
        all_of_them.add(one.figures)
    return all_of_them.figures


def _figures(played: Mapping[str, Played], failures: Mapping[int, Sequence[str]]) -> Mapping[str, float]:
    survived = sum(not wrong for wrong in failures.values())
    counted = {"faults_run": len(failures), "faults_survived": survived}
    return {**counted, **dict.fromkeys(COUNTED, 0), **_of_runners(played)}


def _security_figures(unexpected: Mapping[int, Sequence[str]]) -> Mapping[str, float]:
    survived = sum(not wrong for wrong in unexpected.values())
    routes = sum(len(wrong) for number, wrong in unexpected.items() if number in ABOUT_ROUTES)
    return {"security_run": len(unexpected), "security_survived": survived, "routes_unexpected": routes}


def _tell(chosen: Sequence[Fault], failures: Mapping[int, Sequence[str]], figures: Mapping[str, float]) -> None:
    for name, figure in figures.items():
        _say(f"{figure:>12g} {name}")
    for fault in chosen:
        if fault.cannot:
            _say(f"{fault.number}: not here: {fault.cannot}")
        for wrong in failures.get(fault.number, ())[:MOST_SHOWN]:
            sys.stderr.write(f"DIFFERENCE under {fault.number} ({fault.what}): {wrong}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _lengths(words: argparse.Namespace) -> Lengths:
    engines = ENGINES if words.engine in {None, "both"} else (words.engine,)
    told = ("seed", "kills", "observed", "states", "step", "excursions", "fridges", "speed")
    return Lengths(engines, **{name: getattr(words, name) for name in told})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py faults",
        description=f"Plays the {FAULTS} faults of tests/faults/catalogue.toml on real peers and counts what was lost;"
        " tests/faults/REPORT.md tells of each fault how it went last.",
        epilog="exit codes: 0 nothing was lost; 1 something was, or could not be proved",
    )
    parser.add_argument(
        "--only", type=int, nargs="+", default=[], metavar="N", help="which faults, by their number; else all"
    )
    parser.add_argument("--kills", type=int, default=10, help="how often the server is killed, on each engine (10)")
    parser.add_argument("--observed", type=int, default=40, help="how many people are under observation meanwhile (40)")
    parser.add_argument("--states", type=int, default=2000, help="how many crash states are opened (2000)")
    parser.add_argument("--step", type=int, default=5, help="spoil one write in so many; 1 spoils every one (5)")
    parser.add_argument("--excursions", type=int, default=40, help="how many at least in the storm (40)")
    parser.add_argument("--fridges", type=int, default=40, help="side by side in the storm (40)")
    parser.add_argument("--speed", type=float, default=240, help="of the clock in the storm (240)")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="how many simulated days (20)")
    parser.add_argument("--days-only", action="store_true", help="play the simulated days alone")
    parser.add_argument(
        "--engine",
        choices=(*ENGINES, "both"),
        help="for all that is played; else runners play on both, and tests as in the test command",
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed plays the same (1)")
    parser.add_argument("--runners-only", action="store_true", help="leave out what the test command runs anyway")
    parser.add_argument("--tests-only", action="store_true", help="leave out what plays at any length")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, flat")
    words = parser.parse_args()
    if words.only and not {*words.only} <= {*range(1, FAULTS + 1)}:
        parser.error(f"faults are numbered 1 to {FAULTS}")
    return words


if __name__ == "__main__":
    sys.exit(main())
