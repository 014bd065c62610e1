"""Kinds of adverse events, and within how long after the dose each is expected; one readable file for each version.

A file that events were classed by is never edited: a change is a new file with the next version.
"""

from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Final

import msgspec

from clinic_server.adverse_events.similar.terms import KindGroup
from clinic_server.kit.editions import Edition, Words, newest_in, read_edition

_FOLDER = Path(__file__).parent
_LANGUAGES: Final = frozenset({"zh-CN", "zh-TW", "en"})


class KindsFaulty(ValueError):
    """A file of kinds says something that cannot be meant; the words name the file and the place."""


class OnsetUnit(StrEnum):
    """In what an expected onset is counted."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind; its onset lies between two counts of a unit after the dose, none where nothing is expected."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{3,40}$")]
    group: KindGroup
    words: dict[str, Words]
    unit: OnsetUnit | None = None
    onset_from: Annotated[int, msgspec.Meta(ge=0)] = 0
    onset_until: Annotated[int, msgspec.Meta(ge=1)] | None = None
    only_after: tuple[str, ...] = ()


class Kinds(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True, dict=True):
    """One version of the list."""

    source: Words
    kind: Annotated[tuple[Kind, ...], msgspec.Meta(min_length=1)]

    @cached_property
    def by_code(self) -> dict[str, Kind]:
        """Each kind by its code."""
        return {one.code: one for one in self.kind}


def parse(text: str, name: str) -> Kinds:
    """Return the kinds a file holds, or raise KindsFaulty naming file and key."""
    found = read_edition(text, name, Kinds, KindsFaulty)
    if len(found.by_code) < len(found.kind):
        raise KindsFaulty(f"{name}: a code stands twice")
    for one in found.kind:
        if set(one.words) != _LANGUAGES:
            raise KindsFaulty(f"{name}: {one.code} needs words in {', '.join(sorted(_LANGUAGES))}")
        if (one.unit is None) is not (one.onset_until is None):
            raise KindsFaulty(f"{name}: {one.code} needs both a unit and an end of its onset, or neither")
        if one.onset_until is not None and one.onset_from >= one.onset_until:
            raise KindsFaulty(f"{name}: {one.code} ends before it begins")
    return found


@cache
def shipped() -> Kinds:
    """Return the newest list beside this file, read once; raise KindsFaulty without any."""
    return newest_in(_FOLDER, parse, KindsFaulty)
