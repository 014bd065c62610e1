"""When somebody at risk is looked at, and whether what was found lets them go (invariant 31)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final
from uuid import UUID

from clinic_server.adverse_events.care.protocols import Protocol
from clinic_server.adverse_events.care.rules import Vitals
from clinic_server.adverse_events.care.vitals import VitalsFinding, findings_of
from clinic_server.kit.errors import Refused
from clinic_server.observation.checks.plans import Plan, Risk

CHECKS: Final = "checks"  # the topic of the pages that show who is to be looked at
MOST_WORDS: Final = 400
_ENDLESS: Final = 1 << 30


class HowIs(StrEnum):
    """How somebody says they are, or looks."""

    WELL = "well"
    UNWELL = "unwell"


class CheckFinding(StrEnum):
    """What keeps somebody from going, besides what the protocol of reactions finds."""

    PULSE_OUTSIDE = "pulse_outside"
    PRESSURE_HIGH = "pressure_high"
    TEMPERATURE_OUTSIDE = "temperature_outside"
    FEELS_UNWELL = "feels_unwell"


class SlotState(StrEnum):
    """How a planned check stands; a missed one cannot be made good, for the next one has come."""

    COMING = "coming"
    DUE = "due"
    OVERDUE = "overdue"
    MISSED = "missed"
    DONE = "done"


class CheckDue(Refused):
    """Somebody at risk is to be looked at before they go."""

    code = "check_due"


class OutsideReleaseBand(Refused):
    """The latest check does not let this person go; the findings say why."""

    code = "outside_release_band"


class NothingOverruled(Refused):
    """Nothing keeps this person that a physician could overrule."""

    code = "nothing_overruled"


class OverrulingReasonNeeded(Refused):
    """A physician who lets somebody go in spite of a check says why."""

    code = "overruling_reason_needed"


@dataclass(frozen=True, slots=True)
class Limits:
    """By what somebody is judged: the plan, the protocol of reactions, their age, their pressure before the needle."""

    plan: Plan
    protocol: Protocol
    age_months: int
    baseline_mmhg: int | None = field(repr=False)

    @property
    def name(self) -> str:
        """The versions of both, as records keep them."""
        return f"{self.plan.name} {self.protocol.name}"


@dataclass(frozen=True, slots=True)
class CheckSaid:
    """What was found at one look; ``findings`` keep the person by the plan and protocol in ``judged_by``."""

    vitals: Vitals = field(repr=False)
    how: HowIs = field(repr=False)
    words: str = field(default="", repr=False)
    findings: tuple[str, ...] = field(default=(), repr=False)
    judged_by: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """A check as recorded; without ``said`` a physician overruled what kept the person, for ``reason``."""

    minutes_in: int
    by: UUID
    at: datetime
    said: CheckSaid | None = field(default=None, repr=False)
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Slot:
    """A check planned for a minute after the dose."""

    minute: int
    state: SlotState


@dataclass(frozen=True, slots=True)
class CheckStanding:
    """How the checks of one person stand: why they are made, which are planned, what was found so far."""

    risks: Sequence[Risk]
    slots: Sequence[Slot]
    done: Sequence[Checked]

    @property
    def wanted(self) -> Slot | None:
        """The check that is to be made now."""
        return next((one for one in self.slots if one.state in {SlotState.DUE, SlotState.OVERDUE}), None)

    @property
    def is_overdue(self) -> bool:
        """Whether somebody should have looked by now."""
        return self.wanted is not None and self.wanted.state is SlotState.OVERDUE

    @property
    def findings(self) -> tuple[str, ...]:
        """What of the latest check keeps the person, nothing once a physician overruled it."""
        latest = self.done[-1] if self.done else None
        return latest.said.findings if latest and latest.said else ()


def risks_of(minutes_planned: int, plan: Plan, *, is_against_advice: bool, has_reacted: bool) -> tuple[Risk, ...]:
    """Return why somebody is looked at while they sit, nothing for most."""
    told = {
        Risk.WATCHED_LONGER: minutes_planned > plan.usual_minutes,
        Risk.AGAINST_ADVICE: is_against_advice,
        Risk.AFTER_REACTION: has_reacted,
    }
    return tuple(risk for risk, applies in told.items() if applies)


def planned_minutes(risks: Collection[Risk], minutes_planned: int, plan: Plan) -> tuple[int, ...]:
    """Return the minutes after the dose at which somebody with these risks is looked at."""
    applying = [one for one in plan.looked_at if one.risk in risks]
    return tuple(sorted({minute for one in applying for minute in one.minutes_until(minutes_planned)}))


def slots_of(minutes: Sequence[int], done: Collection[int], minutes_in: int, plan: Plan) -> tuple[Slot, ...]:
    """Return how each planned check stands, given the minutes of those that were made."""
    begins = [max(0, minute - plan.early_min) for minute in minutes]
    spans = pairwise([*begins, _ENDLESS])
    return tuple(
        Slot(minute, _state(minute, span, done, minutes_in, plan.late_min))
        for minute, span in zip(minutes, spans, strict=True)
    )


def findings_in(vitals: Vitals, how: HowIs, limits: Limits) -> tuple[str, ...]:
    """Return what keeps somebody from going, nothing when everything needed lies within the band."""
    plan, band = limits.plan, limits.plan.band_for(limits.age_months)
    found: list[StrEnum] = list(findings_of(vitals, limits.baseline_mmhg, limits.age_months, limits.protocol))
    if any(getattr(vitals, one.value) is None for one in band.needed):
        found.append(VitalsFinding.NOT_MEASURED)
    if not _within(vitals.pulse_per_min, band.least_pulse_per_min, band.most_pulse_per_min):
        found.append(CheckFinding.PULSE_OUTSIDE)
    if not (
        _within(vitals.systolic_mmhg, None, band.most_systolic_mmhg)
        and _within(vitals.diastolic_mmhg, None, band.most_diastolic_mmhg)
    ):
        found.append(CheckFinding.PRESSURE_HIGH)
    if not _within(vitals.milli_celsius, plan.least_milli_celsius, plan.most_milli_celsius):
        found.append(CheckFinding.TEMPERATURE_OUTSIDE)
    if how is HowIs.UNWELL:
        found.append(CheckFinding.FEELS_UNWELL)
    return tuple(one.value for one in found)


def refuse_unreleased(standing: CheckStanding) -> None:
    """Raise what of the checks keeps somebody: one is to be made now, or the latest does not let them go."""
    if standing.wanted is not None:
        raise CheckDue
    if standing.findings:
        raise OutsideReleaseBand(findings=standing.findings)


def _state(minute: int, span: tuple[int, int], done: Collection[int], minutes_in: int, late_min: int) -> SlotState:
    begins, ends = span
    if any(begins <= one < ends for one in done):
        return SlotState.DONE
    if minutes_in >= ends:
        return SlotState.MISSED
    if minutes_in < minute:
        return SlotState.COMING
    return SlotState.OVERDUE if minutes_in > minute + late_min else SlotState.DUE


def _within(measured: int | None, least: int | None, most: int | None) -> bool:
    """Tell whether something measured lies within limits; what was not measured is judged by what is needed."""
    return measured is None or ((least is None or measured >= least) and (most is None or measured <= most))
