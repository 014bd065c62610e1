"""A reaction as it is played on a seat: what is done for somebody, one thing after the other, until the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.deeds import Deed

OF_AGE_FOR_PROMETHAZINE = 14  # the reference table tells no dose for a child
_HIVES = ("sudden_onset", "generalised_urticaria", "dizzy")
_SHOCK = ("sudden_onset", "rapid_progress", "generalised_urticaria", "wheeze_both_sides", "short_of_breath")
_VITALS = {
    "hives": (112, 74, 108, 97, 20, "alert"),
    "shock": (78, 46, 132, 90, 30, "voice"),
    "well": (122, 78, 84, 98, 16, "alert"),
}
_OF_CARD = {
    "programme": "state",
    "organised": "campaign",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the log, and how long it takes after the one before it; ``said`` is as its ``kind`` has it."""

    takes_s: float
    kind: str
    said: Mapping[str, Any]


@dataclass(slots=True)
class Reaction:
    """One reaction under care: the file's number, and what is still to be done; it ends well or in hospital."""

    number: int
    is_severe: bool
    acts: Iterator[Act]

    @classmethod
    def begun(cls, number: int, age: int, *, is_severe: bool) -> "Reaction":
        """Return what follows the key."""
        return cls(number, is_severe, iter(_of_shock() if is_severe else _of_hives(age)))

    @classmethod
    def taken_over(cls, number: int) -> "Reaction":
        """Return what is left to do for somebody whose care others began."""
        return cls(number, is_severe=False, acts=iter([_measured(0, "well")]))

    def end(self, visit_id: str) -> Deed:
        """End the care: watched on here, or taken to hospital."""
        return deeds.end_care(visit_id, self.number, is_transferred=self.is_severe)

    def said_to_be(self) -> Deed:
        """Say what it was."""
        serious = ["life_threatening", "hospital"] if self.is_severe else []
        return deeds.say_class(self.number, "anaphylactic_shock" if self.is_severe else "urticaria", serious)

    def reported(self, begun: Mapping[str, Any]) -> Deed:
        """Report it by the card the site began, with what only people know."""
        vaccines = [{**one, **_OF_CARD} for one in begun["vaccines"]]
        known: dict[str, Any] = {"vaccines": vaccines, "fever": "none", "redness": "none", "induration": "none"}
        known |= {"in_hospital": self.is_severe, "outcome": "better", "first_class": "pending"}
        return deeds.file_card(self.number, {**begun, **known})


def _of_hives(age: int) -> Sequence[Act]:
    drug = _drug(45, "promethazine", "25 mg/ml", 12_500)
    return [
        Act(20, "symptoms", {"codes": _HIVES}),
        Act(10, "position", {"position": "sitting"}),
        _measured(30, "hives"),
        *([drug] if age >= OF_AGE_FOR_PROMETHAZINE else []),
        _measured(240, "well"),
    ]


def _of_shock() -> Sequence[Act]:
    return [
        Act(20, "symptoms", {"codes": _SHOCK}),
        Act(10, "position", {"position": "lying_legs_raised"}),
        _drug(30, "adrenaline", "1:1000 (1 mg/ml)", 300),
        _measured(20, "shock"),
        Act(15, "oxygen", {"ml_per_min": 8_000}),
        Act(15, "ambulance", {"step": "called"}),
        _measured(240, "hives"),
        Act(180, "ambulance", {"step": "arrived"}),
        Act(120, "ambulance", {"step": "left"}),
    ]


def _measured(takes_s: float, state: str) -> Act:
    names = ("systolic_mmhg", "diastolic_mmhg", "pulse_per_min", "spo2_percent", "breaths_per_min", "consciousness")
    return Act(takes_s, "vitals", {**dict(zip(names, _VITALS[state], strict=True)), "milli_celsius": 36_700})


def _drug(takes_s: float, drug: str, concentration: str, dose_ug: int) -> Act:
    where = {"route": "intramuscular", "site": "left_outer_thigh"}
    return Act(takes_s, "drug", {"drug": drug, "concentration": concentration, "dose_ug": dose_ug, **where})
