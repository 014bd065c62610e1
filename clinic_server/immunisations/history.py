"""What is noted of a person's past: doses with their certainty, severe reactions. Pure."""

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from clinic_server.immunisations.terms import Certainty
from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.stock.rules import Platform

MOST_PLACE_CHARACTERS = 200
MOST_REASON_CHARACTERS = 500
_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


class Precision(StrEnum):
    """How exactly a day is known."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Proof(StrEnum):
    """What shows that a dose from elsewhere was given; ``told`` is somebody's word alone."""

    VACCINATION_BOOK = "vaccination_book"
    CERTIFICATE = "certificate"
    PROVINCE_RECORD = "province_record"
    TOLD = "told"


class DateUnreadable(Refused):
    """A day of the past is written as year, year-month or year-month-day."""

    code = "past_date_unreadable"


class DateImpossible(Refused):
    """What is noted of the past lies after today or before the person's birth."""

    code = "past_date_impossible"


class DoseNotNamed(Refused):
    """A dose from elsewhere names its vaccine, or else what it was against, never both."""

    code = "dose_elsewhere_not_named"


class DoseElsewhereKnown(Conflict):
    """A dose against the same, of the same day, stands already."""

    code = "dose_elsewhere_known"


class DoseElsewhereUnknown(NotFound):
    """No dose from elsewhere has this id."""

    code = "dose_elsewhere_unknown"


class StruckBefore(Conflict):
    """The dose was marked as entered in error before."""

    code = "struck_before"


class PlaceTooLong(Refused):
    """The words for where a dose was given have at most ``most`` characters."""

    code = "place_too_long"


class ReactionNotNamed(Refused):
    """A reaction names the vaccine it followed, or else its platform, never both."""

    code = "reaction_not_named"


class ReactionUnknown(NotFound):
    """No reaction has this id."""

    code = "reaction_unknown"


class ReactionCleared(Conflict):
    """A physician cleared this reaction before."""

    code = "reaction_cleared"


class ClearedTooSoon(Refused):
    """A note that clears a reaction is of a later day than the reaction."""

    code = "cleared_too_soon"


class NoteMissing(Refused):
    """The act needs its reason in words, ``most`` characters at most."""

    code = "note_missing"


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A day known to the day, the month or the year; ``first_on`` is the first day it can have been."""

    first_on: date
    precision: Precision

    @classmethod
    def parse(cls, written: str) -> Self:
        """Return the day written as ``2021``, ``2021-05`` or ``2021-05-08``, or raise DateUnreadable."""
        matched = _PARTIAL.fullmatch(written.strip())
        if matched is None:
            raise DateUnreadable
        year, month, day = matched.groups()
        precision = Precision.DAY if day else Precision.MONTH if month else Precision.YEAR
        try:
            return cls(date(int(year), int(month or 1), int(day or 1)), precision)
        except ValueError:
            raise DateUnreadable from None

    @property
    def last_on(self) -> date:
        """The last day it can have been."""
        if self.precision is Precision.DAY:
            return self.first_on
        month = 12 if self.precision is Precision.YEAR else self.first_on.month
        return date(self.first_on.year, month, calendar.monthrange(self.first_on.year, month)[1])

    def __str__(self) -> str:
        length = {Precision.DAY: 10, Precision.MONTH: 7, Precision.YEAR: 4}
        return self.first_on.isoformat()[: length[self.precision]]


@dataclass(frozen=True, slots=True)
class NewDoseElsewhere:
    """A dose from elsewhere as somebody states it; ``antigen`` says what it was against where no vaccine is known."""

    given: PartialDate
    proof: Proof
    vaccine_code: str | None = None
    antigen: str | None = None
    place: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NewReaction:
    """A severe reaction as a physician notes it: after a vaccine, or after any of a platform."""

    occurred_on: date = field(repr=False)
    note: str = field(repr=False)
    vaccine_code: str | None = field(default=None, repr=False)
    platform: Platform | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reaction:
    """A severe reaction on record; it bars until a physician clears it."""

    reaction_id: UUID
    told: NewReaction = field(repr=False)
    cleared_at: datetime | None
    clearance: str | None = field(default=None, repr=False)

    @property
    def is_cleared(self) -> bool:
        """Whether a physician's note stands against it."""
        return self.cleared_at is not None


@dataclass(frozen=True, slots=True)
class DoseKnown:
    """A dose that stands: given here, or elsewhere as ``proof`` shows; a schedule counts it on ``counted_on``."""

    dose_id: UUID
    given: PartialDate
    counted_on: date
    vaccine_code: str | None
    antigens: tuple[str, ...]
    platform: Platform | None
    proof: Proof | None = None
    place: str = field(default="", repr=False)

    @property
    def certainty(self) -> Certainty:
        """How far a schedule may rely on it."""
        if self.proof is None:
            return Certainty.RECORDED
        return Certainty.REPORTED if self.proof is Proof.TOLD else Certainty.DOCUMENTED


def refuse_impossible(given: PartialDate, born_on: date, today: date) -> None:
    """Raise DateImpossible for a day that lies wholly after today or wholly before the birth."""
    if given.first_on > today or given.last_on < born_on:
        raise DateImpossible


def counted_on(given: PartialDate, noted_on: date) -> date:
    """Return the day a vaguely dated dose counts from: the last it can have been, so that no interval comes short.

    This project's reading; whoever noted it on a day had it behind them.
    """
    return min(given.last_on, max(noted_on, given.first_on))


def required_note(words: str) -> str:
    """Return words without the blanks around them, or raise NoteMissing."""
    note = words.strip()
    if not note or len(note) > MOST_REASON_CHARACTERS:
        raise NoteMissing(most=MOST_REASON_CHARACTERS)
    return note


def refuse_lengthy_place(words: str) -> None:
    """Raise PlaceTooLong when the place is told in too many words."""
    if len(words.strip()) > MOST_PLACE_CHARACTERS:
        raise PlaceTooLong(most=MOST_PLACE_CHARACTERS)
