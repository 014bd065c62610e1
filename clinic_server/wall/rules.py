"""What the public wall shows: tickets, masked names, stations and minutes, nothing else."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from math import ceil
from operator import itemgetter
from typing import Final, TypeVar

from clinic_server.cold_chain.rules import Condition
from clinic_server.kit.errors import NotFound, NotPermitted
from clinic_server.people.rules import mask_name
from clinic_server.staff.rules import StationKind
from clinic_server.visits.flow import Stage

T = TypeVar("T")
WAITING_STAGES = (
    Stage.WAITING_FOR_SCREENING,
    Stage.WAITING_FOR_DECISION,
    Stage.WAITING_FOR_CONSENT,
    Stage.WAITING_FOR_INJECTION,
)
PAGE_TURNS_AFTER_S: Final = 10


class Part(StrEnum):
    """What one display shows of the wall: all of it, or what its own area needs, larger and with more on a page."""

    ALL = "all"
    WAITING = "waiting"
    OBSERVED = "observed"


class Density(StrEnum):
    """How close the seats stand; the last of them leaves the names out."""

    ROOMY = "roomy"
    DENSE = "dense"
    CROWDED = "crowded"


@dataclass(frozen=True, slots=True)
class Layout:
    """How many seats, and how many tickets that may leave, have room at once."""

    seats: int
    may_leave: int


BESIDE_THE_QUEUES: Final[Mapping[Density, Layout]] = {
    Density.ROOMY: Layout(12, 8),
    Density.DENSE: Layout(27, 10),
    Density.CROWDED: Layout(45, 14),
}
ALONE: Final[Mapping[Density, Layout]] = {
    Density.ROOMY: Layout(24, 16),
    Density.DENSE: Layout(54, 20),
    Density.CROWDED: Layout(81, 28),
}
MOST_CALLED: Final[Mapping[Part, int]] = {Part.ALL: 4, Part.WAITING: 8, Part.OBSERVED: 0}
MOST_WAITING_OF_A_STAGE: Final[Mapping[Part, int]] = {Part.ALL: 4, Part.WAITING: 8, Part.OBSERVED: 0}


class Fridges(StrEnum):
    """What the public is told of the vaccine's cold: that it is in range, or that somebody looks at it."""

    IN_RANGE = "in_range"
    LOOKED_AT = "looked_at"


class WallDisabled(NotFound):
    """The site has set no token for its wall, so there is none."""

    code = "wall_disabled"


class WallTokenWrong(NotPermitted):
    """The address was made for another wall, or the token was changed."""

    code = "wall_token_wrong"


@dataclass(frozen=True, slots=True)
class Sign:
    """What hangs over a station: what is done there, and which of several it is."""

    kind: StationKind
    number: int


@dataclass(frozen=True, slots=True)
class Turn:
    """An open visit before the needle; ``called_to`` is the station it shall come to, if any, since ``called_at``.

    ``sign`` says the same in words, where the station's code can be told in words; ``group`` is the name of the
    class, firm or house they came with.
    """

    ticket_number: int
    name: str = field(repr=False)
    stage: Stage
    called_to: str | None = None
    called_at: datetime | None = None
    sign: Sign | None = None
    group: str | None = None

    @property
    def masked_name(self) -> str:
        """The name as everyone may read it."""
        return mask_name(self.name)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The next tickets of a stage, and how many more stand behind them."""

    stage: Stage
    tickets: Sequence[int]
    more: int


@dataclass(frozen=True, slots=True)
class Seat:
    """Someone under observation; ``is_unproved`` while a nurse looks at them before they go."""

    ticket_number: int
    name: str = field(repr=False)
    minutes_left: int
    is_unproved: bool = False

    @property
    def may_leave(self) -> bool:
        """Whether the exit lets them out by themselves."""
        return not self.minutes_left and not self.is_unproved

    @property
    def masked_name(self) -> str:
        """The name as everyone may read it."""
        return mask_name(self.name)


@dataclass(frozen=True, slots=True)
class Board:
    """The wall at one moment; seats that do not fit take turns, ``page`` of ``pages``.

    ``waits`` has the minutes whoever comes to a stage now will wait, for the stages of which that is known.
    """

    part: Part
    called: Sequence[Turn]
    waiting: Sequence[Waiting]
    may_leave: Sequence[Seat]
    seats: Sequence[Seat]
    observed: int
    density: Density
    page: int
    pages: int
    is_paused: bool = False
    waits: Mapping[Stage, int] = field(default_factory=dict)
    fridges: Fridges | None = None


def check_token(expected: str, given: str) -> None:
    """Refuse a wall that is switched off or whose address holds another token."""
    if not expected:
        raise WallDisabled
    if not compare_digest(expected.encode(), given.encode()):
        raise WallTokenWrong


def board_of(turns: Sequence[Turn], seats: Sequence[Seat], at_s: float, part: Part = Part.ALL) -> Board:
    """Lay out the wall: who is called, who waits, and who sits, the first to leave first; ``at_s`` turns the pages."""
    still = [seat for seat in seats if not seat.may_leave]
    density = density_for(len(still), part)
    layout = layouts_of(part)[density]
    shown, page, pages = page_at(at_s, still, layout.seats)
    may_leave, _, _ = page_at(at_s, [seat for seat in seats if seat.may_leave], layout.may_leave)
    return Board(
        part=part,
        called=_newest_first(turns)[: MOST_CALLED[part]],
        waiting=[_waiting_at(stage, turns, MOST_WAITING_OF_A_STAGE[part]) for stage in WAITING_STAGES],
        may_leave=may_leave,
        seats=shown,
        observed=len(seats),
        density=density,
        page=page,
        pages=pages,
    )


def layouts_of(part: Part) -> Mapping[Density, Layout]:
    """Return the layouts of the seats, the roomiest first."""
    return ALONE if part is Part.OBSERVED else BESIDE_THE_QUEUES


def density_for(seats: int, part: Part) -> Density:
    """Return the roomiest layout that shows all seats at once, or the closest where none does."""
    return next((one for one, layout in layouts_of(part).items() if seats <= layout.seats), Density.CROWDED)


def signs_of(kinds: Mapping[str, StationKind]) -> Mapping[str, Sign]:
    """Return the signs of stations by their codes; one whose kind and last number are another's too keeps its code."""
    numbered = {code: re.search(r"[0-9]+$", code) for code in kinds}
    signs = {code: Sign(kinds[code], int(found[0])) for code, found in numbered.items() if found}
    borne_by = Counter(signs.values())
    return {code: sign for code, sign in signs.items() if borne_by[sign] == 1}


def fridges_told(conditions: Iterable[Condition]) -> Fridges | None:
    """Return what the public is told of the places that have a probe, or None where there is none."""
    known = set(conditions)
    if not known:
        return None
    return Fridges.IN_RANGE if known == {Condition.IN_RANGE} else Fridges.LOOKED_AT


def turn_of(at_s: float, after_s: float, of: int) -> int:
    """Return which of so many things that take turns is shown, from 0."""
    return int(at_s // after_s) % of


def page_at(at_s: float, items: Sequence[T], size: int) -> tuple[Sequence[T], int, int]:
    """Return the items whose turn it is, the number of their page, from 1, and of how many."""
    pages = max(1, ceil(len(items) / size))
    turn = turn_of(at_s, PAGE_TURNS_AFTER_S, pages)
    return items[turn * size : (turn + 1) * size], turn + 1, pages


def _newest_first(turns: Iterable[Turn]) -> Sequence[Turn]:
    called = [(turn.called_at, turn.ticket_number, turn) for turn in turns if turn.called_to and turn.called_at]
    return [turn for _, _, turn in sorted(called, key=itemgetter(0, 1), reverse=True)]


def _waiting_at(stage: Stage, turns: Iterable[Turn], most: int) -> Waiting:
    tickets = [turn.ticket_number for turn in turns if turn.stage is stage and not turn.called_to]
    return Waiting(stage, tickets[:most], max(0, len(tickets) - most))
