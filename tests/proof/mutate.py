"""`python3 run.py mutate`: is every rule, and every guard of an invariant, held by a test that fails without it?"""

import argparse
import json
import os
import sys
from pathlib import Path

from tests.proof import guards, mutation

LEAST_SHARE = 0.90


def main() -> int:
    """Spoil, tell, and fail where too little was noticed."""
    words = _arguments()
    return _guards(words) if words.guards else _rules(words)


def _rules(words: argparse.Namespace) -> int:
    chosen = mutation.modules(words.module)
    if not chosen:
        _say("no such module among the rules")
        return 2
    scores = mutation.scores(chosen, words.children)
    for score in scores:
        for survivor in score.survivors:
            _say(f"SURVIVED {survivor.module} {survivor.function}\n{survivor.diff}\n")
    _say(f"{'killed':>8}{'survived':>10}{'equivalent':>12}{'share':>8}")
    for score in scores:
        shown = f"{score.killed:>8}{len(score.survivors):>10}{score.equivalent:>12}{score.share:>8.1%}"
        _say(f"{shown}  {score.module}")
    if words.json:
        figures = {score.module: {"killed": score.killed, "survived": len(score.survivors)} for score in scores}
        words.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if any(score.share < LEAST_SHARE for score in scores) else 0


def _guards(words: argparse.Namespace) -> int:
    noticed = []
    for verdict in guards.verdicts(guards.faults(words.module), words.children):
        _say(f"{verdict.state:<9} {verdict.fault.invariant:>3}  {verdict.fault.name}  ({verdict.fault.test})")
        noticed.append(verdict.state is guards.State.NOTICED)
    return 0 if noticed and all(noticed) else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py mutate",
        description="Spoils the pure rules one place at a time, in a copy, and asks the tests of the rules.",
        epilog=f"exit codes: 0 at least {LEAST_SHARE:.0%} was noticed, or every guard; 1 not; 2 none such",
    )
    parser.add_argument("module", nargs="*", help="parts of their paths, or with --guards of the faults' names (all)")
    parser.add_argument("--guards", action="store_true", help="take out the guards of the invariants (faults.toml)")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="how many at a time (one per core)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
