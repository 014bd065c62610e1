"""What an adverse event is, how it came to be known, and what a file of one must hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.deadlines import UrgentGround
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


class Seriousness(StrEnum):
    """Why an event is a serious one; WHO, causality assessment of an adverse event following immunization, 2019."""

    DEATH = "death"
    LIFE_THREATENING = "life_threatening"
    HOSPITAL = "hospital"
    DISABILITY = "disability"
    BIRTH_DEFECT = "birth_defect"
    OTHER_IMPORTANT = "other_important"


class EventStepKind(StrEnum):
    """What is done about an event after it is found, in the order it is usually done."""

    REPORTED = "reported"
    INVESTIGATION_BEGUN = "investigation_begun"
    PRELIMINARY_CARD_SENT = "preliminary_card_sent"
    FIELD_LEFT = "field_left"
    FIELD_REPORT_SENT = "field_report_sent"
    DIAGNOSED = "diagnosed"


class EventUnknown(NotFound):
    """No adverse event has this number."""

    code = "event_unknown"


class EventClosed(Conflict):
    """The file of this event is closed."""

    code = "event_closed"


class EventNotClosed(Conflict):
    """The file of this event is open."""

    code = "event_not_closed"


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


class KindUnknown(Refused):
    """The list of kinds of events has no such code."""

    code = "event_kind_unknown"


class StepTaken(Conflict):
    """This step was recorded already; ``step`` says which."""

    code = "event_step_taken"


class StepInFuture(Refused):
    """A step that was taken is past."""

    code = "event_step_in_future"


class StepBeforeEvent(Refused):
    """Nothing is done about an event before anybody knows of it."""

    code = "event_step_before_event"


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
class Classed:
    """What an event is said to be: its kind by a named list, why it is serious, why its report cannot wait."""

    kind: str
    seriousness: tuple[Seriousness, ...] = ()
    grounds: tuple[UrgentGround, ...] = ()
    list_name: str = ""

    @property
    def is_serious(self) -> bool:
        """Whether anything makes it serious."""
        return bool(self.seriousness)


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


def as_listed(told: Classed) -> Classed:
    """Return a class under the newest list of kinds, or raise KindUnknown."""
    listed = kinds.shipped()
    if told.kind not in listed.by_code:
        raise KindUnknown
    return replace(told, list_name=listed.name)
