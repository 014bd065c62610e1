"""What becomes of somebody nobody saw leave."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound

MOST_WORDS: Final = 400


class FollowUp(StrEnum):
    """How one try to reach somebody ended."""

    REACHED_WELL = "reached_well"
    REACHED_UNWELL = "reached_unwell"
    CAME_BACK = "came_back"
    NOT_REACHED = "not_reached"


class NotLeftUnseen(NotFound):
    """Nobody noted that this person left unseen."""

    code = "not_left_unseen"


class ReachedBefore(Conflict):
    """The person was reached; nothing is left to follow up."""

    code = "reached_before"


class ClinicDayOver(Conflict):
    """The site is not open on this visit's clinic day any more: nobody sits in the area to be watched on."""

    code = "clinic_day_over"


@dataclass(frozen=True, slots=True)
class Try:
    """One try to reach somebody."""

    outcome: FollowUp
    by: UUID
    at: datetime
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CameBack:
    """Somebody was taken back; ``minutes_unseen`` since they were seen last count for nothing."""

    minutes_unseen: int
    by: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class Unseen:
    """One time that somebody left unseen: how many minutes short that was noticed, every try since, the coming back."""

    visit_id: UUID
    person_id: UUID
    ticket_number: int
    minutes_short: int
    noted_by: UUID
    noted_at: datetime
    words: str = field(repr=False)
    tries: Sequence[Try]
    came_back: CameBack | None = None

    @property
    def is_reached(self) -> bool:
        """Whether somebody spoke with them, or saw them again."""
        return self.came_back is not None or any(one.outcome is not FollowUp.NOT_REACHED for one in self.tries)
