"""What a decision of an earlier visit still says on a later day, and how a call ends.

"Not today" is never "never": a deferral names the day from which on it says nothing any more, and a vaccine
that does not suit somebody leaves the others open.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class CallEnd(StrEnum):
    """How a call came to nothing: the person was not there, or the station lets them wait on in their place."""

    PASSED = "passed"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Admission:
    """From which age, in whole months, the site gives tickets; ``version`` names the data that say so."""

    version: str
    from_months: int


@dataclass(frozen=True, slots=True)
class WithheldDose:
    """A physician's decision not to give a dose now: deferred when it has ``not_before``, else unsuitable.

    ``vaccine_code`` is the one vaccine that does not suit; without it, none of the programme does.
    """

    decision_id: UUID
    visit_id: UUID
    decided_on: date
    not_before: date | None
    programme: str
    vaccine_code: str | None

    def stands_on(self, day: date) -> bool:
        """Tell whether it still speaks against a dose; a deferral ends by itself on its date."""
        return self.not_before is None or day < self.not_before


def standing_on(day: date, withheld: Iterable[WithheldDose]) -> tuple[WithheldDose, ...]:
    """Return what still speaks against a dose on a day."""
    return tuple(one for one in withheld if one.stands_on(day))


def deferral_to_tell(withheld: Iterable[WithheldDose], last_dose_on: date | None) -> WithheldDose | None:
    """Return the latest deferral, unless a dose was given since; ``withheld`` begins with the latest."""
    latest = next((one for one in withheld if one.not_before is not None), None)
    if latest is None or (last_dose_on is not None and last_dose_on >= latest.decided_on):
        return None
    return latest
