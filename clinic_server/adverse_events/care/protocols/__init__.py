"""The limits care on site is judged by, and how long somebody is watched on; one readable file for each version.

A protocol that somebody was released by is never edited: a change is a new file with the next version. The words
a physician has the site follow are another thing: they are stated on the page of references.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.adverse_events.care.wordings import Line
from clinic_server.kit.editions import Edition, newest_in, read_edition

_FOLDER = Path(__file__).parent
Pressure = Annotated[int, msgspec.Meta(ge=30, le=200)]
Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=24 * 60)]
_YEAR = 12


class ProtocolFaulty(ValueError):
    """A protocol's file says something that cannot be meant; the words name the file and the place."""


class LowSystolic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Below which pressure it is low from an age on, and how much that rises with each full year."""

    from_months: Annotated[int, msgspec.Meta(ge=0)]
    below_mmhg: Pressure
    more_each_year: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0


class Protocol(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of the limits."""

    jurisdiction: Line
    source: Line
    systolic_drop_percent: Percent
    least_spo2_percent: Percent
    watched_on_min: Minutes
    watched_on_after_severe_min: Minutes
    low_systolic: Annotated[tuple[LowSystolic, ...], msgspec.Meta(min_length=1)]

    def low_systolic_mmhg(self, age_months: int) -> int:
        """Return below which systolic pressure somebody of an age is in shock."""
        line = next(one for one in reversed(self.low_systolic) if age_months >= one.from_months)
        return line.below_mmhg + line.more_each_year * (age_months // _YEAR)


def parse(text: str, name: str) -> Protocol:
    """Return the protocol a file holds, or raise ProtocolFaulty naming file and key."""
    protocol = read_edition(text, name, Protocol, ProtocolFaulty)
    ages = [one.from_months for one in protocol.low_systolic]
    if ages[0] != 0 or ages != sorted(set(ages)):
        raise ProtocolFaulty(f"{name}: the ages begin at 0 and rise")
    if protocol.watched_on_after_severe_min < protocol.watched_on_min:
        raise ProtocolFaulty(f"{name}: nobody is watched shorter after something severe")
    return protocol


@cache
def shipped() -> Protocol:
    """Return the newest protocol beside this file, read once; raise ProtocolFaulty without one."""
    return newest_in(_FOLDER, parse, ProtocolFaulty)
