"""`python3 run.py coverage`: which branch of the clinical core does no test of the rules take?"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.proof.copies import ROOT

CORE = (
    "check_in",
    "screening",
    "consent",
    "injection",
    "stock",
    "opening",
    "corrections",
    "immunisations",
    "visits",
    "closing",
    "recall",
    "counting",
    "demand",
    "receiving",
    "alerts",
    "paging",
    "cold_chain",
    "exchange",
)
BESIDE_RULES = (
    "clinic_server/adverse_events/brighton.py",
    "clinic_server/adverse_events/clocks.py",
    "clinic_server/adverse_events/deadlines/__init__.py",
    "clinic_server/adverse_events/similar/limits/__init__.py",
    "clinic_server/adverse_events/similar/rules.py",
    "clinic_server/alerts/ladder.py",
    "clinic_server/alerts/roster.py",
    "clinic_server/cold_chain/conditions.py",
    "clinic_server/cold_chain/course/rules.py",
    "clinic_server/cold_chain/excursions/rules.py",
    "clinic_server/cold_chain/judge.py",
    "clinic_server/cold_chain/judging.py",
    "clinic_server/cold_chain/kinetics.py",
    "clinic_server/cold_chain/logger_files/outline.py",
    "clinic_server/cold_chain/logger_files/rules.py",
    "clinic_server/cold_chain/profiles/__init__.py",
    "clinic_server/cold_chain/suspects.py",
    "clinic_server/cold_chain/tracks.py",
    "clinic_server/cold_chain/upkeep/limits.py",
    "clinic_server/cold_chain/upkeep/rules.py",
    "clinic_server/stock/vials.py",
    "clinic_server/visits/flow.py",
    "clinic_server/screening/decisions.py",
    "clinic_server/screening/follow_ups.py",
    "clinic_server/screening/rule_sets/standing.py",
)
NOT_CORE = ("actions", "api", "lookup", "pages", "tables", "seen")
TESTS = ("tests/rules",)


def core() -> list[str]:
    """Return the modules of the clinical core that decide, as paths in the project."""
    rules = [f"clinic_server/{slice_}/rules.py" for slice_ in CORE]
    pure = [path.relative_to(ROOT).as_posix() for path in (ROOT / "clinic_server" / "immunisations").glob("*.py")]
    wanted = {*rules, *(path for path in pure if Path(path).stem not in NOT_CORE), *BESIDE_RULES}
    return sorted(path for path in wanted if (ROOT / path).exists())


def main() -> int:
    """Run the tests of the rules under coverage and fail below everything."""
    tests = _arguments().test or TESTS
    with tempfile.TemporaryDirectory(prefix="clinic-coverage-") as folder:
        environment = {**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")}
        ran = _coverage(environment, "run", "--branch", "-m", "pytest", "-q", "--engine=sqlite", *tests)
        if ran:
            return ran
        only = f"--include={','.join(core())}"
        return _coverage(environment, "report", "--show-missing", "--precision=1", "--fail-under=100", only)


def _coverage(environment: dict[str, str], *words: str) -> int:
    return subprocess.run(  # noqa: S603  # our own arguments
        [sys.executable, "-m", "coverage", *words], cwd=ROOT, env=environment, check=False
    ).returncode


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 run.py coverage",
        description="Runs the tests of the rules and tells which branches of the clinical core they never took.",
        epilog="exit codes: 0 every branch; 2 not; else a test failed",
    )
    parser.add_argument("test", nargs="*", help=f"which tests ({' '.join(TESTS)})")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
