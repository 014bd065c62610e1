"""When those at risk are looked at, and what lets them go; one readable file for each version."""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from clinic_server.kit.editions import Edition, Words, newest_in, read_edition

_FOLDER = Path(__file__).parent
Minutes = Annotated[int, msgspec.Meta(ge=1, le=24 * 60)]
Some = Annotated[tuple[Minutes, ...], msgspec.Meta(min_length=1)]
Pulse = Annotated[int, msgspec.Meta(ge=20, le=250)]
Pressure = Annotated[int, msgspec.Meta(ge=40, le=300)]


class PlanFaulty(ValueError):
    """A plan's file says something that cannot be meant; the words name the file and the place."""


class Risk(StrEnum):
    """Why somebody is looked at while they sit."""

    WATCHED_LONGER = "watched_longer"
    AGAINST_ADVICE = "against_advice"
    AFTER_REACTION = "after_reaction"


class Measure(StrEnum):
    """What a check may have to tell before somebody goes."""

    PULSE = "pulse_per_min"
    SPO2 = "spo2_percent"
    SYSTOLIC = "systolic_mmhg"
    TEMPERATURE = "milli_celsius"
    CONSCIOUSNESS = "consciousness"


class LookedAt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which minutes after the dose a risk is looked at, and every how many after the last of them."""

    risk: Risk
    at_minutes: Some
    then_every_min: Minutes | None = None

    def minutes_until(self, minutes_planned: int) -> tuple[int, ...]:
        """Return the minutes of an observation that lasts so long."""
        last, step = self.at_minutes[-1], self.then_every_min
        later = range(last + step, minutes_planned + 1, step) if step else ()
        return tuple(minute for minute in (*self.at_minutes, *later) if minute <= minutes_planned)


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lets somebody go from an age on, and what must have been measured for it."""

    from_months: Annotated[int, msgspec.Meta(ge=0)]
    least_pulse_per_min: Pulse
    most_pulse_per_min: Pulse
    needed: tuple[Measure, ...]
    most_systolic_mmhg: Pressure | None = None
    most_diastolic_mmhg: Pressure | None = None


class Plan(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of the plan."""

    source: Words
    usual_minutes: Minutes
    early_min: Minutes
    late_min: Minutes
    least_milli_celsius: int
    most_milli_celsius: int
    looked_at: tuple[LookedAt, ...]
    band: Annotated[tuple[Band, ...], msgspec.Meta(min_length=1)]

    def band_for(self, age_months: int) -> Band:
        """Return what lets somebody of an age go."""
        return next(one for one in reversed(self.band) if age_months >= one.from_months)


def parse(text: str, name: str) -> Plan:
    """Return the plan a file holds, or raise PlanFaulty naming file and key."""
    plan = read_edition(text, name, Plan, PlanFaulty)
    ages = [one.from_months for one in plan.band]
    if ages[0] != 0 or ages != sorted(set(ages)):
        raise PlanFaulty(f"{name}: the ages begin at 0 and rise")
    if any(one.least_pulse_per_min >= one.most_pulse_per_min for one in plan.band):
        raise PlanFaulty(f"{name}: no pulse lies between its limits")
    for one in plan.looked_at:
        if list(one.at_minutes) != sorted(set(one.at_minutes)):
            raise PlanFaulty(f"{name}: the minutes of {one.risk.value} rise")
    if {one.risk for one in plan.looked_at} != set(Risk):
        raise PlanFaulty(f"{name}: every risk is looked at")
    return plan


@cache
def shipped() -> Plan:
    """Return the newest plan beside this file, read once; raise PlanFaulty without one."""
    return newest_in(_FOLDER, parse, PlanFaulty)
