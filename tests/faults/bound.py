"""Runs the tests the catalogue names, all in one go, and tells of each what failed."""

import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parents[2]
MOST_SIGNS = 160


def run_tests(nodes: Collection[str], engine: str) -> Mapping[str, Sequence[str]]:
    """Run each test with all its parameters; return its failures by node: none where it passed.

    A test that did not run has failed.
    """
    if not nodes:
        return {}
    with tempfile.TemporaryDirectory(prefix="clinic-faults-") as folder:
        told = Path(folder) / "told.xml"
        words = [
            "-q",
            "-n0",
            "-p",
            "no:randomly",
            f"--engine={engine}",
            f"--junitxml={told}",
            f"--basetemp={folder}/files",
        ]
        command = [sys.executable, "-m", "pytest", *words, *sorted(nodes)]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)  # noqa: S603  # our own arguments
        ran = _cases(told) if told.exists() else {}
    return {node: ran.get(node, ["did not run"]) for node in nodes}


def _cases(told: Path) -> Mapping[str, list[str]]:
    failures: dict[str, list[str]] = defaultdict(list)
    for case in ET.parse(told).getroot().iter("testcase"):  # noqa: S314  # our own pytest wrote it
        name, _, parameters = case.attrib["name"].partition("[")
        node = f"{case.attrib['classname'].replace('.', '/')}.py::{name}"
        wrong = [child for child in case if child.tag in {"failure", "error", "skipped"}]
        where = f" [{parameters}" if parameters else ""
        failures[node] += [f"{child.tag}{where}: {_first_words(child)}" for child in wrong]
    return failures


def _first_words(told: ET.Element) -> str:
    """Return why a test failed in words that fit a row of the report."""
    return " ".join(told.get("message", "").split()).replace("|", "/")[:MOST_SIGNS]
