"""`python3 run.py races`: two desks and one person, two benches and one vial, at the same instant."""

import argparse
import sys
from contextlib import nullcontext

from tests.peers import postgres_database
from tests.proof.pairs import race

ENGINES = ("sqlite", "postgresql")


def main() -> int:
    """Race, tell, and fail when anything was doubled."""
    words = _arguments()
    found: list[str] = []
    for engine in ENGINES if words.engine == "both" else (words.engine,):
        with postgres_database() if engine == "postgresql" else nullcontext() as url:
            races = race(engine, 2 * words.pairs // 3, url)
        pairs = f"{races.desk_pairs} pairs of desks, {races.bench_pairs} pairs of benches"
        sys.stdout.write(f"{engine}: {pairs}, {races.pairs_a_second:.1f} a second, {len(races.doubled)} doubled\n")
        found += races.doubled
    for what in found[:20]:
        sys.stderr.write(f"DOUBLED {what}\n")
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py races",
        description="Lets pairs of desks and of benches want the same at the same instant, over HTTP.",
        epilog="exit codes: 0 of each pair exactly one got it; 1 not",
    )
    parser.add_argument("--pairs", type=int, default=10_000, help="how many pairs, on each engine (10000)")
    parser.add_argument("--engine", choices=(*ENGINES, "both"), default="both")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
