"""What an emergency kit must hold at the least; one readable file for each variant.

A list somebody opened a site under is never edited: a change is a new file with the next version.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import Edition, Words, editions_in, read_edition
from clinic_server.opening.emergency_kit.rules import KitThing
from clinic_server.opening.rules import Variant

_FOLDER = Path(__file__).parent


class KitListFaulty(ValueError):
    """A kit list's file says something that cannot be meant; the words name the file and the place."""


class KitList(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of one variant: how many of each thing must be there, in date."""

    variant: Variant
    jurisdiction: Words
    source: Words
    least: dict[KitThing, Annotated[int, msgspec.Meta(ge=1)]]


def parse(text: str, name: str) -> KitList:
    """Return the kit list a file holds, or raise KitListFaulty naming line or key."""
    return read_edition(text, name, KitList, KitListFaulty)


@cache
def shipped() -> Mapping[Variant, KitList]:
    """Return the newest list of each variant beside this file, read once; raise KitListFaulty without one."""
    newest = {one.variant: one for one in editions_in(_FOLDER, parse)}
    if missing := set(Variant) - set(newest):
        raise KitListFaulty(f"No kit list is for {', '.join(sorted(missing))}.")
    return newest
