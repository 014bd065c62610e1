"""What one shift tells the next."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import Refused

HANDOVER: Final = "handover"  # the topic of the pages that show notes and who took over
MOST_WORDS: Final = 400


class NoteEmpty(Refused):
    """A note for the next shift says something."""

    code = "note_empty"


@dataclass(frozen=True, slots=True)
class Note:
    """What a nurse wrote for the next shift, of one person or of the area."""

    visit_id: UUID | None
    by: UUID
    at: datetime
    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandedOver:
    """How one person stood when the shift was taken over; kept sealed."""

    visit_id: UUID
    ticket_number: int
    seat_code: str | None
    minutes_left: int
    wanted_check: int | None
    is_cared_for: bool
    has_left_unseen: bool = False
    has_come_back: bool = False


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Who took over, when, and of how many people."""

    by: UUID
    at: datetime
    people: int
