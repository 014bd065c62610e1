"""What an alert is, how bad, and who hears of it when: kinds, severities, the ladder."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinic_server.alerts.telling import Told
from clinic_server.kit.errors import ClinicError, Conflict, NotFound, Refused

ALERTS = "alerts"  # the topic of every page that shows alerts


class Severity(StrEnum):
    """How soon somebody has to act."""

    WARNING = "warning"
    ALARM = "alarm"
    CRITICAL = "critical"


class AlertKind(StrEnum):
    """What is wrong; one alert of a kind is open per place."""

    TOO_WARM = "too_warm"
    TOO_COLD = "too_cold"
    FROZEN = "frozen"
    NO_DATA = "no_data"
    PROBE_FAULT = "probe_fault"
    FLAT_LINE = "flat_line"
    CLOCK_WRONG = "clock_wrong"
    BATTERY_LOW = "battery_low"
    POWER_LOST = "power_lost"
    PROBES_SWAPPED = "probes_swapped"
    MANUAL_READING_MISSED = "manual_reading_missed"
    CALIBRATION_DUE = "calibration_due"
    STOP_ORDER = "stop_order"
    DOUBTFUL_CODE = "doubtful_code"
    BARRED_VIAL_GIVEN = "barred_vial_given"
    ADVERSE_EVENT = "adverse_event"
    REPORT_DUE = "report_due"
    SIMILAR_EVENTS = "similar_events"
    READINESS_LAPSED = "readiness_lapsed"
    DEVICE_LOST = "device_lost"
    SERVER_FAULT = "server_fault"
    PAGER_FAILED = "pager_failed"
    MANY_SEARCHES = "many_searches"
    REHEARSAL = "rehearsal"


OF_TEMPERATURE = frozenset({AlertKind.TOO_WARM, AlertKind.TOO_COLD, AlertKind.FROZEN})


class AlertState(StrEnum):
    """How far an alert is; every one ends closed."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class CloseReason(StrEnum):
    """Why an alert is over."""

    RECOVERED = "recovered"
    PROBE_RETIRED = "probe_retired"
    DECIDED = "decided"
    REHEARSED = "rehearsed"


class AnswerWay(StrEnum):
    """How somebody answered an alert."""

    PAGE = "page"
    DESK = "desk"
    LINK = "link"
    PAGER = "pager"


class Hush(StrEnum):
    """Why an open alert calls nobody right now; it is shown all the same."""

    ACKNOWLEDGED = "acknowledged"
    REPLIED = "replied"
    SHELVED = "shelved"
    INHIBITED = "inhibited"
    QUIET_HOURS = "quiet_hours"


class DueKind(StrEnum):
    """What a page is for."""

    PAGE = "page"
    RECOVERY = "recovery"
    TEST = "test"
    REHEARSAL = "rehearsal"


class DueState(StrEnum):
    """How far a due page is; leased is being sent, and due again when the lease runs out."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    DROPPED = "dropped"


SEVEREST_FIRST = tuple(reversed(Severity))
HARMS = frozenset({AlertKind.TOO_WARM, AlertKind.TOO_COLD, AlertKind.FROZEN})  # what they did to vaccine stays


class AlertUnknown(NotFound):
    """No alert has this number."""

    code = "alert_unknown"


class AlertIsClosed(Conflict):
    """This alert is over."""

    code = "alert_is_closed"


class ContactUnknown(NotFound):
    """Nobody who can be paged has this id."""

    code = "contact_unknown"


class DutyUnknown(NotFound):
    """No weekly duty that stands has this id."""

    code = "duty_unknown"


class StepUnknown(Refused):
    """The ladder has no such ``step``."""

    code = "step_unknown"


class AlertLinkUnknown(NotFound):
    """This link answers no alert, or its time is over."""

    code = "alert_link_unknown"


class TooManyAnswers(ClinicError):
    """So many tries at links came from one place as nobody makes by mistake."""

    code = "too_many_answers"
    status = 429


class CannotBeShelved(Refused):
    """What is frozen or far too warm is not silenced for anybody's work."""

    code = "cannot_be_shelved"


class ShelvedTooLong(Refused):
    """A place is silenced for ``longest`` minutes at most."""

    code = "shelved_too_long"


class PlaceIsShelved(Conflict):
    """Somebody works on this place already; that ends before it begins anew."""

    code = "place_is_shelved"


class PlaceNotShelved(Conflict):
    """Nobody works on this place."""

    code = "place_not_shelved"


class CommentNeeded(Refused):
    """Whoever acknowledges says what they are doing about it."""

    code = "comment_needed"


@dataclass(frozen=True, slots=True)
class Alarm:
    """What somebody has to hear of. ``place_code`` is empty for the site as a whole.

    ``told`` is without any person's data; ``cause_id`` is the record behind it.
    """

    kind: AlertKind
    severity: Severity
    told: Told
    place_code: str = ""
    cause_id: UUID | None = None

    @property
    def summary(self) -> str:
        """Say it to a pager, in ASCII ("+9.4C 12MIN")."""
        return self.told.short


@dataclass(frozen=True, slots=True)
class AlertFacts:
    """An alert as it stands; ``number`` is what a pager shows and a reply names."""

    alert_id: UUID
    number: int
    kind: AlertKind
    place_code: str
    severity: Severity
    state: AlertState
    summary: str
    opened_at: datetime
    recovered_at: datetime | None
    acknowledged_at: datetime | None
    told: Told
