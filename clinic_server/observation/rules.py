"""How a person under observation may leave."""

from enum import StrEnum

from clinic_server.kit.errors import Refused


class DepartureKind(StrEnum):
    """How an observation ended."""

    COMPLETED = "completed"
    EARLY = "early"


class EarlyReason(StrEnum):
    """Why somebody left before the time was over."""

    INSISTED = "insisted"
    EMERGENCY_ELSEWHERE = "emergency_elsewhere"
    TAKEN_TO_HOSPITAL = "taken_to_hospital"


class TooEarly(Refused):
    """The observation is not over; ``minutes`` are still to wait."""

    code = "too_early"


class NotEarly(Refused):
    """The observation is over; leaving now is no early leave."""

    code = "not_early"
