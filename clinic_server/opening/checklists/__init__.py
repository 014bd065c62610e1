"""What must be named before a site opens; one readable file for each variant.

A checklist somebody opened a site with is never edited: a change is a new file with the next version.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import Edition, Words, editions_in, read_edition
from clinic_server.opening.rules import Named, Safeguard, Variant

_FOLDER = Path(__file__).parent


class ChecklistFaulty(ValueError):
    """A checklist's file says something that cannot be meant; the words name the file and the place."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One safeguard: the official wording, and what must be named."""

    safeguard: Safeguard
    wording: Words
    named: Annotated[tuple[Named, ...], msgspec.Meta(min_length=1)]
    source: Words


class Checklist(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of one variant."""

    variant: Variant
    jurisdiction: Words
    item: tuple[Item, ...]

    @property
    def asked(self) -> Mapping[Safeguard, tuple[Named, ...]]:
        """What must be named for each safeguard."""
        return {item.safeguard: item.named for item in self.item}


def parse(text: str, name: str) -> Checklist:
    """Return the checklist a file holds, or raise ChecklistFaulty naming line or key."""
    checklist = read_edition(text, name, Checklist, ChecklistFaulty)
    if [item.safeguard for item in checklist.item] != list(Safeguard):
        raise ChecklistFaulty(f"{name}: the items must be {', '.join(Safeguard)}, in this order")
    return checklist


@cache
def shipped() -> Mapping[Variant, Checklist]:
    """Return the newest checklist of each variant beside this file, read once; raise ChecklistFaulty without one."""
    newest = {one.variant: one for one in editions_in(_FOLDER, parse)}
    if missing := set(Variant) - set(newest):
        raise ChecklistFaulty(f"No checklist is for {', '.join(sorted(missing))}.")
    return newest
