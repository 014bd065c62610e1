"""From how many similar events on they are one matter; one readable file for each version."""

import tomllib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.adverse_events.similar.terms import KindGroup, SimilarScope

_FOLDER = Path(__file__).parent
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]


class LimitsFaulty(ValueError):
    """A file of limits says something that cannot be meant; the words name the file and the place."""


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many events of a group round one thing, within how long."""

    scope: SimilarScope
    group: KindGroup
    events: Annotated[int, msgspec.Meta(ge=2)]
    within_h: Annotated[int, msgspec.Meta(ge=1)]
    only_serious: bool

    @property
    def within(self) -> timedelta:
        """How far apart the first and the last of so many events may begin."""
        return timedelta(hours=self.within_h)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of a site's limits."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
    version: Annotated[int, msgspec.Meta(ge=1)]
    owner: Words
    sign_off: Words
    source: Words
    limit: Annotated[tuple[Limit, ...], msgspec.Meta(min_length=1)]

    @property
    def name(self) -> str:
        """Code and version, as records keep it."""
        return f"{self.code}/{self.version}"


def parse(text: str, name: str) -> Limits:
    """Return the limits a file holds, or raise LimitsFaulty naming file and key."""
    try:
        found = msgspec.convert(tomllib.loads(text), Limits)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise LimitsFaulty(f"{name}: {error}") from None
    if len({(one.scope, one.group) for one in found.limit}) < len(found.limit):
        raise LimitsFaulty(f"{name}: one group round one scope has one limit")
    return found


@cache
def shipped() -> Limits:
    """Return the newest limits beside this file, read once; raise LimitsFaulty without any."""
    read = [parse(path.read_text("utf-8"), path.name) for path in _FOLDER.glob("*.toml")]
    if not read:
        raise LimitsFaulty("No limits of similar events are shipped.")
    return max(read, key=lambda one: one.version)
