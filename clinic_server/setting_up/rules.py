"""The steps from an empty server to a site that may open, in the order in which they are best taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Step(StrEnum):
    """One thing a site needs."""

    NAME = "name"
    STATIONS = "stations"
    LEAD = "lead"
    PHYSICIAN = "physician"
    VACCINATOR = "vaccinator"
    EMERGENCY = "emergency"
    RULE_SET = "rule_set"
    PRODUCTS = "products"
    PLACES = "places"
    PROBES = "probes"
    STOCK = "stock"
    CHANNELS = "channels"
    CONTACTS = "contacts"
    ROSTER = "roster"
    KIT = "kit"
    WALL = "wall"
    BACKUP_KEY = "backup_key"
    BACKUP_MADE = "backup_made"
    RESTORE = "restore"


class StepState(StrEnum):
    """How far a step is; ``BY_HAND`` is one of which this server cannot know."""

    DONE = "done"
    MISSING = "missing"
    BY_HAND = "by_hand"


# Where a step is taken; what stands in the settings has no page.
WHERE: Final = {
    Step.STATIONS: "/staff",
    Step.LEAD: "/staff",
    Step.PHYSICIAN: "/staff",
    Step.VACCINATOR: "/staff",
    Step.EMERGENCY: "/staff",
    Step.RULE_SET: "/rule-sets",
    Step.PRODUCTS: "/stock",
    Step.PLACES: "/cold-chain",
    Step.PROBES: "/cold-chain/probes",
    Step.STOCK: "/receiving",
    Step.CHANNELS: "/paging",
    Step.CONTACTS: "/alerts/contacts",
    Step.ROSTER: "/alerts/roster",
    Step.KIT: "/opening/kit",
    Step.BACKUP_MADE: "/health",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A step, how far it is, and the page on which it is taken, if any."""

    step: Step
    state: StepState
    where: str | None


def checklist(done: Collection[Step]) -> Sequence[Item]:
    """Return every step; those in ``done`` were found to be taken."""
    return [Item(step, _state(step, done), WHERE.get(step)) for step in Step]


def missing(items: Sequence[Item]) -> int:
    """Return how many steps are still to be taken, those not counted of which nobody here can know."""
    return sum(one.state is StepState.MISSING for one in items)


def _state(step: Step, done: Collection[Step]) -> StepState:
    if step is Step.RESTORE:
        return StepState.BY_HAND
    return StepState.DONE if step in done else StepState.MISSING
