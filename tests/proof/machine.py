"""`python3 run.py machine`: random clinic days in number, against every invariant."""

import argparse
import random
import sys
import time

from tests.proof import ledger_machine
from tests.proof.play import place_on, play

ENGINES = ("sqlite", "postgresql")


def main() -> int:
    """Play, and tell what was reached; what broke an invariant is raised with the steps that led there."""
    words = _arguments()
    play_all = ledger_machine.play if words.ledger else play
    engines = ENGINES if words.engine == "both" else (words.engine,)
    for engine in engines:
        sys.stdout.write(f"{words.examples} examples on {engine}, seed {words.seed}\n")
        sys.stdout.flush()
        began_at = time.monotonic()
        with place_on(engine) as place:
            reached = play_all(place, place.cast, examples=words.examples, chosen_seed=words.seed, shrink=True)
        took_s = time.monotonic() - began_at
        told = ", ".join(f"{count} {what}" for what, count in sorted(reached.items()))
        sys.stdout.write(f"  every invariant held: {told}; {took_s:.0f} s\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py machine",
        description="Plays random clinic days with faults on real databases and asks every invariant after each step.",
        epilog="exit codes: 0 all held; 1 one was broken, the steps that led there are shown",
    )
    parser.add_argument("--examples", type=int, default=10_000, help="how many days, on each engine (10000)")
    parser.add_argument("--ledger", action="store_true", help="only what moves doses, with every sum after each step")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="the same days again")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
