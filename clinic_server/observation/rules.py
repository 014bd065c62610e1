"""How a person under observation may leave, and whom a nurse looks at first."""

from enum import StrEnum
from typing import Annotated, Final

from annotated_types import Interval

from clinic_server.kit.errors import Refused
from clinic_server.people.signatures import SigningAges

ExtensionMinutes = Annotated[int, Interval(ge=5, le=240)]
MOST_VOUCHING_CHARACTERS: Final = 400
OF_AGE: Final = SigningAges(adult=18, child_signs=18)  # Civil Code art. 17; a child owes no signature for leaving


class DepartureKind(StrEnum):
    """How an observation ended."""

    COMPLETED = "completed"
    EARLY = "early"


class EarlyReason(StrEnum):
    """Why somebody left before the time was over."""

    INSISTED = "insisted"
    EMERGENCY_ELSEWHERE = "emergency_elsewhere"
    TAKEN_TO_HOSPITAL = "taken_to_hospital"

    @property
    def is_own_wish(self) -> bool:
        """Whether the person chose it, and so signs that they were told (invariant 30)."""
        return self is not EarlyReason.TAKEN_TO_HOSPITAL


class ExtensionReason(StrEnum):
    """Why somebody is watched for longer."""

    UNWELL = "unwell"
    RISK_KNOWN_LATER = "risk_known_later"
    WAS_NOT_WATCHED = "was_not_watched"
    ORDERED = "ordered"


class TooEarly(Refused):
    """The observation is not over; ``minutes`` are still to wait."""

    code = "too_early"


class FurtherAskedFor(Refused):
    """A further vaccine was asked for and not given yet; ``ticket`` says under which number they wait for it."""

    code = "further_asked_for"


class NotEarly(Refused):
    """The observation is over; leaving now is no early leave."""

    code = "not_early"


class TimeUnproved(Refused):
    """The machine was off while this person sat, and only the wall clock says that their time is over."""

    code = "time_unproved"


def urgency(minutes_left: int, *, is_overdue: bool, is_cared_for: bool) -> int:
    """Return whom a nurse looks at first, the lowest before all: a check overdue, a reaction, who may go, the others.

    Whoever reacts has somebody beside them; whoever was forgotten has not.
    """
    if is_overdue and not is_cared_for:
        return 0
    if is_cared_for:
        return 1
    return 2 if minutes_left == 0 else 3
