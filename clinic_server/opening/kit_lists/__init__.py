"""What an emergency kit must hold at the least; one readable file for each variant.

A list somebody opened a site under is never edited: a change is a new file with the next version.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.opening.emergency_kit.rules import KitThing
from clinic_server.opening.rules import Variant

_FOLDER = Path(__file__).parent
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class KitListFaulty(ValueError):
    """A kit list's file says something that cannot be meant; the words name the file and the place."""


class KitList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of one variant: how many of each thing must be there, in date."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    variant: Variant
    jurisdiction: Words
    owner: Words
    sign_off: Words
    source: Words
    least: dict[KitThing, Annotated[int, msgspec.Meta(ge=1)]]


def parse(text: str, name: str) -> KitList:
    """Return the kit list a file holds, or raise KitListFaulty naming line or key."""
    try:
        return msgspec.convert(tomllib.loads(text), KitList)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise KitListFaulty(f"{name}: {error}") from None


@cache
def shipped() -> Mapping[Variant, KitList]:
    """Return the newest list of each variant beside this file, read once; raise KitListFaulty without one."""
    read = [parse(path.read_text("utf-8"), path.name) for path in _FOLDER.glob("*.toml")]
    newest = {one.variant: one for one in sorted(read, key=lambda kit_list: kit_list.version)}
    if missing := set(Variant) - set(newest):
        raise KitListFaulty(f"No kit list is for {', '.join(sorted(missing))}.")
    return newest
