"""Runs the tests the catalogue names and tells of each what failed."""

import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
MOST_SIGNS = 160
TEST_WITHIN_S = 300  # unless it says otherwise itself
FOLDER_WITHIN_S = 1800.0


def run_tests(nodes: Collection[str], engine: str, say: Callable[[str], None]) -> Mapping[str, Sequence[str]]:
    """Run each test with all its parameters, folder by folder; return its failures by node: none where it passed.

    A test that did not run has failed. Each has a time within which it must end; ``say`` hears how long a folder took.
    """
    ran: dict[str, list[str]] = {}
    for folder, of_folder in groupby(sorted(nodes), key=lambda node: str(Path(node.partition("::")[0]).parent)):
        began_at = time.monotonic()
        cases = _ran(list(of_folder), engine)
        ran |= cases
        say(f"  {folder}: {sum(map(bool, cases.values()))} failed, {time.monotonic() - began_at:.0f} s")
    return {node: ran.get(node, ["did not run"]) for node in nodes}


def _ran(nodes: Sequence[str], engine: str) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory(prefix="clinic-faults-") as folder:
        told = Path(folder) / "told.xml"
        words = ["-q", "-n0", "-p", "no:randomly", f"--timeout={TEST_WITHIN_S}", f"--engine={engine}"]
        words += [f"--junitxml={told}", f"--basetemp={folder}/files"]
        command = [sys.executable, "-m", "pytest", *words, *nodes]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=FOLDER_WITHIN_S, check=False)  # noqa: S603  # our own arguments
        return _cases(told) if told.exists() else {}


def _cases(told: Path) -> dict[str, list[str]]:
    failures: dict[str, list[str]] = defaultdict(list)
    for case in ET.parse(told).getroot().iter("testcase"):  # noqa: S314  # our own pytest wrote it
        name, _, parameters = case.attrib["name"].partition("[")
        node = f"{case.attrib['classname'].replace('.', '/')}.py::{name}"
        wrong = [child for child in case if child.tag in {"failure", "error", "skipped"}]
        where = f" [{parameters}" if parameters else ""
        failures[node] += [f"{child.tag}{where}: {_first_words(child)}" for child in wrong]
    return dict(failures)


def _first_words(told: ET.Element) -> str:
    """Return why a test failed in words that fit a row of the report."""
    return " ".join(told.get("message", "").split()).replace("|", "/")[:MOST_SIGNS]
