"""How certain it is that a reaction was anaphylaxis: the case definition of the Brighton Collaboration.

Rüggeberg JU, Gold MS, Bayas JM, et al. Anaphylaxis: case definition and guidelines for data collection, analysis, and
presentation of immunization safety data. Vaccine 2007; 25: 5675-5684. The revision of 2023 is not this one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from itertools import combinations
from typing import Final


class Level(IntEnum):
    """How certain it is; 1 is the most certain."""

    CERTAIN = 1
    PROBABLE = 2
    POSSIBLE = 3
    TOO_LITTLE_KNOWN = 4
    NOT_A_CASE = 5


class Criterion(StrEnum):
    """What the definition counts, by system of the body and weight."""

    SKIN_MAJOR = "skin_major"
    SKIN_MINOR = "skin_minor"
    CIRCULATION_MAJOR = "circulation_major"
    CIRCULATION_MINOR = "circulation_minor"
    BREATHING_MAJOR = "breathing_major"
    BREATHING_MINOR = "breathing_minor"
    GUT_MINOR = "gut_minor"
    LABORATORY_MINOR = "laboratory_minor"


class Sign(StrEnum):
    """What is seen, heard or measured of it; the care log's list says the words."""

    GENERALISED_URTICARIA = "generalised_urticaria"
    GENERALISED_ERYTHEMA = "generalised_erythema"
    ANGIOEDEMA = "angioedema"
    GENERALISED_ITCH_WITH_RASH = "generalised_itch_with_rash"
    GENERALISED_ITCH = "generalised_itch"
    GENERALISED_PRICKLE = "generalised_prickle"
    URTICARIA_AT_SITE = "urticaria_at_site"
    RED_ITCHY_EYES = "red_itchy_eyes"
    LOW_PRESSURE = "low_pressure"
    SHOCK = "shock"
    FAST_PULSE = "fast_pulse"
    SLOW_CAPILLARY_REFILL = "slow_capillary_refill"
    WEAK_CENTRAL_PULSE = "weak_central_pulse"
    DROWSY = "drowsy"
    LOST_CONSCIOUSNESS = "lost_consciousness"
    WHEEZE_BOTH_SIDES = "wheeze_both_sides"
    STRIDOR = "stridor"
    UPPER_AIRWAY_SWELLING = "upper_airway_swelling"
    FAST_BREATHING = "fast_breathing"
    ACCESSORY_MUSCLES = "accessory_muscles"
    RECESSION = "recession"
    CYANOSIS = "cyanosis"
    GRUNTING = "grunting"
    DRY_COUGH = "dry_cough"
    HOARSE_VOICE = "hoarse_voice"
    SHORT_OF_BREATH = "short_of_breath"
    THROAT_CLOSING = "throat_closing"
    SNEEZING_RUNNY_NOSE = "sneezing_runny_nose"
    DIARRHOEA = "diarrhoea"
    ABDOMINAL_PAIN = "abdominal_pain"
    NAUSEA = "nausea"
    VOMITING = "vomiting"
    RAISED_TRYPTASE = "raised_tryptase"


class CourseNeeded(StrEnum):
    """What the course of every case must have been."""

    SUDDEN_ONSET = "sudden_onset"
    RAPID_PROGRESS = "rapid_progress"


@dataclass(frozen=True, slots=True)
class Gap:
    """What else would have to be found for a better level."""

    level: Level
    criteria: frozenset[Criterion]


@dataclass(frozen=True, slots=True)
class Assessment:
    """The level with what was met, and the shortest ways to a better one; all of a gap is needed, any gap will do."""

    level: Level
    met: frozenset[Criterion]
    gaps: tuple[Gap, ...]
    course_unknown: tuple[CourseNeeded, ...]
    level_by_criteria: Level


@dataclass(frozen=True, slots=True)
class _Together:
    """Signs that make a criterion from so many on; those of one set are degrees of one thing and count once."""

    criterion: Criterion
    least: int
    of: tuple[frozenset[Sign], ...]

    def is_met(self, seen: Collection[Sign]) -> bool:
        return sum(not one.isdisjoint(seen) for one in self.of) >= self.least


def _each(*signs: Sign) -> tuple[frozenset[Sign], ...]:
    return tuple(frozenset({sign}) for sign in signs)


_LESS_CONSCIOUS: Final = frozenset({Sign.DROWSY, Sign.LOST_CONSCIOUSNESS})
_SIGNS: Final = (
    _Together(
        Criterion.SKIN_MAJOR,
        1,
        _each(Sign.GENERALISED_URTICARIA, Sign.GENERALISED_ERYTHEMA, Sign.ANGIOEDEMA, Sign.GENERALISED_ITCH_WITH_RASH),
    ),
    _Together(
        Criterion.SKIN_MINOR,
        1,
        _each(Sign.GENERALISED_ITCH, Sign.GENERALISED_PRICKLE, Sign.URTICARIA_AT_SITE, Sign.RED_ITCHY_EYES),
    ),
    _Together(Criterion.CIRCULATION_MAJOR, 1, _each(Sign.LOW_PRESSURE, Sign.SHOCK)),
    _Together(
        Criterion.CIRCULATION_MAJOR,
        3,
        (*_each(Sign.FAST_PULSE, Sign.SLOW_CAPILLARY_REFILL, Sign.WEAK_CENTRAL_PULSE), _LESS_CONSCIOUS),
    ),
    _Together(Criterion.CIRCULATION_MINOR, 2, (*_each(Sign.FAST_PULSE, Sign.SLOW_CAPILLARY_REFILL), _LESS_CONSCIOUS)),
    _Together(Criterion.BREATHING_MAJOR, 1, _each(Sign.WHEEZE_BOTH_SIDES, Sign.STRIDOR, Sign.UPPER_AIRWAY_SWELLING)),
    _Together(
        Criterion.BREATHING_MAJOR,
        2,
        _each(Sign.FAST_BREATHING, Sign.ACCESSORY_MUSCLES, Sign.RECESSION, Sign.CYANOSIS, Sign.GRUNTING),
    ),
    _Together(
        Criterion.BREATHING_MINOR,
        1,
        _each(Sign.DRY_COUGH, Sign.HOARSE_VOICE, Sign.SHORT_OF_BREATH, Sign.THROAT_CLOSING, Sign.SNEEZING_RUNNY_NOSE),
    ),
    _Together(Criterion.GUT_MINOR, 1, _each(Sign.DIARRHOEA, Sign.ABDOMINAL_PAIN, Sign.NAUSEA, Sign.VOMITING)),
    _Together(Criterion.LABORATORY_MINOR, 1, _each(Sign.RAISED_TRYPTASE)),
)

_VITAL_MAJORS: Final = (Criterion.CIRCULATION_MAJOR, Criterion.BREATHING_MAJOR)
_VITAL_MINORS: Final = (Criterion.CIRCULATION_MINOR, Criterion.BREATHING_MINOR)
_OTHER_MINORS: Final = (Criterion.SKIN_MINOR, Criterion.GUT_MINOR, Criterion.LABORATORY_MINOR)
_WAYS: Final = (
    *(Gap(Level.CERTAIN, frozenset({Criterion.SKIN_MAJOR, vital})) for vital in _VITAL_MAJORS),
    Gap(Level.PROBABLE, frozenset(_VITAL_MAJORS)),
    *(Gap(Level.PROBABLE, frozenset({vital, minor})) for vital in _VITAL_MAJORS for minor in _OTHER_MINORS),
    *(Gap(Level.PROBABLE, frozenset({Criterion.SKIN_MAJOR, minor})) for minor in _VITAL_MINORS),
    *(
        Gap(Level.POSSIBLE, frozenset(three))
        for three in combinations((*_VITAL_MINORS, *_OTHER_MINORS), 3)
        if not set(_VITAL_MINORS).isdisjoint(three)
    ),
)


def assess(signs: Iterable[str], *, sudden_onset: bool | None, rapid_progress: bool | None) -> Assessment:
    """Return how certain it is that signs are those of anaphylaxis; None is not known."""
    met = criteria_in(signs)
    by_criteria = min((way.level for way in _WAYS if way.criteria <= met), default=Level.TOO_LITTLE_KNOWN)
    course = {CourseNeeded.SUDDEN_ONSET: sudden_onset, CourseNeeded.RAPID_PROGRESS: rapid_progress}
    unknown = tuple(part for part, was_so in course.items() if was_so is None)
    level = Level.TOO_LITTLE_KNOWN if unknown else by_criteria
    if False in course.values():
        level = Level.NOT_A_CASE
    return Assessment(level, met, _shortest(by_criteria, met), unknown, by_criteria)


def criteria_in(signs: Iterable[str]) -> frozenset[Criterion]:
    """Return the criteria that signs meet."""
    told = set(signs)
    seen = {sign for sign in Sign if sign in told}
    return frozenset(one.criterion for one in _SIGNS if one.is_met(seen))


def _shortest(reached: Level, met: frozenset[Criterion]) -> tuple[Gap, ...]:
    better = [Gap(way.level, way.criteria - met) for way in _WAYS if way.level < reached]
    fewest = min((len(gap.criteria) for gap in better), default=0)
    return tuple(dict.fromkeys(gap for gap in better if len(gap.criteria) == fewest))
