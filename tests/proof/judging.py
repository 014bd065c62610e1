"""`python3 run.py judging`: random histories of temperatures, judged by the program and by its slow twin."""

import argparse
import random
import sys
import time
from collections import Counter

from clinic_server.cold_chain.judge import judge
from clinic_server.cold_chain.judging import Judged
from tests.proof.histories import difference, history


def main() -> int:
    """Judge each history twice and stop at the first on which they differ."""
    words = _arguments()
    sys.stdout.write(f"{words.histories} histories, seed {words.seed}\n")
    sys.stdout.flush()
    reached: Counter[str] = Counter()
    began_at = time.monotonic()
    for number in range(words.histories):
        profile, points, until = history(words.seed + number)
        judged = judge(profile, points, until)
        if differs := difference(profile, points, until, judged):
            sys.stdout.write(f"  history {words.seed + number} ({profile.edition}, {len(points)} points):\n")
            for what, (found, expected) in differs.items():
                sys.stdout.write(f"    {what}: {found}\n    the reference: {expected}\n")
            return 1
        reached += _reached(judged, len(points))
    told = ", ".join(f"{count} {what}" for what, count in sorted(reached.items()))
    sys.stdout.write(f"  no difference: {told}; {time.monotonic() - began_at:.0f} s\n")
    return 0


def _reached(judged: Judged, points: int) -> Counter[str]:
    breaches = Counter(breach.kind.value for breach in judged.breaches)
    return breaches + Counter(
        points=points, warnings=len(judged.warnings), gaps=len(judged.gaps), lasting=_lasting(judged)
    )


def _lasting(judged: Judged) -> int:
    return sum(breach.ended_unix_ms is None for breach in judged.breaches)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py judging",
        description="Judges random histories of temperatures twice, by the program and by a slow twin of it.",
        epilog="exit codes: 0 they agreed on all; 1 they differed on one, which is shown",
    )
    parser.add_argument("--histories", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32), help="the same ones again")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
