"""What must be named before a site opens; one readable file for each variant.

A checklist somebody opened a site with is never edited: a change is a new file with the next version.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.opening.rules import Named, Safeguard, Variant

_FOLDER = Path(__file__).parent
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class ChecklistFaulty(ValueError):
    """A checklist's file says something that cannot be meant; the words name the file and the place."""


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One safeguard: the official wording, and what must be named."""

    safeguard: Safeguard
    wording: Words
    named: Annotated[tuple[Named, ...], msgspec.Meta(min_length=1)]
    source: Words


class Checklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one variant."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    variant: Variant
    jurisdiction: Words
    owner: Words
    sign_off: Words
    item: tuple[Item, ...]

    @property
    def asked(self) -> Mapping[Safeguard, tuple[Named, ...]]:
        """What must be named for each safeguard."""
        return {item.safeguard: item.named for item in self.item}


def parse(text: str, name: str) -> Checklist:
    """Return the checklist a file holds, or raise ChecklistFaulty naming line or key."""
    try:
        checklist = msgspec.convert(tomllib.loads(text), Checklist)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ChecklistFaulty(f"{name}: {error}") from None
    if [item.safeguard for item in checklist.item] != list(Safeguard):
        raise ChecklistFaulty(f"{name}: the items must be {', '.join(Safeguard)}, in this order")
    return checklist


@cache
def shipped() -> Mapping[Variant, Checklist]:
    """Return the newest checklist of each variant beside this file, read once; raise ChecklistFaulty without one."""
    read = [parse(path.read_text("utf-8"), path.name) for path in _FOLDER.glob("*.toml")]
    newest = {one.variant: one for one in sorted(read, key=lambda checklist: checklist.version)}
    if missing := set(Variant) - set(newest):
        raise ChecklistFaulty(f"No checklist is for {', '.join(sorted(missing))}.")
    return newest
