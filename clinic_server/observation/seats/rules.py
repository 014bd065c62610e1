"""The seats of the observation area, and when somebody may sit on one."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound

SEATS: Final = "seats"  # the topic of the pages that show who sits where


class FoundBy(StrEnum):
    """How the nurse knew who came."""

    SLIP = "slip"
    CARD = "card"
    TICKET = "ticket"
    HAND = "hand"


class SeatUnknown(NotFound):
    """The area has no seat of this code."""

    code = "seat_unknown"


class SeatRetired(Conflict):
    """The seat was taken out of use."""

    code = "seat_retired"


class SeatTaken(Conflict):
    """Somebody sits there; ``ticket`` says who."""

    code = "seat_taken"


class SeatedThere(Conflict):
    """The person is recorded at this very place already."""

    code = "seated_there"


class NotInArea(NotFound):
    """What was shown or typed names nobody under observation."""

    code = "not_in_area"


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat as it was listed last."""

    code: str
    zone: str
    is_retired: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is who has arrived; without a seat they stand."""

    visit_id: UUID
    seat_code: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class Placed:
    """One line of where somebody was: on which seat, or standing, since when and by whom."""

    seat_code: str | None
    found_by: FoundBy
    placed_by: UUID
    placed_at: datetime


def as_counted(one: Seat) -> tuple[str, Sequence[str | int]]:
    """Return where a seat stands in a list: by zone, A2 before A10."""
    return one.zone, [int(part) if part.isdecimal() else part for part in re.split("([0-9]+)", one.code)]


def free_seats(seats: Iterable[Seat], taken: Iterable[Place]) -> tuple[Seat, ...]:
    """Return the seats somebody can be led to."""
    codes = {place.seat_code for place in taken}
    return tuple(seat for seat in seats if not seat.is_retired and seat.code not in codes)
