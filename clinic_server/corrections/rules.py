"""What may be set right, by whom, and what a correction leaves open: pure."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.stock.rules import BodySite

MOST_REASON_CHARACTERS = 500


class IncidentKind(StrEnum):
    """What a correction contradicts."""

    DOSE_DENIED = "dose_denied"


class DoseUnknown(NotFound):
    """No dose has this id."""

    code = "dose_unknown"


class IncidentUnknown(NotFound):
    """No incident has this id."""

    code = "incident_unknown"


class IncidentAssessedBefore(Conflict):
    """Somebody assessed this incident already."""

    code = "incident_assessed_before"


class CorrectionReasonMissing(Refused):
    """A correction says why, in at most ``most`` characters."""

    code = "correction_reason_missing"


class NothingToCorrect(Refused):
    """What was said is what stands already."""

    code = "nothing_to_correct"


class CorrectionStale(Conflict):
    """What this correction speaks of was corrected by somebody else meanwhile."""

    code = "correction_stale"


class DoseDenied(Conflict):
    """The dose was entered in error; there is nothing left to correct."""

    code = "dose_denied"


class DoseStands(Refused):
    """A unit returns only when no needle was filled from it."""

    code = "dose_stands"


class UnitReturnedBefore(Conflict):
    """This unit was put back already."""

    code = "unit_returned_before"


class UnitCannotReturn(Refused):
    """A unit that holds several doses was opened, and one past its expiry is not used again."""

    code = "unit_cannot_return"


class ReturnUnwitnessed(Refused):
    """Who entered the error does not also confirm that the unit is untouched."""

    code = "return_unwitnessed"


@dataclass(frozen=True, slots=True)
class DoseAsCorrected:
    """A dose as it stands after every correction; ``denied_by`` says that no needle gave it."""

    dose_id: UUID
    visit_id: UUID
    person_id: UUID
    given_at: datetime
    vaccine_code: str
    draw_id: UUID
    unit_id: UUID
    body_site: BodySite
    doses_per_unit: int
    expires_on: date
    denied_by: UUID | None
    is_returned: bool


def refuse_unexplained(reason: str) -> None:
    """Raise CorrectionReasonMissing unless it says why."""
    if not reason.strip() or len(reason) > MOST_REASON_CHARACTERS:
        raise CorrectionReasonMissing(most=MOST_REASON_CHARACTERS)


def refuse_denied(dose: DoseAsCorrected) -> None:
    """Raise DoseDenied for a dose that was entered in error."""
    if dose.denied_by is not None:
        raise DoseDenied


def refuse_other_site(dose: DoseAsCorrected, was: BodySite, should_be: BodySite) -> None:
    """Raise unless the site that is to be replaced still stands, and is replaced by another."""
    refuse_denied(dose)
    if dose.body_site is not was:
        raise CorrectionStale
    if was is should_be:
        raise NothingToCorrect


def refuse_return(dose: DoseAsCorrected, confirmed_by: UUID | None, today: date) -> None:
    """Raise unless physics lets the unit go back: nothing was drawn, it was never opened, a second person saw it."""
    if dose.denied_by is None:
        raise DoseStands
    if dose.is_returned:
        raise UnitReturnedBefore
    if dose.doses_per_unit > 1 or dose.expires_on < today:
        raise UnitCannotReturn
    if confirmed_by is None or confirmed_by == dose.denied_by:
        raise ReturnUnwitnessed
