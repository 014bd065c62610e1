"""The public wall: who is on it, how little of them, and whose turn it is to be shown."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.cold_chain.rules import Condition
from clinic_server.staff.rules import StationKind
from clinic_server.visits.flow import Stage
from clinic_server.wall.rules import (
    MOST_WAITING_OF_A_STAGE,
    Density,
    Fridges,
    Part,
    Seat,
    Sign,
    Turn,
    WallDisabled,
    WallTokenWrong,
    board_of,
    check_token,
    density_for,
    fridges_told,
    layouts_of,
    page_at,
    signs_of,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT_S = 1000.0


def waiting(ticket_number: int, called_to: str | None = None, minutes_ago: int = 0) -> Turn:
    called_at = NOW - timedelta(minutes=minutes_ago) if called_to else None
    return Turn(ticket_number, "王小明", Stage.WAITING_FOR_INJECTION, called_to, called_at)


def test_a_called_ticket_leaves_the_queue_and_names_its_station() -> None:
    board = board_of([waiting(1), waiting(2, "bench-1")], [], AT_S)
    assert [(turn.ticket_number, turn.called_to) for turn in board.called] == [(2, "bench-1")]
    assert [queue.tickets for queue in board.waiting if queue.stage is Stage.WAITING_FOR_INJECTION] == [[1]]


def test_the_newest_calls_stand_first_and_older_ones_give_way() -> None:
    turns = [
        waiting(number, "bench-1", minutes_ago) for number, minutes_ago in ((1, 3), (2, 9), (3, 1), (4, 4), (5, 2))
    ]
    board = board_of([*turns, waiting(6, "bench-2", 20)], [], AT_S)
    assert [turn.ticket_number for turn in board.called] == [3, 5, 1, 4]


def test_a_long_queue_says_how_many_more_stand_behind() -> None:
    board = board_of([waiting(number) for number in range(1, 13)], [], AT_S)
    queue = board.waiting[-1]
    assert (len(queue.tickets), queue.more) == (
        MOST_WAITING_OF_A_STAGE[Part.ALL],
        12 - MOST_WAITING_OF_A_STAGE[Part.ALL],
    )


def test_only_who_has_no_minute_left_may_leave() -> None:
    board = board_of([], [Seat(1, "王小明", 0), Seat(2, "李雷", 1)], AT_S)
    assert [seat.ticket_number for seat in board.may_leave] == [1]
    assert [seat.ticket_number for seat in board.seats] == [2]


def test_whom_a_nurse_looks_at_first_is_not_called_to_the_exit() -> None:
    board = board_of([], [Seat(1, "王小明", 0, is_unproved=True), Seat(2, "李雷", 0)], AT_S)
    assert [seat.ticket_number for seat in board.may_leave] == [2]
    assert [seat.ticket_number for seat in board.seats] == [1]


def test_a_station_is_told_in_words_unless_two_would_be_called_the_same() -> None:
    bench = StationKind.INJECTION
    kinds = {"bench-1": bench, "bench-02": bench, "left-2": bench, "desk-1": StationKind.REGISTRATION, "kiosk": bench}
    told = signs_of(kinds)
    assert told == {"bench-1": Sign(bench, 1), "desk-1": Sign(StationKind.REGISTRATION, 1)}


def test_names_are_masked() -> None:
    assert Seat(1, "欧阳静", 3).masked_name == "欧*静"
    assert waiting(1).masked_name == "王*明"


def test_seats_that_do_not_fit_take_turns_until_everyone_was_shown() -> None:
    seats = [Seat(number, "王小明", 5) for number in range(30)]
    shown = [page_at(AT_S + 10 * turn, seats, 12) for turn in range(3)]
    assert sorted(seat.ticket_number for items, _, _ in shown for seat in items) == list(range(30))
    assert {pages for _, _, pages in shown} == {3}
    assert {page for _, page, _ in shown} == {1, 2, 3}


def test_an_empty_list_has_one_empty_page() -> None:
    assert page_at(AT_S, [], 12) == ([], 1, 1)


@pytest.mark.parametrize(("expected", "given"), [("secret", ""), ("secret", "secre"), ("秘密", "secret")])
def test_another_token_opens_nothing(expected: str, given: str) -> None:
    with pytest.raises(WallTokenWrong):
        check_token(expected, given)


def test_without_a_token_in_the_settings_there_is_no_wall() -> None:
    with pytest.raises(WallDisabled):
        check_token("", "")


@given(st.integers(0, 400), st.sampled_from(Part), st.integers(0, 40))
def test_whoever_sits_is_shown_once_in_a_round_of_the_pages(sitting: int, part: Part, leaving: int) -> None:
    seats = [Seat(number, "王小明", 0 if number < leaving else 5) for number in range(sitting)]
    first = board_of([], seats, 0.0, part)
    rounds = [board_of([], seats, 10.0 * turn, part) for turn in range(max(first.pages, 7))]
    shown = [seat.ticket_number for board in rounds[: first.pages] for seat in board.seats]
    assert sorted(shown) == [seat.ticket_number for seat in seats if not seat.may_leave]
    assert {seat.ticket_number for board in rounds for seat in board.may_leave} == set(range(min(leaving, sitting)))
    assert first.observed == sitting


@pytest.mark.parametrize("part", Part)
def test_seats_stand_closer_only_when_they_must(part: Part) -> None:
    most = {density: layout.seats for density, layout in layouts_of(part).items()}
    assert list(most) == list(Density)
    for density, seats in most.items():
        assert density_for(seats, part) is density
        assert density_for(seats + 1, part) is list(Density)[min(2, list(Density).index(density) + 1)]


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ([], None),
        ([Condition.IN_RANGE, Condition.IN_RANGE], Fridges.IN_RANGE),
        *(([Condition.IN_RANGE, one], Fridges.LOOKED_AT) for one in Condition if one is not Condition.IN_RANGE),
    ],
)
def test_the_public_hears_only_that_the_fridges_are_in_range_or_looked_at(
    conditions: list[Condition], told: Fridges | None
) -> None:
    assert fridges_told(conditions) is told
