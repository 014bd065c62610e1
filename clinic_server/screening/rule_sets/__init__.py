"""Rule sets: what is asked, what is measured, and what speaks against a dose; one readable file each.

A file is never edited in place once a visit was screened with it: a change is a new file with the next version.
"""

import tomllib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec

_FOLDER = Path(__file__).parent
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class RuleSetFaulty(ValueError):
    """A rule set's file says something that cannot be meant; the text names the file and the place."""


class Weight(StrEnum):
    """How much a finding weighs."""

    CONTRAINDICATION = "contraindication"
    PRECAUTION = "precaution"
    DEFERRAL = "deferral"
    UNCLEAR = "unclear"


class Quantity(StrEnum):
    """What may be measured before a dose, by its unit."""

    MILLI_CELSIUS = "milli_celsius"
    SYSTOLIC_MMHG = "systolic_mmhg"
    DIASTOLIC_MMHG = "diastolic_mmhg"


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question: "yes" gives its finding; the gates say who is asked, ages in whole years."""

    code: Code
    finding: Code
    weight: Literal["contraindication", "precaution"]
    source: Words
    only_sex: Literal["female", "male"] | None = None
    from_age: Annotated[int, msgspec.Meta(ge=0, le=150)] = 0
    below_age: Annotated[int, msgspec.Meta(ge=1, le=200)] = 200


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measured value that gives a finding at ``at_least`` and above."""

    quantity: Quantity
    finding: Code
    weight: Literal["contraindication", "precaution", "deferral"]
    source: Words
    at_least: int


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one set; its programme is an antigen of the catalogue of vaccines.

    ``sign_off`` says which physician answers for it, or that none does yet.
    """

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    programme: Code
    jurisdiction: Words
    source: Words
    valid_from: date
    owner: Words
    sign_off: Words
    observation_minutes: Annotated[int, msgspec.Meta(ge=30, le=240)]
    question: tuple[Question, ...]
    threshold: tuple[Threshold, ...]


def parse(text: str, name: str) -> RuleSet:
    """Return the rule set a file holds, or raise RuleSetFaulty naming line or key."""
    try:
        rule_set = msgspec.convert(tomllib.loads(text), RuleSet)
    except tomllib.TOMLDecodeError as error:
        raise RuleSetFaulty(f"{name}: {error}") from None
    except msgspec.ValidationError as error:
        raise RuleSetFaulty(f"{name}: {error}") from None
    for fault in _faults(rule_set):
        raise RuleSetFaulty(f"{name}: {fault}")
    return rule_set


def active(rule_sets: Iterable[RuleSet], on: date) -> RuleSet:
    """Return the set valid on a day: the last to have become so, and of that its newest version."""
    begun = [rule_set for rule_set in rule_sets if rule_set.valid_from <= on]
    if not begun:
        raise RuleSetFaulty(f"No rule set is valid on {on}.")
    return max(begun, key=lambda rule_set: (rule_set.valid_from, rule_set.version))


def of_version(rule_sets: Iterable[RuleSet], code: str, version: int) -> RuleSet:
    """Return the very set a screening was made with."""
    for rule_set in rule_sets:
        if (rule_set.code, rule_set.version) == (code, version):
            return rule_set
    raise RuleSetFaulty(f"This server no longer has version {version} of the rule set {code}.")


@cache
def shipped() -> tuple[RuleSet, ...]:
    """Return every set beside this file, read once; raise RuleSetFaulty rather than screen by half a set."""
    rule_sets = tuple(parse(path.read_text(encoding="utf-8"), path.name) for path in sorted(_FOLDER.glob("*.toml")))
    twice = _repeated(f"{rule_set.code} version {rule_set.version}" for rule_set in rule_sets)
    if twice:
        raise RuleSetFaulty(f"Two files hold {twice[0]}.")
    return rule_sets


def _faults(rule_set: RuleSet) -> Iterable[str]:
    for code in _repeated(question.code for question in rule_set.question):
        yield f"question {code} is there twice"
    for question in rule_set.question:
        if question.from_age >= question.below_age:
            ages = f"from age {question.from_age} below {question.below_age}"
            yield f"question {question.code} is asked {ages}: of nobody"


def _repeated(names: Iterable[str]) -> Sequence[str]:
    return [name for name, count in Counter(names).items() if count > 1]
