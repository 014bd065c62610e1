"""Whatever a device can report is explained on the devices page, with what helps, in every language.

The codes are read off the source of ``devices``: a reason that is raised there and has no label fails here by name.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import devices
from clinic_server.device_hub.rules import TRIALS, fault_code
from clinic_server.device_hub.setting_up import CHOICES
from clinic_server.device_hub.shown import ailment_of
from clinic_server.kit.i18n import LANGUAGES, current_language
from clinic_server.kit.labels import labels
from devices.errors import DeviceError
from devices.events import DeviceState
from devices.receipt_printer.wire import PrinterTrouble
from devices.registry import DEVICE_KINDS
from firmware_stubs.faults import Fault
from firmware_stubs.simulated import SIMULATED

ROOT = Path(devices.__file__).parent
PAGERS = ROOT / "pagers"
CODE = re.compile(r"[a-z][a-z0-9_]*")
REASONS_OF = {  # what is called with a reason: the code that stands before it
    "LinkUnavailable": "link_unavailable",
    "LinkLost": "link_lost",
    "lose": "link_lost",
    "lose_threadsafe": "link_lost",
    "_lose": "link_lost",
}
OWN_WORDS = {"reader_refused", "bad_frame", "spec_refused"}  # explained as a whole; the exact word stands beside it


def _trees() -> Iterator[ast.Module]:
    """Yield the modules of devices; a pager is none of the devices page, and tells its reasons with each attempt."""
    for path in sorted(path for path in ROOT.rglob("*.py") if PAGERS not in path.parents):
        yield ast.parse(path.read_text(encoding="utf-8"))


def _words(node: ast.AST) -> Iterator[str]:
    """Yield the codes that an expression spells out."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and CODE.fullmatch(inner.value):
            yield inner.value


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _reasons(tree: ast.Module) -> Iterator[str]:
    """Yield `code: reason` for every reason a module gives, also by a function of its own that chooses one."""
    choosing = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args):
        code = REASONS_OF.get(_called(call))
        if code is None:
            continue
        reason = call.args[0]
        chosen = choosing.get(_called(reason)) if isinstance(reason, ast.Call) else None
        given = [one for one in ast.walk(chosen) if isinstance(one, ast.Return)] if chosen else [reason]
        yield from (f"{code}: {word}" for one in given for word in _words(one))


def _error_codes() -> set[str]:
    for module in pkgutil.walk_packages(devices.__path__, "devices."):
        importlib.import_module(module.name)
    kinds, found = [DeviceError], set()
    while kinds:
        kind = kinds.pop()
        found.add(kind.code)
        kinds += kind.__subclasses__()
    return found


def _said_by(function: str) -> set[str]:
    """Return the codes that the supervision itself gives as details."""
    tree = ast.parse((ROOT / "attendance.py").read_text(encoding="utf-8"))
    body = next(node for node in ast.walk(tree) if getattr(node, "name", "") == function)
    return {word for node in ast.walk(body) if isinstance(node, ast.Return) for word in _words(node)}


def _said_online() -> set[str]:
    """Return what adapters say while they are online, spelled out or by the printer's state."""
    calls = [node for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    spelled = {word for call in calls if _called(call) == "online" for given in call.args for word in _words(given)}
    return spelled | {PrinterTrouble(**{one.name: True}).word for one in fields(PrinterTrouble)}


def _details() -> set[str]:
    reasons = {reason for tree in _trees() for reason in _reasons(tree)}
    return reasons | _error_codes() | _said_by("_attend_once") | _said_online() | {"removed"}


def test_the_codes_are_really_found() -> None:
    """A guard that finds nothing would pass for ever: one of each way to say a reason."""
    one_each = {"link_unavailable: no_such_port", "link_lost: closed_by_peer", "link_lost: protocol_broken"}
    one_each |= {"link_unavailable: port_taken", "adapter_failed", "paper_out", "reader_refused", "no_answer"}
    assert one_each - _details() == set()


def test_every_detail_a_device_can_report_has_its_own_label() -> None:
    assert sorted(_details() - set(labels()["device_fault"])) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_says_what_is_wrong_and_what_helps(language: str) -> None:
    current_language.set(language)
    for code, known in labels()["device_fault"].items():
        shown = ailment_of(DeviceState.OFFLINE, code)
        assert shown is not None, code
        assert shown.text, code
        assert shown.fix, code
        if language != "en":
            assert (shown.text, shown.fix) != (known.text, known.fix), f"{code} is not translated"


def test_a_reason_nobody_foresaw_is_explained_by_its_code() -> None:
    known = labels()["device_fault"]
    assert fault_code("link_lost: struck_by_lightning", known) == "link_lost"
    assert fault_code("spec_refused: option make must be one of a, b", known) == "spec_refused"
    assert fault_code("something_new", known) == "device_error"
    assert {code for code in OWN_WORDS if code not in known} == set()


def test_what_a_well_device_says_of_itself_is_no_fault() -> None:
    assert ailment_of(DeviceState.ONLINE, "05.01-20201231-0000001234-0000004321") is None
    assert ailment_of(DeviceState.ONLINE, "") is None
    low = ailment_of(DeviceState.ONLINE, "paper_low")
    assert low is not None
    assert low.tone == "warn"


def test_every_kind_of_device_has_a_name() -> None:
    assert set(DEVICE_KINDS) - set(labels()["device_kind"]) == set()
    assert set(DEVICE_KINDS) - set(TRIALS) == set()


def test_every_reason_a_slip_fails_for_has_a_sentence() -> None:
    calls = [node for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    failed = {word for call in calls if _called(call) == "SlipFailed" for word in _words(call.args[-1])}
    assert failed
    assert {f"slip_{reason}" for reason in failed} - set(labels()["trial_outcome"]) == set()


def test_every_deed_and_mishap_of_a_simulated_device_has_a_word() -> None:
    deeds = {deed for kind, build in SIMULATED.items() for deed in build(f"memory://guard-{kind}").deeds()}
    assert {fault.value for fault in Fault} <= deeds
    assert deeds - set(labels()["deed"]) == set()


def test_every_option_with_few_values_has_a_title() -> None:
    titles = {choice.name for choices in CHOICES.values() for choice in choices}
    assert titles - set(labels()["device_option"]) == set()
