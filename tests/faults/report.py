"""The report of a run: every fault of the catalogue, and what became of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from tests.faults.catalogue import Fault

FILE = Path(__file__).with_name("REPORT.md")
_HEAD = """\
# Faults, and what became of them

Made by `python3 run.py faults`; do not edit. Each fault of `catalogue.toml` is played by tests of this repository or by
a runner of `tests/faults/runners.py`. *Survived*: everything that plays it passed. *Not here*: nothing plays it here.
"""


def written(faults: Sequence[Fault], failures: Mapping[int, Sequence[str]], figures: Mapping[str, float]) -> str:
    """Return the report as Markdown; a fault that is not in ``failures`` was not run."""
    parts = [_HEAD, f"Last run {datetime.now(UTC):%Y-%m-%d}.\n"]
    for area, some in groupby(faults, key=lambda fault: fault.area):
        parts.append("\n".join([f"## {area}\n", "|No.|Fault|What must hold|Outcome|", "|--:|---|---|---|"]))
        parts.append("\n".join(_row(fault, failures) for fault in some) + "\n")
    parts.append("## Figures\n\n|Figure|Value|\n|---|--:|")
    parts.append("\n".join(f"|`{name}`|{figure:g}|" for name, figure in figures.items()) + "\n")
    return "\n".join(parts).replace("|\n\n|", "|\n|")


def _row(fault: Fault, failures: Mapping[int, Sequence[str]]) -> str:
    return f"|{fault.number}|{fault.what}|{fault.must}|{'; '.join(_outcome(fault, failures))}|"


def _outcome(fault: Fault, failures: Mapping[int, Sequence[str]]) -> Iterator[str]:
    if fault.cannot:
        yield f"Not here: {fault.cannot}"
        return
    wrong = failures.get(fault.number)
    if wrong is None:
        yield "Not run"
    else:
        yield f"FAILED: {wrong[0]}" if wrong else "Survived"
    if fault.gap:
        yield f"not shown: {fault.gap}"
