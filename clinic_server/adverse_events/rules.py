"""What an adverse event is, how it came to be known, and what a file of one must hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused

ADVERSE_EVENTS = "adverse_events"  # the topic of every page that shows them
MOST_SUSPECTS = 3  # as many as the report card has lines for


class FoundHow(StrEnum):
    """How the site came to know of an event."""

    SEAT = "seat"
    BENCH = "bench"
    TELEPHONE = "telephone"
    RETURNED = "returned"
    REPORTED = "reported"


class CareEnd(StrEnum):
    """How the care on site ended."""

    WELL_AGAIN = "well_again"
    TRANSFERRED = "transferred"
    DECLINED = "declined"
    DIED = "died"


class EventUnknown(NotFound):
    """No adverse event has this number."""

    code = "event_unknown"


class EventClosed(Conflict):
    """The file of this event is closed."""

    code = "event_closed"


class SuspectDoseNeeded(Refused):
    """An event follows a dose: one of ours, or one given elsewhere as it was told."""

    code = "suspect_dose_needed"


class TooManySuspects(Refused):
    """A file names ``most`` suspected doses at most, in the order of suspicion."""

    code = "too_many_suspects"


class DoseOfAnother(Refused):
    """A suspected dose is not this person's, or was entered in error."""

    code = "dose_of_another"


class OnsetBeforeDose(Refused):
    """An event cannot begin before the dose it is said to follow."""

    code = "onset_before_dose"


class OnsetInFuture(Refused):
    """An event that is known has begun."""

    code = "onset_in_future"


class StillUnderCare(Conflict):
    """The person is being cared for on site; ``event`` is the number of the file."""

    code = "still_under_care"


class CareEnded(Conflict):
    """The care on site is over."""

    code = "care_ended"


@dataclass(frozen=True, slots=True)
class SuspectElsewhere:
    """A suspected dose that was given elsewhere, as it was told; ``given_on`` is an ISO date."""

    product: str
    given_on: str
    maker: str = ""
    lot_number: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it is opened: of a visit where it happened here, else of a person alone."""

    person_id: UUID
    visit_id: UUID | None
    found_how: FoundHow
    discovered_at: datetime
    onset_at: datetime
    dose_ids: Sequence[UUID] = ()
    elsewhere: Sequence[SuspectElsewhere] = field(default=(), repr=False)
    seat_code: str = ""


@dataclass(frozen=True, slots=True)
class EventRef:
    """Which event; ``number`` is what people call it by."""

    event_id: UUID
    number: int


@dataclass(frozen=True, slots=True)
class EventFacts:
    """An event as it stands, without anything said of the person's health."""

    event_id: UUID
    number: int
    person_id: UUID
    visit_id: UUID | None
    found_how: FoundHow
    seat_code: str
    discovered_at: datetime
    onset_at: datetime
    care_ended: CareEnd | None
    closed_at: datetime | None

    @property
    def is_under_care(self) -> bool:
        """Whether somebody is being cared for here and now."""
        return self.visit_id is not None and self.care_ended is None and self.closed_at is None
