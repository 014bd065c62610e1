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


@dataclass(frozen=True, slots=True)
class Try:
    """One try to reach somebody."""

    outcome: FollowUp
    by: UUID
    at: datetime
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Unseen:
    """Somebody who left unseen, how many minutes before their time was over that was noticed, and every try since."""

    visit_id: UUID
    person_id: UUID
    ticket_number: int
    minutes_short: int
    noted_by: UUID
    noted_at: datetime
    words: str = field(repr=False)
    tries: Sequence[Try]

    @property
    def is_reached(self) -> bool:
        """Whether somebody spoke with them, or saw them again."""
        return any(one.outcome is not FollowUp.NOT_REACHED for one in self.tries)
