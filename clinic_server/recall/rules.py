"""What a recall may be about, what came of a call, and who may destroy what: pure questions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.staff.rules import Role
from clinic_server.stock.rules import StopScope

CALLERS = frozenset({Role.PHYSICIAN, Role.SITE_LEAD, Role.REGISTRAR})
BEGINNERS = frozenset({Role.PHYSICIAN, Role.SITE_LEAD, Role.COLD_CHAIN_KEEPER})
RECALLABLE: Final = (StopScope.UNIT, StopScope.LOT, StopScope.PRODUCT)  # a bench or a site is stopped


class CallOutcome(StrEnum):
    """What came of telling one person."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"
    WRONG_NUMBER = "wrong_number"
    WILL_COME = "will_come"
    DECLINED = "declined"
    HAS_REACTION = "has_reaction"

    @property
    def is_told(self) -> bool:
        """Whether the person knows now."""
        return self not in {CallOutcome.NOT_REACHED, CallOutcome.WRONG_NUMBER}


class RecallUnknown(NotFound):
    """No recall has this id."""

    code = "recall_unknown"


class RecallIsOfUnits(Refused):
    """A unit, a lot or a product is recalled, never the whole site."""

    code = "recall_is_of_units"


class AlreadyRecalled(Conflict):
    """The same thing is being recalled already."""

    code = "already_recalled"


class PersonNotInRecall(Refused):
    """This person was given nothing of what is recalled."""

    code = "person_not_in_recall"


class DestructionUnknown(NotFound):
    """No destruction has this id."""

    code = "destruction_unknown"


class DestructionDone(Conflict):
    """The destruction was signed by both before."""

    code = "destruction_done"


class DestructionNeedsSecond(Refused):
    """Who proposed a destruction does not sign it as the second person too."""

    code = "destruction_needs_second"


class UnitStillGood(Refused):
    """Only what is held, stopped or expired is destroyed."""

    code = "unit_still_good"


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the telling has come."""

    people: int
    told: int

    @property
    def open(self) -> int:
        """How many do not know yet."""
        return self.people - self.told


@dataclass(frozen=True, slots=True)
class GivenTo:
    """Somebody who was given what is recalled; ``outcome`` is the latest of the calls."""

    person_id: UUID
    dose_id: UUID
    unit_id: UUID
    given_at: datetime
    outcome: CallOutcome | None = field(default=None)


def reached(people: Iterable[GivenTo]) -> Reached:
    """Count people, never doses."""
    outcomes: dict[UUID, bool] = {}
    for one in people:
        outcomes[one.person_id] = one.outcome is not None and one.outcome.is_told
    return Reached(len(outcomes), sum(outcomes.values()))


def refuse_unrecallable(scope: StopScope) -> None:
    """Raise unless something was given that could be called back."""
    if scope not in RECALLABLE:
        raise RecallIsOfUnits


def refuse_same_signature(proposed_by: UUID, confirmed_by: UUID) -> None:
    """Raise unless two people sign a destruction."""
    if proposed_by == confirmed_by:
        raise DestructionNeedsSecond
