"""The order of a line, which station calls whom, and the station with the least to do."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import Conflict, Refused
from clinic_server.staff.rules import Role, StationKind
from clinic_server.visits.flow import Stage

LANE_PATTERN: Final = r"^[A-Z0-9]{1,4}$"
MOST_LISTED: Final = 25  # more of a stage make a page slow, and nobody reads them


class PriorityReason(StrEnum):
    """Why somebody waits less long than others."""

    ELDERLY = "elderly"
    INFANT = "infant"
    DISABILITY = "disability"
    RETURNED = "returned"
    STAFF_DECISION = "staff_decision"


class NoDosesLeft(Refused):
    """Every dose that could be given is needed by somebody who waits for it already."""

    code = "no_doses_left"


class NobodyWaiting(Conflict):
    """Every ticket at this stage was called already, or none of them is for this station."""

    code = "nobody_waiting"


class StationBusy(Conflict):
    """The station has somebody in hand: ``ticket`` says whom."""

    code = "station_busy"


class NotInHand(Conflict):
    """The visit is not called to this station, or not any more."""

    code = "not_in_hand"


class NoStationOpen(Conflict):
    """Nobody is signed in at a station that serves this stage."""

    code = "no_station_open"


class StationServesNot(Refused):
    """The station is not one where this stage is done."""

    code = "station_serves_not"


class LaneUnknown(Refused):
    """No station of the site belongs to this lane."""

    code = "lane_unknown"


class NoBatches(Refused):
    """The site admits everybody at once, so there is no batch to let in."""

    code = "no_batches"


@dataclass(frozen=True, slots=True)
class Service:
    """Where a stage is done: at which kinds of station, by whom, on the page of its line, on that of one visit."""

    kinds: frozenset[StationKind]
    roles: frozenset[Role]
    page: str
    visit_page: str


AT_DESKS: Final = (Role.REGISTRAR, Role.PHYSICIAN, Role.VACCINATOR)
ON_FLOOR: Final = (Role.SITE_LEAD, Role.ORDER_KEEPER, Role.REGISTRAR)
_DESKS = frozenset({StationKind.REGISTRATION, StationKind.SCREENING, StationKind.CONSENT})
_ASKERS = frozenset({Role.REGISTRAR, Role.PHYSICIAN})
SERVED: Mapping[Stage, Service] = {
    Stage.WAITING_FOR_SCREENING: Service(_DESKS, _ASKERS, "/screening", "/screening"),
    Stage.WAITING_FOR_DECISION: Service(_DESKS, frozenset({Role.PHYSICIAN}), "/screening", "/decision"),
    Stage.WAITING_FOR_CONSENT: Service(_DESKS, _ASKERS, "/consent", "/consent"),
    Stage.WAITING_FOR_INJECTION: Service(
        frozenset({StationKind.INJECTION}), frozenset({Role.VACCINATOR}), "/bench", "/injection"
    ),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody in line at a stage.

    ``since_at`` is when they came to it. Who was passed over counts as waiting since ``passed_to_at`` instead, and
    ``passed_seq`` is the journal line that says so (0: never). ``is_held`` while their batch is not let in; ``group``
    is the name of those they came with.
    """

    visit_id: UUID
    ticket_number: int
    stage: Stage
    since_at: datetime
    called_to: str | None = None
    called_at: datetime | None = None
    lane: str | None = None
    batch: int | None = None
    is_held: bool = False
    priority: PriorityReason | None = None
    passed_to_at: datetime | None = None
    passed_seq: int = 0
    product_code: str | None = None
    group: str | None = None

    @property
    def is_callable(self) -> bool:
        """Whether a station may call them now."""
        return self.called_to is None and not self.is_held


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a new ticket stands: its lane, and the batch it comes in with (None: at once)."""

    lane: str
    batch: int | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """A station that serves a stage: the lane it belongs to, and the products in its box (of benches only)."""

    code: str
    lane: str | None = None
    products: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DosesPromised:
    """How many wait for a dose, and how many doses there are; ``overbook`` tickets more are given on hope."""

    waiting: int
    usable: int
    overbook: int


def refuse_without_dose(promised: DosesPromised | None) -> None:
    """Raise unless one more ticket is covered; None: the site gives tickets without counting doses."""
    if promised and promised.waiting >= promised.usable + promised.overbook:
        raise NoDosesLeft(waiting=promised.waiting, usable=promised.usable)


def priority_by_age(age_years: int, elderly_from_years: int, infants_below_years: int) -> PriorityReason | None:
    """Return why somebody goes first by their age alone, if so; 0 switches an age off.

    Sixty is where the law on the rights of older people begins (老年人权益保障法, Arts. 2 and 57); the other is custom.
    """
    if age_years < infants_below_years:
        return PriorityReason.INFANT
    return PriorityReason.ELDERLY if 0 < elderly_from_years <= age_years else None


def stands_from(place: Place, head_start: timedelta) -> datetime:
    """Return since when somebody counts as waiting; whoever is passed over loses their head start at this stage.

    Priority is a head start and not a rank, so that nobody is overtaken by people who come much later.
    """
    if place.passed_to_at is not None:
        return place.passed_to_at
    return place.since_at - head_start if place.priority else place.since_at


def in_order(places: Iterable[Place], head_start: timedelta) -> Sequence[Place]:
    """Return the line, the first to be called first; at one instant, who was passed over stands behind the others."""
    return sorted(
        places,
        key=lambda place: (stands_from(place, head_start), place.passed_seq, place.ticket_number, place.visit_id),
    )


def front_of(line: Iterable[Place]) -> Sequence[Place]:
    """Return the front of a line: of each stage as many as a page lists unless the whole line is asked for."""
    counts: dict[Stage, int] = {}
    front = []
    for place in line:
        counts[place.stage] = counts.get(place.stage, 0) + 1
        if counts[place.stage] <= MOST_LISTED:
            front.append(place)
    return front


def place_after_pass(
    passed: Place, others: Iterable[Place], behind: int, head_start: timedelta, now: datetime
) -> datetime:
    """Return since when somebody passed over counts as waiting: behind the next so many of those not called yet."""
    waiting = [one for one in in_order(others, head_start) if one.is_callable and one.visit_id != passed.visit_id]
    ahead = stands_from(waiting[behind - 1], head_start) if len(waiting) >= behind else now
    return max(ahead, stands_from(passed, head_start))


def fitting(place: Place, counters: Iterable[Counter]) -> Sequence[Counter]:
    """Return the stations that may call somebody: of their lane and with their vaccine, as far as such a one is open.

    A lane yields before a vaccine does, and both before a person: of the stations open, there is always one.
    """
    known = list(counters)
    with_vaccine = [one for one in known if place.product_code is None or place.product_code in one.products]
    in_lane = [one for one in known if _is_in_lane(place, one)]
    of_both = [one for one in with_vaccine if one in in_lane]
    return of_both or with_vaccine or in_lane or known


def next_for(
    here: Counter, places: Iterable[Place], counters: Iterable[Counter], head_start: timedelta
) -> Place | None:
    """Return whom a station calls next, None when nobody who waits is for it; it counts as open itself."""
    is_open = [here, *(one for one in counters if one.code != here.code)]
    line = (place for place in in_order(places, head_start) if place.is_callable)
    return next((place for place in line if here in fitting(place, is_open)), None)


def least_loaded(place: Place, counters: Iterable[Counter], load: Mapping[str, int]) -> Counter:
    """Return the station for somebody that has the fewest people called to it, or raise NoStationOpen."""
    may_take = fitting(place, counters)
    if not may_take:
        raise NoStationOpen
    return min(may_take, key=lambda one: (load.get(one.code, 0), one.code))


def lane_to_join(own_lane: str | None, lanes: AbstractSet[str], people_in: Mapping[str, int]) -> str | None:
    """Return the lane of a new ticket: its desk's own, else the one with the fewest people, None without lanes."""
    if own_lane is not None or not lanes:
        return own_lane
    return min(lanes, key=lambda lane: (people_in.get(lane, 0), lane))


def batch_of(tickets_before: int, batch_size: int) -> int | None:
    """Return the batch of a lane's next ticket, the first being 1; None where everybody is let in at once."""
    return tickets_before // batch_size + 1 if batch_size else None


def people_ahead(line: Sequence[Place]) -> Mapping[UUID, int]:
    """Return how many of those not called yet stand before each of them; ``line`` is in order."""
    return {place.visit_id: number for number, place in enumerate(one for one in line if one.called_to is None)}


def _is_in_lane(place: Place, counter: Counter) -> bool:
    return place.lane is None or counter.lane is None or place.lane == counter.lane
