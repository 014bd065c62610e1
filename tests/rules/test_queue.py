"""The line as pure rules: whoever comes and whatever stations open, everybody is called, and nobody twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinic_server.queue.pace import pace, wait_minutes
from clinic_server.queue.rules import (
    Counter,
    NoStationOpen,
    Place,
    PriorityReason,
    batch_of,
    fitting,
    in_order,
    lane_to_join,
    least_loaded,
    next_for,
    people_ahead,
    place_after_pass,
    priority_by_age,
    stands_from,
)
from clinic_server.visits.flow import Stage

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
HEAD_START = timedelta(minutes=30)
UNHURRIED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine
LANES = st.sampled_from([None, "A", "B"])
PRODUCTS = st.sampled_from([None, "x", "y"])


def a_place(number: int, minutes: int, **facts: object) -> Place:
    """Somebody who came so many minutes ago."""
    known = Place(UUID(int=number), number, Stage.WAITING_FOR_INJECTION, NOW - timedelta(minutes=minutes))
    return replace(known, **facts)  # type: ignore[arg-type]  # the tests' own keywords


@st.composite
def lines(draw: st.DrawFn, most: int = 6) -> list[Place]:
    """People of every lane, some of them first, some passed over already."""
    people = []
    for number in range(1, draw(st.integers(1, most)) + 1):
        minutes = draw(st.integers(0, 90))
        passed = draw(st.none() | st.integers(0, minutes))
        people.append(
            a_place(
                number,
                minutes,
                lane=draw(LANES),
                product_code=draw(PRODUCTS),
                priority=draw(st.none() | st.sampled_from(PriorityReason)),
                passed_to_at=None if passed is None else NOW - timedelta(minutes=passed),
                passed_seq=0 if passed is None else number + draw(st.integers(0, 3)) * 100,
            )
        )
    return people


counters = st.lists(
    st.builds(Counter, st.sampled_from(["b1", "b2", "b3", "b4"]), LANES, st.frozensets(st.sampled_from(["x", "y"]))),
    min_size=1,
    max_size=4,
    unique_by=lambda counter: counter.code,
)


@UNHURRIED
@given(lines(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_the_line_was_read(line: list[Place], random: object) -> None:
    shuffled = list(line)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' own Random
    assert in_order(line, HEAD_START) == in_order(shuffled, HEAD_START)


@UNHURRIED
@given(lines(), counters)
def test_open_stations_call_everybody_once_and_leave_nobody(line: list[Place], open_here: list[Counter]) -> None:
    called: list[UUID] = []
    while calls := [(here, one) for here in open_here if (one := next_for(here, line, open_here, HEAD_START))]:
        station, chosen = calls[0]
        called.append(chosen.visit_id)
        line = [replace(one, called_to=station.code) if one is chosen else one for one in line]
    assert sorted(called) == sorted(one.visit_id for one in line)


@UNHURRIED
@given(lines(), counters)
def test_a_station_calls_the_first_of_those_it_may_call(line: list[Place], open_here: list[Counter]) -> None:
    here = open_here[0]
    chosen = next_for(here, line, open_here, HEAD_START)
    mine = [one for one in in_order(line, HEAD_START) if here in fitting(one, open_here)]
    assert chosen == (mine[0] if mine else None)


@UNHURRIED
@given(lines(), counters)
def test_lane_and_vaccine_bind_while_a_station_of_both_is_open(line: list[Place], open_here: list[Counter]) -> None:
    for one in line:
        may_call = fitting(one, open_here)
        with_vaccine = [here for here in open_here if one.product_code in {None, *here.products}]
        of_both = [here for here in with_vaccine if one.lane is None or here.lane in {None, one.lane}]
        assert may_call
        if with_vaccine:
            assert set(may_call) <= set(with_vaccine)
        if of_both:
            assert may_call == of_both


@UNHURRIED
@given(st.integers(31, 300), st.integers(0, 300))
def test_nobody_is_overtaken_by_who_comes_later_than_the_head_start(first: int, gap: int) -> None:
    before = a_place(1, first + gap)
    later = a_place(2, first - 31, priority=PriorityReason.ELDERLY)
    assert [one.ticket_number for one in in_order([later, before], HEAD_START)] == [1, 2]


def test_priority_is_a_head_start() -> None:
    ordinary, elderly = a_place(1, 20), a_place(2, 1, priority=PriorityReason.ELDERLY)
    assert in_order([ordinary, elderly], HEAD_START)[0] is elderly
    assert in_order([ordinary, elderly], timedelta())[0] is ordinary


@UNHURRIED
@given(lines(), st.integers(1, 5), st.data())
def test_who_is_passed_over_stands_behind_the_next_few(line: list[Place], behind: int, data: st.DataObject) -> None:
    passed = data.draw(st.sampled_from(line))
    order = in_order(line, HEAD_START)
    others = [one for one in order if one is not passed]
    at = place_after_pass(passed, line, behind, HEAD_START, NOW)
    moved = replace(passed, passed_to_at=at, passed_seq=10_000)
    after = in_order([moved, *others], HEAD_START)
    assert after.index(moved) >= min(behind, len(others))
    assert after.index(moved) >= order.index(passed)  # passing is never an advantage
    assert set(others[: min(behind, len(others))]) <= set(after[: after.index(moved)])


def test_who_is_passed_over_stands_exactly_three_behind_in_an_ordinary_line() -> None:
    line = [a_place(number, 60 - number) for number in range(1, 8)]
    at = place_after_pass(line[0], line, 3, HEAD_START, NOW)
    moved = replace(line[0], passed_to_at=at, passed_seq=9)
    after = [one.ticket_number for one in in_order([moved, *line[1:]], HEAD_START)]
    assert after == [2, 3, 4, 1, 5, 6, 7]


@pytest.mark.parametrize(
    ("age", "reason"),
    [(0, PriorityReason.INFANT), (1, None), (59, None), (60, PriorityReason.ELDERLY), (101, PriorityReason.ELDERLY)],
)
def test_the_very_young_and_the_old_go_first_by_themselves(age: int, reason: PriorityReason | None) -> None:
    assert priority_by_age(age, 60, 1) is reason
    assert priority_by_age(age, 0, 0) is None


def test_priority_ends_where_somebody_did_not_come() -> None:
    absent = a_place(1, 10, priority=PriorityReason.INFANT)
    others = [a_place(number, 9) for number in (2, 3)]
    at = place_after_pass(absent, [absent, *others], 1, HEAD_START, NOW)
    moved = replace(absent, passed_to_at=at, passed_seq=5)
    assert stands_from(moved, HEAD_START) == NOW - timedelta(minutes=9)
    assert [one.ticket_number for one in in_order([moved, *others], HEAD_START)] == [2, 3, 1]


def test_a_batch_not_let_in_is_called_by_nobody() -> None:
    held = a_place(1, 10, is_held=True)
    assert next_for(Counter("b1"), [held, a_place(2, 1)], [], HEAD_START) == a_place(2, 1)
    assert next_for(Counter("b1"), [held], [], HEAD_START) is None


def test_the_bench_with_the_fewest_people_of_those_with_the_vaccine_is_chosen() -> None:
    has_x = frozenset({"x"})
    benches = [Counter("b1", None, has_x), Counter("b2", None, has_x), Counter("b3", None, frozenset({"y"}))]
    wants_x = a_place(1, 5, product_code="x")
    assert least_loaded(wants_x, benches, {"b1": 2, "b2": 1}).code == "b2"
    assert least_loaded(wants_x, benches, {"b1": 1, "b2": 1}).code == "b1"
    with pytest.raises(NoStationOpen):
        least_loaded(wants_x, [], {})


def test_a_ticket_joins_the_lane_of_its_desk_or_the_emptier_one() -> None:
    assert lane_to_join("B", {"A", "B"}, {"B": 9}) == "B"
    assert lane_to_join(None, {"A", "B"}, {"A": 3, "B": 2}) == "B"
    assert lane_to_join(None, {"A", "B"}, {}) == "A"
    assert lane_to_join(None, frozenset(), {}) is None


def test_batches_fill_one_after_the_other() -> None:
    assert [batch_of(before, 3) for before in range(7)] == [1, 1, 1, 2, 2, 2, 3]
    assert batch_of(5, 0) is None


def test_only_those_who_wait_to_be_called_are_ahead() -> None:
    line = [a_place(1, 9, called_to="b1"), a_place(2, 8), a_place(3, 7)]
    assert people_ahead(line) == {UUID(int=2): 0, UUID(int=3): 1}


def ago(*minutes: int) -> list[datetime]:
    return [NOW - timedelta(minutes=one) for one in minutes]


def test_the_wait_is_told_from_the_day_s_own_pace() -> None:
    every_two = pace(ago(2, 4, 6, 8, 10), NOW)
    assert every_two == timedelta(minutes=2)
    assert [wait_minutes(ahead, every_two) for ahead in (0, 1, 2, 9)] == [5, 5, 10, 20]


def test_the_wait_is_not_known_before_five_were_served_within_the_hour() -> None:
    assert pace(ago(2, 4, 6, 8), NOW) is None
    assert pace(ago(2, 4, 6, 8, 61), NOW) is None
    assert wait_minutes(3, None) is None


def test_a_stage_that_stands_still_is_seen_to() -> None:
    assert pace(ago(40, 41, 42, 43, 44), NOW) == timedelta(minutes=44) / 5


@UNHURRIED
@given(st.lists(st.integers(0, 59), min_size=5, max_size=60), st.integers(0, 50))
def test_a_longer_line_never_waits_less(minutes: list[int], ahead: int) -> None:
    known = pace(ago(*minutes), NOW)
    shorter, longer = wait_minutes(ahead, known), wait_minutes(ahead + 1, known)
    assert shorter is not None
    assert longer is not None
    assert 5 <= shorter <= longer
