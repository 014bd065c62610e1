"""The catalogue of faults: what each is, what must hold under it, and what plays it here."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
FAULTS = 94
SECURITY_TESTS = 22


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault by its number; it has tests or a runner, or ``cannot`` says why nothing plays it."""

    number: int
    area: str
    what: str
    must: str
    tests: Sequence[str] = ()
    runner: str = ""
    gap: str = ""
    cannot: str = ""


def catalogue() -> Sequence[Fault]:
    """Return every fault, in order."""
    return _read("catalogue.toml")


def security() -> Sequence[Fault]:
    """Return every security test, in order, numbered for itself."""
    return _read("security.toml")


def _read(name: str) -> Sequence[Fault]:
    return [Fault(**told) for told in tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))["fault"]]
