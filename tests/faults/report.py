"""The report: every fault of the catalogue, and what became of it when it was last played."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from tests.faults.catalogue import Fault, catalogue, security

FILE = Path(__file__).with_name("REPORT.md")
_HEAD = """\
# Faults, and what became of them

Made by `python3 run.py faults`; do not edit. Each fault of `catalogue.toml` and `security.toml` is played by tests of
this repository or by a runner of `tests/faults/runners.py`; a run of some of them leaves the other lines as they were.
*Not here*: nothing plays it, and why.
"""
_AREA = re.compile(r"^## (.+)$")
_ROW = re.compile(r"^\|(\d+)\|[^|]+\|[^|]+\|([^|]+)\|$")
_FIGURE = re.compile(r"^\|`(\w+)`\|([^|]+)\|$")


def made_anew(outcomes: Mapping[tuple[str, int], str], figures: Mapping[str, float]) -> str:
    """Return a report of these outcomes, by area and number, and figures alone."""
    return _report("", outcomes, figures)


def brought_up_to_date(outcomes: Mapping[tuple[str, int], str], figures: Mapping[str, float]) -> str:
    """Return the report with new outcomes and new figures; the others stay as they are."""
    return _report(FILE.read_text(encoding="utf-8") if FILE.exists() else "", outcomes, figures)


def _report(before: str, outcomes: Mapping[tuple[str, int], str], figures: Mapping[str, float]) -> str:
    told = {**_outcomes_of(before), **outcomes}
    parts = [_HEAD]
    every = [(fault, _shown(fault, told.get((fault.area, fault.number), "Not run"))) for fault in _all()]
    counted = Counter(re.split("[:;]| its", shown)[0] for _, shown in every)
    parts.append(", ".join(f"{word}: {count}" for word, count in sorted(counted.items())) + ".\n")
    for area, rows in groupby(every, key=lambda row: row[0].area):
        head = [f"## {area}\n", "|No.|Fault|What must hold|Outcome|", "|--:|---|---|---|"]
        lines = [f"|{fault.number}|{fault.what}|{fault.must}|{shown}|" for fault, shown in rows]
        parts.append("\n".join([*head, *lines]) + "\n")
    merged = {**dict(_figures_of(before)), **{name: f"{figure:g}" for name, figure in figures.items()}}
    rows_of_figures = [f"|`{name}`|{figure}|" for name, figure in sorted(merged.items())]
    parts.append("\n".join(["## Figures\n", "|Figure|Last measured|", "|---|--:|", *rows_of_figures]) + "\n")
    return "\n".join(parts)


def _all() -> Sequence[Fault]:
    return [*catalogue(), *security()]


def _shown(fault: Fault, outcome: str) -> str:
    if fault.cannot:
        return f"Not here: {fault.cannot}"
    return f"{outcome}; not shown: {fault.gap}" if fault.gap else outcome


def _outcomes_of(text: str) -> Mapping[tuple[str, int], str]:
    """Read what an earlier report says, without what the catalogue adds to it."""
    area, told = "", {}
    for line in text.splitlines():
        if found := _AREA.match(line):
            area = found[1]
        elif (found := _ROW.match(line)) and not found[2].startswith("Not here"):
            told[area, int(found[1])] = found[2].partition("; not shown")[0]
    return told


def _figures_of(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if found := _FIGURE.match(line):
            yield found[1], found[2]
