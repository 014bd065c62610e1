"""Rules spoilt one place at a time by mutmut, each judged by the tests of the rules."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.proof.copies import ROOT, copied

MUTMUT = ROOT / ".tools" / "mutation"  # beside .venv: what it brings must not decide the developers' versions
RULES = "clinic_server/*/rules.py"
PURE = re.compile(
    r"clinic_server\.(cold_chain\..+|immunisations\..+|screening\.(decisions|follow_ups)|visits\.flow)"
)  # of the contract's
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
TESTS = "tests/rules"
CAUGHT = {1, 3, 24, 36, 152, 255}  # failed, pytest's own error, and the ways to run out of time; 0 and 33 are survivors
ENDLESS_AFTER_S = 20.0

# mutmut comes last on the path, so that everything both have is the developers' own.
_RUN = f"import sys; sys.path.append({str(MUTMUT)!r}); from mutmut.__main__ import cli; cli()"


class MutationFailed(Exception):
    """mutmut did not come to an end; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A spoilt place no test noticed: ``diff`` has the lines taken out (-) and put in (+)."""

    module: str
    function: str
    diff: str


@dataclass(frozen=True, slots=True)
class Score:
    """What became of one module's mutants."""

    module: str
    killed: int
    equivalent: int
    survivors: Sequence[Survivor]

    @property
    def share(self) -> float:
        """How many of the mutants that differ from the rule were noticed, 1.0 when there was none."""
        counted = self.killed + len(self.survivors)
        return self.killed / counted if counted else 1.0


def modules(words: Iterable[str] = ()) -> list[str]:
    """Return the pure modules, of those asked for only, as paths in the project."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    kept_pure = next(one["source_modules"] for one in contracts if one["name"].startswith("Rules know no framework"))
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(RULES)}
    found |= {f"{name.replace('.', '/')}.py" for name in kept_pure if PURE.fullmatch(name)}
    pure = sorted(name for name in found if (ROOT / name).is_file())
    wanted = list(words)
    return [name for name in pure if not wanted or any(word in name for word in wanted)]


def scores(of: Sequence[str], children: int) -> list[Score]:
    """Spoil each place of these modules in a copy of the project and return what the tests said, module by module."""
    with copied() as copy:
        with (copy / "pyproject.toml").open("a") as settings:
            settings.write(_settings(copy, of))
        _mutmut(copy, "run", "--max-children", str(children))
        return [_score(copy, module) for module in of]


def _settings(copy: Path, of: Sequence[str]) -> str:
    beside = sorted(path.name for path in copy.iterdir() if path.name != "clinic_server")
    return f"""
[tool.mutmut]
source_paths = ["clinic_server"]
only_mutate = {json.dumps(list(of))}
also_copy = {json.dumps(["clinic_server", *beside])}
pytest_add_cli_args_test_selection = ["{TESTS}"]
pytest_add_cli_args = ["-p", "no:randomly", "-p", "no:cacheprovider", "--engine=sqlite"]
timeout_constant = {ENDLESS_AFTER_S}
use_setproctitle = false
"""


def _mutmut(copy: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": "", "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis")}
    done = subprocess.run(  # noqa: S603  # our own arguments
        [sys.executable, "-W", "ignore", "-c", _RUN, *arguments],
        cwd=copy,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).replace("\r", "\n").strip().splitlines()
        raise MutationFailed("\n".join(said[-30:]))
    return done.stdout


def _score(copy: Path, module: str) -> Score:
    record = copy / "mutants" / f"{module}.meta"
    codes: dict[str, int | None] = json.loads(record.read_text())["exit_code_by_key"] if record.exists() else {}
    alive = [_survivor(copy, module, mutant) for mutant, code in codes.items() if code not in CAUGHT]
    survivors = [mutant for mutant in alive if not _is_equivalent(mutant)]
    return Score(module, len(codes) - len(alive), len(alive) - len(survivors), survivors)


def _survivor(copy: Path, module: str, mutant: str) -> Survivor:
    lines = _mutmut(copy, "show", mutant).splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    function = (
        mutant.rsplit(".", 1)[-1].rsplit("__mutmut_", 1)[0].removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    )
    return Survivor(module, function, "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed))


def _is_equivalent(mutant: Survivor) -> bool:
    return any(
        entry["module"] == mutant.module
        and entry["function"] == mutant.function
        and fnmatch(mutant.diff, entry["diff"].strip())
        for entry in equivalents()
    )


def equivalents() -> list[dict[str, str]]:
    """Return the mutants a person has read and found to mean the same; each says why."""
    entries: list[dict[str, str]] = tomllib.loads(EQUIVALENT.read_text()).get("mutant", [])
    return entries
