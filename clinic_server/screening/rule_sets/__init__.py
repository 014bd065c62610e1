"""Rule sets: what is asked, what is measured, and what speaks against a dose; one readable file for each version.

A file is never edited in place once its set was adopted: a change is a new file with the next version. What was
adopted is known by the digest of its words, and a file that says something else by now is refused.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TypeVar

import msgspec

from clinic_server.kit.editions import NothingInForce
from clinic_server.screening.rule_sets.reading import Fault, RuleSetFaulty, raise_faults, read
from clinic_server.screening.rule_sets.terms import (
    FollowUp,
    Included,
    Quantity,
    Question,
    RuleSet,
    Threshold,
    Weight,
    Written,
)

__all__ = ["FollowUp", "Quantity", "Question", "RuleSet", "RuleSetFaulty", "Threshold", "Weight", "Written"]

DEFAULT_PROGRAMME = "covid19"  # what is asked for at a site that adopted nothing yet
_FOLDER = Path(__file__).parent
EntryT = TypeVar("EntryT", bound=Question | Threshold)


def parse(text: str, name: str, others: Iterable[RuleSet] = ()) -> RuleSet:
    """Return the rule set a file holds, with what it includes of others, or raise RuleSetFaulty with every fault."""
    return _resolved(read(text, name), text, name, {(one.code, one.version): one for one in others})


def active(rule_sets: Iterable[RuleSet], on: date, programme: str = DEFAULT_PROGRAMME) -> RuleSet:
    """Return a programme's set valid on a day: the last to have become so, then the newest; or NothingInForce."""
    valid = [one for one in rule_sets if one.programme == programme and one.is_valid_on(on)]
    if not valid:
        raise NothingInForce(what=f"rule set of {programme}", on=f"{on}")
    return max(valid, key=lambda one: (one.valid_from, one.version))


def of_version(rule_sets: Iterable[RuleSet], code: str, version: int) -> RuleSet:
    """Return the very set a screening was made with."""
    for rule_set in rule_sets:
        if (rule_set.code, rule_set.version) == (code, version):
            return rule_set
    raise RuleSetFaulty(f"This server no longer has version {version} of the rule set {code}.")


def antigens_of(rule_sets: Iterable[RuleSet], programme: str) -> frozenset[str]:
    """Return what the vaccines of a programme protect from; one that no set speaks of is its own antigen."""
    found = {antigen for one in rule_sets if one.programme == programme for antigen in one.antigens}
    return frozenset(found or {programme})


@cache
def shipped() -> tuple[RuleSet, ...]:
    """Return every set beside this file, read once."""
    return read_from(_FOLDER)


def read_from(folder: Path) -> tuple[RuleSet, ...]:
    """Return every set of a folder; raise RuleSetFaulty rather than screen by half a set."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.toml"))}
    waiting = {name: read(text, name) for name, text in texts.items()}
    known: dict[tuple[str, int], RuleSet] = {}
    while waiting:
        name = next((name for name, written in waiting.items() if _missing(written, known) is None), min(waiting))
        found = _resolved(waiting.pop(name), texts[name], name, known)
        if (found.code, found.version) in known:
            raise RuleSetFaulty(f"Two files hold {found.code} version {found.version}; one is {name}.")
        known[found.code, found.version] = found
    return tuple(sorted(known.values(), key=lambda one: (one.programme, one.valid_from, one.code, one.version)))


def _missing(written: Written, known: Mapping[tuple[str, int], RuleSet]) -> Included | None:
    return next((one for one in written.includes if (one.code, one.version) not in known), None)


def _resolved(written: Written, text: str, name: str, known: Mapping[tuple[str, int], RuleSet]) -> RuleSet:
    missing = _missing(written, known)
    if missing is not None:
        said = f"there is no {missing.code} version {missing.version} that does not itself include this set"
        raise_faults([Fault("$.includes", said)], text, name)
    included = [known[one.code, one.version] for one in written.includes]
    question = _merged([entry for one in included for entry in one.question], written.question)
    if not question:
        raise_faults([Fault("$", "the set asks nothing")], text, name)
    return RuleSet(
        **{
            **msgspec.structs.asdict(written),
            "antigens": written.antigens or (written.programme,),
            "question": question,
            "threshold": _merged([entry for one in included for entry in one.threshold], written.threshold),
            "digest": _digest(text, included),
        }
    )


def _merged(included: Iterable[EntryT], own: Iterable[EntryT]) -> tuple[EntryT, ...]:
    """Return the entries in order, each code once: the last to say something of it has its word."""
    latest: dict[str, EntryT] = {entry.code: entry for entry in (*included, *own)}
    return tuple(latest.values())


def _digest(text: str, included: Iterable[RuleSet]) -> str:
    """Return what stands for a file's words and those it includes, whatever ends their lines."""
    words = "\n".join(["\n".join(text.splitlines()), *(one.digest for one in included)])
    return hashlib.sha256(words.encode()).hexdigest()
