"""How a day flows: waits, idle benches, the forecast of its end, and the picture of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.floor.drawing import FRAME, drawn
from clinic_server.floor.rules import (
    IDLE_AFTER,
    Needle,
    Pace,
    Quarter,
    ToNeedle,
    benches_of,
    over_at,
    quarters_of,
    to_needle,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, MINUTE, WATCH = timedelta(hours=1), timedelta(minutes=1), timedelta(minutes=30)


def needle(waited_min: float, ago_min: float = 1, vaccinator: str = "a") -> Needle:
    given_at = NOW - ago_min * MINUTE
    return Needle(vaccinator, given_at - waited_min * MINUTE, given_at)


def test_the_median_and_the_ninth_decile_are_minutes_somebody_waited() -> None:
    assert to_needle([]) is None
    assert to_needle([needle(7.2)]) == ToNeedle(8, 8)
    assert to_needle([needle(minutes) for minutes in (10, 1, 9, 2, 8, 3, 7, 4, 6, 5)]) == ToNeedle(5, 9)


def test_the_wait_is_that_to_everybodys_first_needle() -> None:
    further = replace(needle(90), is_further=True)
    assert to_needle([needle(4), further]) == ToNeedle(4, 4)
    assert to_needle([further]) is None


@given(st.lists(st.integers(0, 300), min_size=1))
def test_half_and_nine_of_ten_waited_no_longer_than_told(waits: list[int]) -> None:
    told = to_needle([needle(minutes) for minutes in waits])
    assert told is not None
    assert 2 * sum(minutes <= told.median_min for minutes in waits) >= len(waits)
    assert 10 * sum(minutes <= told.ninth_decile_min for minutes in waits) >= 9 * len(waits)
    assert {told.median_min, told.ninth_decile_min} <= set(waits)


def test_a_bench_is_idle_when_people_wait_and_it_gave_nothing_for_a_while() -> None:
    after_min = IDLE_AFTER / MINUTE
    needles = [needle(5, after_min, "a"), needle(5, after_min + 1, "b"), needle(5, after_min + 9, "b")]
    at = {"bench-1": ["a"], "bench-2": ["b"], "bench-3": ["c"]}
    assert [one.is_idle for one in benches_of(at, needles, NOW, is_waited_for=True)] == [False, True, True]
    assert not any(one.is_idle for one in benches_of(at, needles, NOW, is_waited_for=False))
    last = [one.last_given_at for one in benches_of(at, needles, NOW, is_waited_for=True)]
    assert last == [NOW - IDLE_AFTER, NOW - IDLE_AFTER - MINUTE, None]


@pytest.mark.parametrize(
    ("before_needle", "pace", "seated_for_min", "told_min"),
    [
        (0, Pace(0, HOUR), 0, 0),
        (0, Pace(0, HOUR), 12, 12),
        (60, Pace(60, HOUR), 12, 90),
        (1, Pace(60, HOUR), 29, 31),
        (1, Pace(60, HOUR), 45, 45),
        (30, Pace(10, HOUR / 4), 0, 75),
    ],
)
def test_the_end_is_foreseen_from_who_waits_and_the_pace_of_late(
    before_needle: int, pace: Pace, seated_for_min: int, told_min: int
) -> None:
    assert over_at(NOW, before_needle, pace, NOW + seated_for_min * MINUTE, WATCH) == NOW + told_min * MINUTE


def test_nobody_foresees_an_end_while_people_wait_and_nothing_is_given() -> None:
    assert over_at(NOW, 1, Pace(0, HOUR), NOW, WATCH) is None


@given(st.integers(1, 5000), st.integers(1, 2000), st.integers(0, 120))
def test_more_who_wait_or_a_slower_pace_never_make_it_sooner(waiting: int, doses: int, seated_min: int) -> None:
    def told(before_needle: int, given_lately: int) -> datetime:
        at = over_at(NOW, before_needle, Pace(given_lately, HOUR), NOW + seated_min * MINUTE, WATCH)
        assert at is not None
        return at

    assert told(waiting, doses) >= NOW + WATCH
    assert told(waiting + 1, doses) >= told(waiting, doses) >= told(waiting, doses + 1)


def test_the_day_has_every_quarter_from_the_first_until_now() -> None:
    assert quarters_of({}, {}, {}, 0) == ()
    told = quarters_of({10: 3}, {12: 2}, {}, 14 * 900 + 5)
    assert told == [Quarter(9000, 3), Quarter(9900), Quarter(10800, 0, 2), Quarter(11700), Quarter(12600)]


@given(st.lists(st.tuples(*[st.integers(0, 900)] * 3), min_size=1, max_size=96))
def test_every_column_and_line_stays_on_the_sheet(counts: list[tuple[int, int, int]]) -> None:
    drawing = drawn([Quarter(place * 900, *one) for place, one in enumerate(counts)])
    assert drawing is not None
    for column in drawing.columns:
        assert FRAME.left <= column.x <= column.x + column.width <= FRAME.right
        assert FRAME.top <= column.y <= FRAME.bottom
        assert column.y + column.height == pytest.approx(FRAME.bottom)
    points = [tuple(map(float, one.split(","))) for one in drawing.came[1:].split("L")]
    assert len(points) == 2 * len(counts)
    assert all(FRAME.left <= x <= FRAME.right and FRAME.top <= y <= FRAME.bottom for x, y in points)
    assert drawing.counts[0].at == FRAME.bottom
    assert max(max(one) for one in counts) <= drawing.counts[-1].value


def test_nothing_is_drawn_of_a_day_on_which_nothing_happened() -> None:
    assert drawn([]) is None
