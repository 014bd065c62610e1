"""Where vaccine stands and how it gets from one place to the next: the words of the ledger."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused

STOCK = "stock"  # the topic of every page that shows what is on hand


class PlaceKind(StrEnum):
    """What vaccine stands in."""

    FRIDGE = "fridge"
    FREEZER = "freezer"
    COLD_BOX = "cold_box"
    BENCH_BOX = "bench_box"


class Outside(StrEnum):
    """Where doses come from and go to beyond the places of the site; no place's code begins with "="."""

    SUPPLIER = "=supplier"
    USED = "=used"
    WASTED = "=wasted"
    GAINED = "=gained"
    DIFFERENCE = "=difference"
    DESTROYED = "=destroyed"
    SENT_AWAY = "=sent_away"


class MovementKind(StrEnum):
    """Why doses went from one account to another."""

    RECEIVED = "received"
    MOVED = "moved"
    ISSUED = "issued"
    TAKEN_BACK = "taken_back"
    LENT = "lent"
    DRAWN = "drawn"
    DRAW_RETURNED = "draw_returned"
    WASTED = "wasted"
    GAINED = "gained"
    MISSING = "missing"
    FOUND = "found"
    DESTROYED = "destroyed"
    SENT_AWAY = "sent_away"


class WasteReason(StrEnum):
    """Why doses will never be given."""

    BROKEN = "broken"
    OPEN_TOO_LONG = "open_too_long"
    REFUSED_AFTER_OPENING = "refused_after_opening"
    NOT_GIVEN = "not_given"
    EXPIRED = "expired"
    SPOILT = "spoilt"
    TRAINING = "training"
    END_OF_DAY = "end_of_day"


class GainReason(StrEnum):
    """Why a vial held more than it says."""

    OVERFILL = "overfill"
    LOW_DEAD_SPACE_SYRINGE = "low_dead_space_syringe"
    NEEDLE_WAS_IN = "needle_was_in"


SaidGain = Literal[GainReason.OVERFILL, GainReason.LOW_DEAD_SPACE_SYRINGE]  # what a bench may say of a vial


class HoldReason(StrEnum):
    """Why a unit may not be used until somebody has decided about it."""

    DOUBTED = "doubted"
    TEMPERATURE = "temperature"
    PAPERS_MISSING = "papers_missing"
    COUNT_DIFFERS = "count_differs"
    RECALLED = "recalled"


class HoldEnd(StrEnum):
    """What was decided about a held unit."""

    RELEASED = "released"
    DESTROYED = "destroyed"
    SENT_AWAY = "sent_away"


class PlaceCodeTaken(Conflict):
    """Another place has this code."""

    code = "place_code_taken"


class PlaceUnknown(NotFound):
    """No place has this code."""

    code = "place_unknown"


class PlaceNeedsStation(Refused):
    """A bench's box belongs to one station, and no other place does."""

    code = "place_needs_station"


class BenchHasNoBox(Refused):
    """This station has no box that vaccine could be issued to."""

    code = "bench_has_no_box"


class UnitUnknown(NotFound):
    """No unit here has this trace code."""

    code = "unit_unknown"


class UnitNotHere(Refused):
    """A unit does not stand where the movement begins; the finding says which."""

    code = "unit_not_here"


class UnitIsHeld(Refused):
    """A held unit stays where it is until somebody has decided about it."""

    code = "unit_is_held"


class NothingToHold(Refused):
    """Nothing that is left here is meant."""

    code = "nothing_to_hold"


class UnitNotHeld(Refused):
    """Nothing about this unit waits for a decision."""

    code = "unit_not_held"


class NeedsDisposition(Refused):
    """What was out of its temperature is decided about with what the decision rests on, not by a note."""

    code = "needs_disposition"


class UnitIsEmpty(Refused):
    """Nothing is left in this unit."""

    code = "unit_is_empty"


class UnitNotMissing(Refused):
    """Only what a count had missed is found again."""

    code = "unit_not_missing"


class EarlierExpiryFirst(Refused):
    """A unit that expires earlier stands in the same place; give a reason to pass it over."""

    code = "earlier_expiry_first"


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """A place of the site; ``station`` is the bench whose box it is, ``capacity_units`` None where nobody counted."""

    place_id: UUID
    code: str
    name: str
    kind: PlaceKind
    profile: str
    station: str | None
    capacity_units: int | None
