"""The log of the care on site: what can be entered, what is doubted, and what ends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from clinic_server.adverse_events.rules import CareEnd
from clinic_server.alerts.telling import Phrase, Told, tell
from clinic_server.kit.errors import Conflict, NotFound, Refused

CARE = "care"  # the topic of pages that show a log
MOST_NOTE_CHARACTERS = 400


class CareKind(StrEnum):
    """What a line of the log tells."""

    VITALS = "vitals"
    SYMPTOMS = "symptoms"
    POSITION = "position"
    OXYGEN = "oxygen"
    DRUG = "drug"
    AMBULANCE = "ambulance"
    NOTE = "note"


class Consciousness(StrEnum):
    """To what somebody responds: AVPU."""

    ALERT = "alert"
    VOICE = "voice"
    PAIN = "pain"
    UNRESPONSIVE = "unresponsive"


class BodyPosition(StrEnum):
    """How somebody was laid."""

    LYING_LEGS_RAISED = "lying_legs_raised"
    LYING = "lying"
    SITTING = "sitting"
    RECOVERY_POSITION = "recovery_position"


class DrugRoute(StrEnum):
    """How a drug was given."""

    INTRAMUSCULAR = "intramuscular"
    INTRAVENOUS = "intravenous"
    SUBCUTANEOUS = "subcutaneous"
    ORAL = "oral"
    INHALED = "inhaled"


class DrugSite(StrEnum):
    """Where a drug was given."""

    LEFT_OUTER_THIGH = "left_outer_thigh"
    RIGHT_OUTER_THIGH = "right_outer_thigh"
    LEFT_UPPER_ARM = "left_upper_arm"
    RIGHT_UPPER_ARM = "right_upper_arm"
    VEIN = "vein"
    MOUTH = "mouth"
    AIRWAY = "airway"


class AmbulanceStep(StrEnum):
    """How far the ambulance is."""

    CALLED = "called"
    ARRIVED = "arrived"
    LEFT = "left"


class DrugFinding(StrEnum):
    """What a drug's entry has against it; it is recorded with a reason."""

    DOSE_ABOVE_REFERENCE = "dose_above_reference"
    AGE_NOT_REFERENCED = "age_not_referenced"
    ROUTE_NOT_REFERENCED = "route_not_referenced"
    STRENGTH_NOT_REFERENCED = "strength_not_referenced"
    VOLUME_CONTRADICTS_DOSE = "volume_contradicts_dose"


class EmergencyCallUnknown(NotFound):
    """The team was not called for this visit, or has gone again."""

    code = "emergency_call_unknown"


class NothingMeasured(Refused):
    """A line of vitals tells at least one."""

    code = "nothing_measured"


class VitalsImplausible(Refused):
    """No living or dying person measures this; the findings name the fields."""

    code = "vitals_implausible"


class NothingSaid(Refused):
    """A line of the log tells something."""

    code = "nothing_said"


class SymptomUnknown(Refused):
    """The list of symptoms has no such code."""

    code = "symptom_unknown"


class DoseOfDrugMissing(Refused):
    """A drug was given in some amount."""

    code = "dose_of_drug_missing"


class DrugDoubted(Refused):
    """The reference table says otherwise: it is recorded as given once a reason is told; ``findings`` say what."""

    code = "drug_doubted"


class CareInFuture(Refused):
    """What is in the log has happened."""

    code = "care_in_future"


class CareEntryUnknown(NotFound):
    """The log has no such line."""

    code = "care_entry_unknown"


class CareEntryStruck(Conflict):
    """The line was struck out already."""

    code = "care_entry_struck"


class ReasonNeeded(Refused):
    """Whoever strikes a line out says why."""

    code = "care_reason_needed"


class NotYetWell(Refused):
    """The latest vitals are not those of somebody well again; the findings say which."""

    code = "not_yet_well"


class HospitalNeeded(Refused):
    """Somebody is taken to a hospital that has a name."""

    code = "hospital_needed"


class DeclinerNeeded(Refused):
    """Whoever declines further care is named, and signs on paper."""

    code = "decliner_needed"


class ProtocolEmpty(Refused):
    """A protocol says something."""

    code = "protocol_empty"


class TableSignedOff(Conflict):
    """This physician answers for the table as it reads already."""

    code = "drug_table_signed_off"


@dataclass(frozen=True, slots=True)
class Vitals:
    """What was measured at one moment, as far as it was; a weight may be asked instead of weighed."""

    systolic_mmhg: int | None = field(default=None, repr=False)
    diastolic_mmhg: int | None = field(default=None, repr=False)
    pulse_per_min: int | None = field(default=None, repr=False)
    spo2_percent: int | None = field(default=None, repr=False)
    breaths_per_min: int | None = field(default=None, repr=False)
    milli_celsius: int | None = field(default=None, repr=False)
    consciousness: Consciousness | None = field(default=None, repr=False)
    weight_g: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Symptoms:
    """What was seen or told, in the codes of a version of the list; ``list_name`` is filled in by the log."""

    codes: tuple[str, ...] = field(repr=False)
    list_name: str = ""


@dataclass(frozen=True, slots=True)
class Laid:
    """How the person was laid."""

    position: BodyPosition = field(repr=False)


@dataclass(frozen=True, slots=True)
class Oxygen:
    """How much oxygen flows from then on; none is the end of it."""

    ml_per_min: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class DrugGiven:
    """A drug as it was given; ``reason`` where the reference table, ``table_name``, says otherwise.

    ``drug`` is the table's code, or a name it does not know; ``findings`` are what was doubted, filled in by the log.
    """

    drug: str = field(repr=False)
    concentration: str = field(repr=False)
    dose_ug: int = field(repr=False)
    route: DrugRoute = field(repr=False)
    site: DrugSite = field(repr=False)
    reason: str = field(default="", repr=False)
    table_name: str = ""
    volume_ul: int | None = field(default=None, repr=False)
    findings: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Ambulance:
    """How far the ambulance was then."""

    step: AmbulanceStep


@dataclass(frozen=True, slots=True)
class Note:
    """Something told in words."""

    words: str = field(repr=False)


Said = Vitals | Symptoms | Laid | Oxygen | DrugGiven | Ambulance | Note

SAID: Mapping[CareKind, type[Said]] = {
    CareKind.VITALS: Vitals,
    CareKind.SYMPTOMS: Symptoms,
    CareKind.POSITION: Laid,
    CareKind.OXYGEN: Oxygen,
    CareKind.DRUG: DrugGiven,
    CareKind.AMBULANCE: Ambulance,
    CareKind.NOTE: Note,
}
_KINDS = {said: kind for kind, said in SAID.items()}
# A heart that stands still is measured too, hence the noughts.
_PLAUSIBLE: Mapping[str, range] = {
    "systolic_mmhg": range(301),
    "diastolic_mmhg": range(201),
    "pulse_per_min": range(301),
    "spo2_percent": range(101),
    "breaths_per_min": range(101),
    "milli_celsius": range(24_000, 45_001),
    "weight_g": range(500, 300_001),
}
_MOST_OXYGEN_ML = 30_000


@dataclass(frozen=True, slots=True)
class Struck:
    """A line that does not count, and why."""

    reason: str = field(repr=False)
    by: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CareEntry:
    """One line of the log; it stays where it was struck out."""

    entry_id: UUID
    kind: CareKind
    happened_at: datetime
    entered_by: UUID | None
    said: Said = field(repr=False)
    struck: Struck | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How the care ends: taken over by whom, or declined by whom, as far as it is asked."""

    how: CareEnd
    hospital: str = ""
    hospital_phone: str = ""
    taken_over_by: str = field(default="", repr=False)
    declined_by: str = field(default="", repr=False)


def kind_of(said: Said) -> CareKind:
    """Return what a line tells."""
    return _KINDS[type(said)]


def that_count(entries: Sequence[CareEntry]) -> list[CareEntry]:
    """Return the lines that were not struck out."""
    return [one for one in entries if one.struck is None]


def refuse_unsaid(said: Said) -> None:
    """Raise what keeps a line out of the log, whatever tables and lists say of it."""
    match said:
        case Vitals():
            _refuse_implausible(said)
        case Symptoms(codes=()):
            raise NothingSaid
        case Note(words=words) if not words.strip() or len(words) > MOST_NOTE_CHARACTERS:
            raise NothingSaid
        case Oxygen(ml_per_min=flow) if not 0 <= flow <= _MOST_OXYGEN_ML:
            raise VitalsImplausible(findings=("ml_per_min",))
        case DrugGiven(drug=drug, dose_ug=dose_ug) if dose_ug <= 0 or not drug.strip():
            raise DoseOfDrugMissing
        case DrugGiven(volume_ul=int(volume_ul)) if volume_ul <= 0:
            raise DoseOfDrugMissing
        case _:
            return


def refuse_unnamed(ending: Ending) -> None:
    """Raise who or what an ending does not name and must."""
    if ending.how is CareEnd.TRANSFERRED and not ending.hospital.strip():
        raise HospitalNeeded
    if ending.how is CareEnd.DECLINED and not ending.declined_by.strip():
        raise DeclinerNeeded


def call_of(ticket_number: int, place_code: str, *, is_seat: bool) -> Told:
    """Tell where the team is to run, and nobody's name."""
    if not place_code:
        return tell(Phrase.COME_TO_TICKET, ticket=ticket_number)
    phrase = Phrase.COME_TO_SEAT if is_seat else Phrase.COME_TO_PLACE
    return tell(phrase, ticket=ticket_number, spot=place_code)


def _refuse_implausible(vitals: Vitals) -> None:
    told = {one.name: getattr(vitals, one.name) for one in fields(vitals)}
    told = {name: value for name, value in told.items() if value is not None}
    if not told:
        raise NothingMeasured
    faulty = [name for name, plausible in _PLAUSIBLE.items() if name in told and told[name] not in plausible]
    if ("systolic_mmhg" in told) != ("diastolic_mmhg" in told) or _is_upside_down(vitals):
        faulty.append("diastolic_mmhg")
    if faulty:
        raise VitalsImplausible(findings=tuple(dict.fromkeys(faulty)))


def _is_upside_down(vitals: Vitals) -> bool:
    above, below = vitals.systolic_mmhg, vitals.diastolic_mmhg
    return above is not None and below is not None and below > above
