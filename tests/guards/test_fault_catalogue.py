"""The catalogue of faults is whole, what it names is there, and its report speaks of the same faults."""

import ast
import re
from pathlib import Path

from tests.faults import report
from tests.faults.catalogue import FAULTS, SECURITY_TESTS, Fault, catalogue, security
from tests.faults.runners import RUNNERS

ROOT = Path(__file__).resolve().parents[2]
ALL = (*catalogue(), *security())


def _is_missing(test: str) -> bool:
    file, _, name = test.partition("::")
    path = ROOT / file
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return not path.exists() or name not in {
        node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)
    }


def test_every_fault_is_there_once_and_in_order() -> None:
    assert [fault.number for fault in catalogue()] == list(range(1, FAULTS + 1))
    assert [fault.number for fault in security()] == list(range(1, SECURITY_TESTS + 1))


def test_every_test_and_runner_named_exists() -> None:
    assert [test for fault in ALL for test in fault.tests if _is_missing(test)] == []
    assert {fault.runner for fault in catalogue() if fault.runner} == set(RUNNERS)


def test_every_fault_is_played_or_says_why_not() -> None:
    def is_one_of_both(fault: Fault) -> bool:
        return bool(fault.tests or fault.runner) != bool(fault.cannot)

    assert [fault.number for fault in ALL if not is_one_of_both(fault)] == []


def test_the_report_tells_of_every_fault_as_the_catalogue_does() -> None:
    rows = re.findall(r"^\|(\d+)\|([^|]+)\|([^|]+)\|", report.FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(int(number), what, must) for number, what, must in rows] == [
        (fault.number, fault.what, fault.must) for fault in ALL
    ]


def test_a_whole_run_makes_the_report_anew_and_a_part_leaves_the_rest_as_it_was() -> None:
    first, *_ = ALL
    outcomes = {(first.area, first.number): "FAILED: lost"}
    assert report.made_anew(outcomes, {"lost": 1}).count("Not run") > FAULTS / 2
    assert "|`lost`|1|" in report.made_anew(outcomes, {"lost": 1})
    before, after = (report.brought_up_to_date(*news).splitlines() for news in (({}, {}), (outcomes, {"lost": 1})))
    changed = {line for line in after if line not in before}
    assert {line for line in changed if line[:1] == "|"} == {
        f"|{first.number}|{first.what}|{first.must}|FAILED: lost|",
        "|`lost`|1|",
    }
