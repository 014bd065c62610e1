"""What the schedule engine is told, and what it answers."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from clinic_server.people.documents import Sex
from clinic_server.stock.rules import Platform


class Certainty(StrEnum):
    """How a dose is known: recorded here, seen on paper or a certificate, or only told."""

    RECORDED = "recorded"
    DOCUMENTED = "documented"
    REPORTED = "reported"


class DoseStatus(StrEnum):
    """What a past dose is worth in a series."""

    VALID = "valid"
    NOT_VALID = "not_valid"
    EXTRANEOUS = "extraneous"
    SUB_STANDARD = "sub_standard"


class SeriesStatus(StrEnum):
    """Where a person stands in a series."""

    NOT_STARTED = "not_started"
    UNDER_WAY = "under_way"
    BOOSTER_OPEN = "booster_open"
    COMPLETE = "complete"
    AGED_OUT = "aged_out"
    CONTRAINDICATED = "contraindicated"
    NOT_RECOMMENDED = "not_recommended"


class Reason(StrEnum):
    """What speaks against a dose, past or planned."""

    TOO_YOUNG = "too_young"
    TOO_OLD = "too_old"
    TOO_EARLY = "too_early"
    SERIES_COMPLETE = "series_complete"
    NOT_IN_SCHEDULE = "not_in_schedule"
    NOT_RECOMMENDED = "not_recommended"
    WRONG_PLATFORM = "wrong_platform"
    WRONG_VACCINE = "wrong_vaccine"
    OTHER_VACCINE_BEFORE = "other_vaccine_before"
    VACCINE_UNKNOWN = "vaccine_unknown"
    SUB_STANDARD = "sub_standard"
    TOO_CLOSE_TO_OTHER = "too_close_to_other"
    CONTRAINDICATED_BY_OBSERVATION = "contraindicated_by_observation"
    HISTORY_UNCERTAIN = "history_uncertain"


class FindingWeight(StrEnum):
    """How much a finding about a planned dose weighs; the same words as a screening's."""

    CONTRAINDICATION = "contraindication"
    PRECAUTION = "precaution"
    DEFERRAL = "deferral"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class PastDose:
    """One dose a person had, here or elsewhere; what is not known of it is None or empty."""

    dose_id: UUID
    vaccine_code: str | None
    antigens: tuple[str, ...]
    platform: Platform | None
    given_on: date
    certainty: Certainty
    is_sub_standard: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """A fact of health a schedule may speak of, such as ``immunocompromised``; both its days belong to it.

    ``prior_severe_reaction:`` is followed by the code of a vaccine or the name of a platform.
    """

    code: str
    since: date | None = None
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Tell whether it was so on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the schedule is asked about."""

    born_on: date
    sex: Sex
    observations: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class EvaluatedDose:
    """A past dose in a series: the dose number it was judged as, None when the series needed none."""

    dose: PastDose
    target_dose: int | None
    status: DoseStatus
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forecast:
    """What comes next: from which day it may be given, should be, is late, and the last day it may be."""

    status: SeriesStatus
    dose_number: int | None = None
    earliest_on: date | None = None
    recommended_on: date | None = None
    past_due_on: date | None = None
    latest_on: date | None = None
    preferable: tuple[str, ...] = ()
    allowable: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class SeriesStanding:
    """One series of a schedule as one person stands in it."""

    series: str
    antigen: str
    doses: tuple[EvaluatedDose, ...]
    forecast: Forecast


@dataclass(frozen=True, slots=True)
class DoseFinding:
    """One thing that speaks against giving a vaccine on a day."""

    code: str
    weight: FindingWeight
    source: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What giving one vaccine on one day would be: which dose of which series, and what speaks against it."""

    dose_number: int | None
    series: str | None
    schedule_code: str
    schedule_version: int
    findings: tuple[DoseFinding, ...]
    earliest_on: date | None = None
    recommended_on: date | None = None
