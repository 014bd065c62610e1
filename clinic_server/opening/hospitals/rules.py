"""What is known of a hospital."""

from dataclasses import dataclass, field
from enum import StrEnum

from clinic_server.kit.errors import NotFound


class HospitalKind(StrEnum):
    """What a hospital is, by grade and by whom it treats; the green channel asks for grade II at the least."""

    TERTIARY = "tertiary"
    SECONDARY = "secondary"
    CHILDREN = "children"
    INFECTIOUS_DISEASES = "infectious_diseases"


class HospitalUnknown(NotFound):
    """No hospital of this code is listed."""

    code = "hospital_unknown"


@dataclass(frozen=True, slots=True)
class Hospital:
    """A hospital as it was listed last; contact and expert are people of it, and sealed where they are stored."""

    code: str
    name: str
    kind: HospitalKind
    phone: str
    green_contact: str = field(repr=False)
    expert: str = field(repr=False)
    reserved_beds: int
    minutes_away: int
