"""From how many similar events on they are one matter; one readable file for each version."""

from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.adverse_events.similar.terms import KindGroup, SimilarScope
from clinic_server.kit.editions import Edition, Words, newest_in, read_edition

_FOLDER = Path(__file__).parent


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


class Limits(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of a site's limits."""

    source: Words
    limit: Annotated[tuple[Limit, ...], msgspec.Meta(min_length=1)]


def parse(text: str, name: str) -> Limits:
    """Return the limits a file holds, or raise LimitsFaulty naming file and key."""
    found = read_edition(text, name, Limits, LimitsFaulty)
    if len({(one.scope, one.group) for one in found.limit}) < len(found.limit):
        raise LimitsFaulty(f"{name}: one group round one scope has one limit")
    return found


@cache
def shipped() -> Limits:
    """Return the newest limits beside this file, read once; raise LimitsFaulty without any."""
    return newest_in(_FOLDER, parse, LimitsFaulty)
