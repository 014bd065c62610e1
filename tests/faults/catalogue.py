"""The catalogue of faults: what each is, what must hold under it, and what plays it here."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("catalogue.toml")
FAULTS = 94


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
    return [Fault(**told) for told in tomllib.loads(FILE.read_text(encoding="utf-8"))["fault"]]
