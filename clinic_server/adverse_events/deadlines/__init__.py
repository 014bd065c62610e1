"""By when an adverse event is reported; one readable file for each version.

A file that reports were made under is never edited: a change is a new file with the next version.
"""

from datetime import timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import Edition, Words, newest_in, read_edition

_FOLDER = Path(__file__).parent
Hours = Annotated[int, msgspec.Meta(ge=1, le=30 * 24)]
Days = Annotated[int, msgspec.Meta(ge=1, le=90)]
Calls = Annotated[tuple[Annotated[int, msgspec.Meta(ge=1)], ...], msgspec.Meta(min_length=1)]


class DeadlinesFaulty(ValueError):
    """A file of deadlines says something that cannot be meant; the words name the file and the place."""


class UrgentGround(StrEnum):
    """Why an event is reported at once."""

    DEATH = "death"
    SEVERE_DISABILITY = "severe_disability"
    CLUSTER = "cluster"
    MAJOR_CONCERN = "major_concern"


class Deadlines(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of a jurisdiction's deadlines."""

    jurisdiction: Words
    source: Words
    ordinary_h: Hours
    urgent_h: Hours
    urgent_grounds: tuple[UrgentGround, ...]
    investigation_h: Hours
    preliminary_card_d: Days
    field_report_weekdays: Days
    diagnosis_d: Days
    ordinary_calls_min: Calls
    urgent_calls_min: Calls

    def time_for(self, ground: UrgentGround | None) -> timedelta:
        """Return how long after its discovery an event may be reported."""
        return timedelta(hours=self.urgent_h if ground in self.urgent_grounds else self.ordinary_h)

    def calls_of(self, allowed: timedelta) -> tuple[timedelta, ...]:
        """Return with how much time left an alert calls where so much was allowed, the first call first."""
        is_urgent = allowed <= timedelta(hours=self.urgent_h)
        return tuple(
            timedelta(minutes=one) for one in (self.urgent_calls_min if is_urgent else self.ordinary_calls_min)
        )


def parse(text: str, name: str) -> Deadlines:
    """Return the deadlines a file holds, or raise DeadlinesFaulty naming file and key."""
    found = read_edition(text, name, Deadlines, DeadlinesFaulty)
    if found.urgent_h > found.ordinary_h:
        raise DeadlinesFaulty(f"{name}: what is urgent may not wait longer than the rest")
    for calls in (found.ordinary_calls_min, found.urgent_calls_min):
        if list(calls) != sorted(set(calls), reverse=True):
            raise DeadlinesFaulty(f"{name}: the calls must come with less and less time left")
    return found


@cache
def shipped() -> Deadlines:
    """Return the newest deadlines beside this file, read once; raise DeadlinesFaulty without any."""
    return newest_in(_FOLDER, parse, DeadlinesFaulty)
