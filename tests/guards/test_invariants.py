"""The table of invariants is whole, and what it promises is there."""

import ast
import re
from pathlib import Path

from tests.proof.guards import faults
from tests.proof.invariants import CHECKS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "tests" / "INVARIANTS.md").read_text()
ROWS = {int(number): shown for number, shown in re.findall(r"^\|(\d+)\|[^|]+\|([^|]+)\|$", TEXT, re.MULTILINE)}
STATES = re.compile(r"open: \S.*|not in scope yet: (stock and recall|cold chain|observation|report|exchange)")


def _tests_of(path: Path) -> set[str]:
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def _missing(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / file
    return not path.exists() or not name.startswith("test_") or name not in _tests_of(path)


def test_all_57_invariants_are_there_once() -> None:
    assert list(ROWS) == list(range(1, 58))


def test_every_test_named_exists() -> None:
    named = re.findall(r"tests/[\w/]+\.py::\w+", TEXT)
    assert named
    assert [test for test in named if _missing(test)] == []


def test_every_invariant_has_a_test_or_says_why_not() -> None:
    without = {number: shown for number, shown in ROWS.items() if "::" not in shown and "the machine" not in shown}
    assert {number: shown for number, shown in without.items() if not STATES.fullmatch(shown)} == {}


def test_the_machine_asks_what_the_table_says_it_asks() -> None:
    said = {number for number, shown in ROWS.items() if "the machine" in shown}
    assert said == {number for number, _ in CHECKS} | {26}


def test_every_planted_fault_belongs_to_an_invariant_a_test_stands_for() -> None:
    assert [fault.name for fault in faults() if _missing(fault.test)] == []
    assert [fault.name for fault in faults() if STATES.fullmatch(ROWS[fault.invariant])] == []


def test_every_guard_that_is_planted_stands_in_the_code_once() -> None:
    gone = [fault.name for fault in faults() if (ROOT / fault.file).read_text().count(fault.old) != 1]
    assert gone == []
