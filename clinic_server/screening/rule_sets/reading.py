"""From a file's text to what it says, or to every fault of it with its line and key."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

import msgspec

from clinic_server.kit.toml_lines import line_of
from clinic_server.screening.rule_sets.terms import FollowUp, Question, Threshold, Written

_HEAVINESS: Mapping[str, int] = {"nothing": 0, "precaution": 1, "deferral": 2, "contraindication": 3}
_NEEDS: Mapping[str, frozenset[str]] = {  # what each kind of follow-up says
    "yes_no": frozenset({"yes", "no"}),
    "date": frozenset({"within_days", "within", "beyond"}),
    "choice": frozenset({"choices"}),
    "ingredients": frozenset({"ingredients", "beyond"}),
}
_LONGEST_NAME = 32
_MAY = frozenset().union(*_NEEDS.values())


class RuleSetFaulty(ValueError):
    """A rule set's file says something that cannot be meant; the text names the file, the line and the key."""


class Fault(NamedTuple):
    """What is wrong at a path such as ``$.question[0].weight``."""

    path: str
    said: str


def read(text: str, name: str) -> Written:
    """Return what a file says, or raise RuleSetFaulty with every fault of it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleSetFaulty(f"{name}, line {_line_in(str(error), text)}: {error}") from None
    raise_faults(_shape_faults(Written, table, "$"), text, name)
    written = msgspec.convert(table, Written)
    raise_faults(_faults(written), text, name)
    return written


def raise_faults(faults: Iterable[Fault], text: str, name: str) -> None:
    """Raise RuleSetFaulty with all faults in the order of their lines, if there are any."""
    placed = sorted((line_of(text, fault.path), fault) for fault in faults)
    if placed:
        raise RuleSetFaulty("\n".join(f"{name}, line {line}: {_key(fault.path)}{fault.said}" for line, fault in placed))


def _line_in(message: str, text: str) -> int:
    at = re.search(r"at line (\d+)", message)
    return int(at[1]) if at else max(len(text.splitlines()), 1)


def _key(path: str) -> str:
    key = path.removeprefix("$").removeprefix(".")
    return f"{key}: " if key else ""


def _shape_faults(kind: type[msgspec.Struct], table: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Yield every key that is unknown, missing or holds something else; msgspec alone stops at the first."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    for key in sorted(table.keys() - fields.keys()):
        yield Fault(f"{path}.{key}", "there is no such key")
    for key, field in fields.items():
        if key in table:
            yield from _value_faults(field.type, table[key], f"{path}.{key}")
        elif field.required:
            yield Fault(path, f"{key} is missing")


def _value_faults(wanted: Any, value: Any, path: str) -> Iterator[Fault]:
    part = next((arg for arg in get_args(wanted) if isinstance(arg, type) and issubclass(arg, msgspec.Struct)), None)
    if part and isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        for place, entry in enumerate(value):
            yield from _shape_faults(part, entry, f"{path}[{place}]")
        return
    if part and isinstance(value, dict):
        yield from _shape_faults(part, value, path)
        return
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        yield Fault(path, str(error))


def _faults(written: Written) -> Iterator[Fault]:
    if written.valid_until is not None and written.valid_until < written.valid_from:
        yield Fault("$.valid_until", "ends before it begins")
    if written.ages is not None and written.ages.from_age >= written.ages.below_age:
        yield Fault("$.ages", "the set is for nobody: its ages are reversed")
    if written.admission is not None and len(f"{written.code}/{written.version}") > _LONGEST_NAME:
        yield Fault("$.admission", f"a check-in keeps the set's name in {_LONGEST_NAME} characters")
    yield from _repetitions("question", written.question)
    yield from _repetitions("threshold", written.threshold)
    for place, question in enumerate(written.question):
        yield from _question_faults(question, f"$.question[{place}]")
    for place, threshold in enumerate(written.threshold):
        yield from _threshold_faults(threshold, f"$.threshold[{place}]")


def _repetitions(group: str, entries: Sequence[Question | Threshold | FollowUp], path: str = "$") -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for place, entry in enumerate(entries):
        seen[entry.code] += 1
        if seen[entry.code] > 1:
            yield Fault(f"{path}.{group}[{place}].code", f"{entry.code} is there twice")


def _question_faults(question: Question, path: str) -> Iterator[Fault]:
    if question.from_age >= question.below_age or question.from_months >= question.below_months:
        yield Fault(path, f"{question.code} is asked of nobody: its ages are reversed")
    yield from _deferral_faults(question, path)
    yield from _repetitions("follow_up", question.follow_up, path)
    for place, follow_up in enumerate(question.follow_up):
        yield from _follow_up_faults(question, follow_up, f"{path}.follow_up[{place}]")


def _threshold_faults(threshold: Threshold, path: str) -> Iterator[Fault]:
    at_least, at_most = threshold.at_least, threshold.at_most
    if at_least is None and at_most is None:
        yield Fault(path, f"{threshold.code} has neither at_least nor at_most")
    elif at_least is not None and at_most is not None and at_least > at_most:
        yield Fault(f"{path}.at_most", "is below at_least: no value is meant")
    yield from _deferral_faults(threshold, path)


def _deferral_faults(entry: Question | Threshold, path: str) -> Iterator[Fault]:
    if entry.defer_days is not None and entry.weight != "deferral":
        yield Fault(f"{path}.defer_days", f"a {entry.weight} has no day on which it ends")


def _follow_up_faults(question: Question, follow_up: FollowUp, path: str) -> Iterator[Fault]:
    needed = _NEEDS[follow_up.kind]
    said = {key for key in _MAY if getattr(follow_up, key)}
    for key in sorted(needed - said):
        yield Fault(path, f"a follow-up of the kind {follow_up.kind} says {key}")
    for key in sorted(said - needed):
        yield Fault(f"{path}.{key}", f"a follow-up of the kind {follow_up.kind} does not say {key}")
    if any(_HEAVINESS[effect] > _HEAVINESS[question.weight] for effect in follow_up.makes().values()):
        yield Fault(path, f"an answer would weigh more than the question ({question.weight})")
