"""What a log says of anaphylaxis: how certain it is by the Brighton definition, and who is watched as after it."""

from collections.abc import Iterable
from typing import Final

from clinic_server.adverse_events.brighton import Assessment, CourseNeeded, Criterion, Level, Sign, assess
from clinic_server.adverse_events.care.rules import Consciousness, DrugGiven, Said, Symptoms, Vitals

_LESS_CONSCIOUS: Final = {
    Consciousness.VOICE: Sign.DROWSY,
    Consciousness.PAIN: Sign.DROWSY,
    Consciousness.UNRESPONSIVE: Sign.LOST_CONSCIOUSNESS,
}
_GRAVE: Final = {Criterion.CIRCULATION_MAJOR, Criterion.BREATHING_MAJOR}


def assessment_of(said: Iterable[Said], *, had_low_pressure: bool) -> Assessment:
    """Return how certain anaphylaxis is by the lines of a log that count; a course nobody noted is not known."""
    seen: set[str] = {Sign.LOW_PRESSURE} if had_low_pressure else set()
    for one in said:
        if isinstance(one, Symptoms):
            seen |= set(one.codes)
        elif isinstance(one, Vitals) and one.consciousness in _LESS_CONSCIOUS:
            seen.add(_LESS_CONSCIOUS[one.consciousness])
    return assess(
        seen,
        sudden_onset=CourseNeeded.SUDDEN_ONSET in seen or None,
        rapid_progress=CourseNeeded.RAPID_PROGRESS in seen or None,
    )


def was_severe(said: Iterable[Said], *, had_low_pressure: bool) -> bool:
    """Tell whether the person is watched as after anaphylaxis: by the drug, by breath and circulation, by the level.

    Breath or circulation alone is enough, whatever the level: the emergency text treats it as the same.
    """
    lines = tuple(said)
    if any(isinstance(one, DrugGiven) and one.drug == "adrenaline" for one in lines):
        return True
    found = assessment_of(lines, had_low_pressure=had_low_pressure)
    return bool(found.met & _GRAVE) or found.level_by_criteria <= Level.POSSIBLE
