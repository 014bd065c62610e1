"""The report of a run: every fault of the catalogue, and what became of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

from tests.faults.catalogue import Fault

Part = tuple[Sequence[Fault], Mapping[int, Sequence[str]]]
FILE = Path(__file__).with_name("REPORT.md")
_HEAD = """\
# Faults, and what became of them

Made by `python3 run.py faults`; do not edit. Each fault of `catalogue.toml` is played by tests of this repository or by
a runner of `tests/faults/runners.py`. *Survived*: everything that plays it passed. *Not here*: nothing plays it here.
"""


def written(parts: Iterable[Part], figures: Mapping[str, float]) -> str:
    """Return the report as Markdown; a fault that is not among its part's failures was not run."""
    written = [_HEAD, f"Last run {datetime.now(UTC):%Y-%m-%d}.\n"]
    for faults, failures in parts:
        for area, some in groupby(faults, key=lambda fault: fault.area):
            head = [f"## {area}\n", "|No.|Fault|What must hold|Outcome|", "|--:|---|---|---|"]
            written.append("\n".join([*head, *(_row(fault, failures) for fault in some)]) + "\n")
    rows = [f"|`{name}`|{figure:g}|" for name, figure in figures.items()]
    written.append("\n".join(["## Figures\n", "|Figure|Value|", "|---|--:|", *rows]) + "\n")
    return "\n".join(written)


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
