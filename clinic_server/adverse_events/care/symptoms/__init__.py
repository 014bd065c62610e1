"""The list symptoms are chosen from; one readable file for each version.

A list that a log refers to is never edited: a change is a new file with the next version.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.adverse_events.care.wordings import Line, Wording
from clinic_server.kit.editions import Edition, newest_in, read_edition

_FOLDER = Path(__file__).parent


class SymptomsFaulty(ValueError):
    """A list's file says something that cannot be meant; the words name the file and the place."""


class BodySystem(StrEnum):
    """Where on or in the body a symptom shows."""

    SKIN = "skin"
    BREATHING = "breathing"
    CIRCULATION = "circulation"
    GUT = "gut"
    OTHER = "other"


class Weight(StrEnum):
    """What a symptom counts for in the definition of anaphylaxis."""

    MAJOR = "major"
    MINOR = "minor"
    NONE = "none"


class Symptom(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One symptom; ``criterion`` is the criterion of the definition it is, or is one sign of."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{2,40}$")]
    system: BodySystem
    weight: Weight
    criterion: str
    words: Wording


class SymptomList(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of the list."""

    source: Line
    symptom: Annotated[tuple[Symptom, ...], msgspec.Meta(min_length=1)]

    @property
    def by_code(self) -> Mapping[str, Symptom]:
        """Every symptom by its code."""
        return {one.code: one for one in self.symptom}

    def of_system(self, system: BodySystem) -> tuple[Symptom, ...]:
        """Return the symptoms of a system, in the list's order."""
        return tuple(one for one in self.symptom if one.system is system)


def parse(text: str, name: str) -> SymptomList:
    """Return the list a file holds, or raise SymptomsFaulty naming file and key."""
    found = read_edition(text, name, SymptomList, SymptomsFaulty)
    if len(found.by_code) != len(found.symptom):
        raise SymptomsFaulty(f"{name}: a code stands twice")
    return found


@cache
def shipped() -> SymptomList:
    """Return the newest list beside this file, read once; raise SymptomsFaulty without one."""
    return newest_in(_FOLDER, parse, SymptomsFaulty)
