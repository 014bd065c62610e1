"""What the public wall shows: tickets, masked names, stations and minutes, nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from math import ceil
from operator import itemgetter
from typing import TypeVar

from clinic_server.kit.errors import NotFound, NotPermitted
from clinic_server.people.rules import mask_name
from clinic_server.visits.flow import Stage

T = TypeVar("T")
WAITING_STAGES = (
    Stage.WAITING_FOR_SCREENING,
    Stage.WAITING_FOR_DECISION,
    Stage.WAITING_FOR_CONSENT,
    Stage.WAITING_FOR_INJECTION,
)
MOST_CALLED = 5
MOST_WAITING_OF_A_STAGE = 8
MOST_MAY_LEAVE = 8
SEATS_ON_A_PAGE = 12
PAGE_TURNS_AFTER = timedelta(seconds=10)


class WallDisabled(NotFound):
    """The site has set no token for its wall, so there is none."""

    code = "wall_disabled"


class WallTokenWrong(NotPermitted):
    """The address was made for another wall, or the token was changed."""

    code = "wall_token_wrong"


@dataclass(frozen=True, slots=True)
class Turn:
    """An open visit before the needle; ``called_to`` is the station it shall come to, if any, since ``called_at``."""

    ticket_number: int
    name: str = field(repr=False)
    stage: Stage
    called_to: str | None = None
    called_at: datetime | None = None

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

    called: Sequence[Turn]
    waiting: Sequence[Waiting]
    may_leave: Sequence[Seat]
    seats: Sequence[Seat]
    page: int
    pages: int
    is_paused: bool = False
    waits: Mapping[Stage, int] = field(default_factory=dict)


def check_token(expected: str, given: str) -> None:
    """Refuse a wall that is switched off or whose address holds another token."""
    if not expected:
        raise WallDisabled
    if not compare_digest(expected.encode(), given.encode()):
        raise WallTokenWrong


def board_of(turns: Sequence[Turn], seats: Sequence[Seat], now: datetime) -> Board:
    """Lay out the wall: who is called, who waits, and who sits, the first to leave first."""
    still, page, pages = page_at(now, [seat for seat in seats if not seat.may_leave], SEATS_ON_A_PAGE)
    return Board(
        called=_newest_first(turns)[:MOST_CALLED],
        waiting=[_waiting_at(stage, turns) for stage in WAITING_STAGES],
        may_leave=[seat for seat in seats if seat.may_leave][-MOST_MAY_LEAVE:],
        seats=still,
        page=page,
        pages=pages,
    )


def page_at(now: datetime, items: Sequence[T], size: int) -> tuple[Sequence[T], int, int]:
    """Return the items whose turn it is, the number of their page, from 1, and of how many."""
    pages = max(1, ceil(len(items) / size))
    turn = int(now.timestamp() // PAGE_TURNS_AFTER.total_seconds()) % pages
    return items[turn * size : (turn + 1) * size], turn + 1, pages


def _newest_first(turns: Iterable[Turn]) -> Sequence[Turn]:
    called = [(turn.called_at, turn.ticket_number, turn) for turn in turns if turn.called_to and turn.called_at]
    return [turn for _, _, turn in sorted(called, key=itemgetter(0, 1), reverse=True)]


def _waiting_at(stage: Stage, turns: Iterable[Turn]) -> Waiting:
    tickets = [turn.ticket_number for turn in turns if turn.stage is stage and not turn.called_to]
    return Waiting(stage, tickets[:MOST_WAITING_OF_A_STAGE], max(0, len(tickets) - MOST_WAITING_OF_A_STAGE))
