"""How a person under observation may leave."""

from enum import StrEnum
from typing import Annotated

from annotated_types import Interval

from clinic_server.kit.errors import Refused

ExtensionMinutes = Annotated[int, Interval(ge=5, le=240)]


class DepartureKind(StrEnum):
    """How an observation ended."""

    COMPLETED = "completed"
    EARLY = "early"


class EarlyReason(StrEnum):
    """Why somebody left before the time was over."""

    INSISTED = "insisted"
    EMERGENCY_ELSEWHERE = "emergency_elsewhere"
    TAKEN_TO_HOSPITAL = "taken_to_hospital"


class ExtensionReason(StrEnum):
    """Why somebody is watched for longer."""

    UNWELL = "unwell"
    RISK_KNOWN_LATER = "risk_known_later"
    WAS_NOT_WATCHED = "was_not_watched"
    ORDERED = "ordered"


class TooEarly(Refused):
    """The observation is not over; ``minutes`` are still to wait."""

    code = "too_early"


class NotEarly(Refused):
    """The observation is over; leaving now is no early leave."""

    code = "not_early"


def urgency(minutes_left: int, *, is_cared_for: bool) -> int:
    """Return whom a nurse looks at first, the lowest before all: a reaction, who may go, everybody else."""
    if is_cared_for:
        return 0
    return 1 if minutes_left == 0 else 2
