"""The wall at its edges: which page of how many, ties, and how many more wait."""

from clinic_server.visits.flow import Stage
from clinic_server.wall.rules import (
    BESIDE_THE_QUEUES,
    MOST_WAITING_OF_A_STAGE,
    PAGE_TURNS_AFTER_S,
    Density,
    Part,
    Seat,
    board_of,
)
from tests.rules.test_wall import AT_S, waiting

MOST = BESIDE_THE_QUEUES[Density.CROWDED].seats
MOST_WAITING = MOST_WAITING_OF_A_STAGE[Part.ALL]


def test_the_board_says_which_page_of_seats_it_shows() -> None:
    seats = [Seat(number, "王小明", 5) for number in range(2 * MOST + 1)]
    turns = [board_of([], seats, AT_S + PAGE_TURNS_AFTER_S * turn) for turn in range(3)]
    assert {board.page for board in turns} == {1, 2, 3}
    assert {board.pages for board in turns} == {3}


def test_a_page_stays_until_its_time_is_over() -> None:
    seats = [Seat(number, "王小明", 5) for number in range(2 * MOST)]
    begins = AT_S - AT_S % PAGE_TURNS_AFTER_S
    shown = {board_of([], seats, begins + PAGE_TURNS_AFTER_S * part).page for part in (0.0, 0.3, 0.6, 0.9)}
    assert len(shown) == 1


def test_of_two_tickets_called_at_once_the_later_number_stands_first() -> None:
    board = board_of([waiting(number, "bench-1", 1) for number in (1, 3, 2)], [], AT_S)
    assert [turn.ticket_number for turn in board.called] == [3, 2, 1]


def test_nobody_more_waits_than_those_shown_until_there_is_one_more() -> None:
    def more(count: int) -> int:
        queues = board_of([waiting(number) for number in range(count)], [], AT_S).waiting
        return next(queue.more for queue in queues if queue.stage is Stage.WAITING_FOR_INJECTION)

    assert [more(count) for count in (0, MOST_WAITING, MOST_WAITING + 1)] == [0, 0, 1]
