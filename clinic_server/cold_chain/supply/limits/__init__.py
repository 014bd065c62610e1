"""From when on a battery is low, and a site without mains; one readable file for each version."""

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import Edition, Words, newest_in, read_edition

_FOLDER = Path(__file__).parent
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


class SupplyLimitsFaulty(ValueError):
    """A file says something that cannot be meant; the words name the file and the place."""


class SupplyLimits(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version: whole percent of a battery, and how many places make a site."""

    source: Words
    low_percent: Percent
    well_percent: Percent
    least_places: Annotated[int, msgspec.Meta(ge=1)]


def parse(text: str, name: str) -> SupplyLimits:
    """Return the limits a file holds, or raise SupplyLimitsFaulty."""
    limits = read_edition(text, name, SupplyLimits, SupplyLimitsFaulty)
    if limits.low_percent >= limits.well_percent:
        raise SupplyLimitsFaulty(f"{name}: a battery is well again above where it is low")
    return limits


@cache
def shipped() -> SupplyLimits:
    """Return the newest limits beside this file, read once; raise SupplyLimitsFaulty without any."""
    return newest_in(_FOLDER, parse, SupplyLimitsFaulty)
