"""Courses: spans and who stood in them, the site's calendar, and where everything is drawn."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.cold_chain import profiles
from clinic_server.cold_chain.course import calendar
from clinic_server.cold_chain.course.calendar import Unit, by_offset, lines_of, offset_ms, ticks_of, unit_of, unix_ms
from clinic_server.cold_chain.course.drawing import FRAME, line_of, sheet_of, stripe_of
from clinic_server.cold_chain.course.rules import (
    DAY_MS,
    HOUR_MS,
    Bounds,
    Grain,
    Piece,
    Span,
    Stay,
    TimeSpent,
    gaps_between,
    grain_of,
    joined,
    percent,
    pieces_in,
    stays_in,
    with_ends,
)
from clinic_server.cold_chain.judging import Gap

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
FRIDGE = Bounds(2_000, 8_000, 180_000)
MINUTE_MS = 60_000
START = unix_ms(datetime(2026, 3, 1, 16, tzinfo=UTC))  # midnight in Shanghai
PROFILES = ("cn-clinic-2-8", "freezer-20", "ult")


def piece(minute: int, milli_celsius: int = 5_000, highest: int | None = None) -> Piece:
    at = START + minute * MINUTE_MS
    return Piece(at, 1, milli_celsius, milli_celsius, highest or milli_celsius, at, at)


def test_only_what_is_whole_is_a_hundred_percent() -> None:
    assert percent(1.0) == "100.00 %"
    assert percent(0.999999) == "99.99 %"
    assert percent(0.0) == "0.00 %"
    assert percent(0.29) == "29.00 %"


def test_what_is_not_known_is_taken_both_ways() -> None:
    assert TimeSpent(70, 10, 20).shares_in_range == (0.7, 0.9)
    assert TimeSpent(0, 0, 0).shares_in_range is None


@pytest.mark.parametrize(
    ("days", "grain", "width_ms"),
    [
        (0.25, Grain.READINGS, MINUTE_MS),
        (1, Grain.READINGS, 2 * MINUTE_MS),
        (7, Grain.READINGS, 15 * MINUTE_MS),
        (30, Grain.HOURS, HOUR_MS),
        (365, Grain.DAYS, DAY_MS),
        (1827, Grain.DAYS, DAY_MS),
    ],
)
def test_a_longer_span_is_drawn_from_coarser_pieces(days: float, grain: Grain, width_ms: int) -> None:
    assert grain_of(Span(0, int(days * DAY_MS))) == (grain, width_ms)


@given(st.integers(1, 20 * 366 * 24 * 60))
def test_no_chart_has_more_pieces_than_a_screen_can_show(minutes: int) -> None:
    span = Span(0, minutes * MINUTE_MS)
    _, width_ms = grain_of(span)
    assert span.length_ms / width_ms <= max(2_300, span.length_ms / DAY_MS)


def test_a_probe_belongs_to_a_place_only_while_it_stood_there() -> None:
    moves = [
        ("a", "fridge", 10),
        ("b", "freezer", 20),
        ("a", "fridge", 25),  # said again
        ("b", "fridge", 30),
        ("a", None, 40),
        ("b", "freezer", 50),
        ("a", "fridge", 60),
        ("c", "fridge", 100),
    ]
    expected = [Stay("a", Span(15, 40)), Stay("a", Span(60, 80)), Stay("b", Span(30, 50))]
    assert stays_in(moves, "fridge", Span(15, 80)) == expected
    assert stays_in(moves, "cellar", Span(0, 80)) == []
    assert stays_in(moves, "fridge", Span(0, 10)) == []


def test_silence_at_the_ends_is_a_gap_too() -> None:
    span = Span(START, START + 60 * MINUTE_MS)
    inner = Gap(piece(10).at_unix_ms, piece(20).at_unix_ms)
    at = [START + minute * MINUTE_MS for minute in range(61)]
    assert with_ends([], [], span, 180_000) == [Gap(at[0], at[60])]
    assert with_ends([], [piece(3), piece(57)], span, 180_000) == []
    assert with_ends([inner], [piece(4), piece(56)], span, 180_000) == [Gap(at[0], at[4]), inner, Gap(at[56], at[60])]


def test_clocks_put_forward_and_back_split_a_span_where_they_are() -> None:
    span = Span(unix_ms(datetime(2026, 1, 1, tzinfo=UTC)), unix_ms(datetime(2027, 1, 1, tzinfo=UTC)))
    forward, back = (unix_ms(datetime(2026, *day, 1, tzinfo=UTC)) for day in ((3, 29), (10, 25)))
    assert list(by_offset(span, BERLIN)) == [
        (Span(span.from_unix_ms, forward), HOUR_MS),
        (Span(forward, back), 2 * HOUR_MS),
        (Span(back, span.until_unix_ms), HOUR_MS),
    ]
    assert list(by_offset(span, SHANGHAI)) == [(span, 8 * HOUR_MS)]


@given(st.integers(0, 15 * 366 * 24 * 4), st.integers(1, 800))
def test_the_parts_of_a_span_are_whole_and_each_has_one_offset(quarters: int, hours: int) -> None:
    first = unix_ms(datetime(2020, 1, 1, tzinfo=UTC)) + quarters * HOUR_MS // 4
    span = Span(first, first + hours * HOUR_MS)
    parts = list(by_offset(span, BERLIN))
    edges = [part.from_unix_ms for part, _ in parts] + [parts[-1][0].until_unix_ms]
    assert (edges[0], edges[-1]) == (span.from_unix_ms, span.until_unix_ms)
    assert edges == sorted(edges)
    for part, offset in parts:
        for at in (part.from_unix_ms, (part.from_unix_ms + part.until_unix_ms) // 2, part.until_unix_ms - 1):
            assert offset_ms(at, BERLIN) == offset


def test_a_day_with_25_hours_has_25_lines() -> None:
    on = date(2026, 10, 25)
    day = Span(calendar.day_begins(on, BERLIN), calendar.day_begins(on + timedelta(days=1), BERLIN))
    assert len(lines_of(day, Unit.HOUR, BERLIN)) == 25
    assert len(lines_of(day, Unit.DAY, BERLIN)) == 1


@pytest.mark.parametrize("days", [0.25, 1, 3, 7, 14, 30, 92, 365, 366, 1827, 7320])
@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN], ids=str)
def test_an_axis_has_a_few_marks_and_a_table_can_be_read(days: float, zone: ZoneInfo) -> None:
    span = Span(START + 7 * MINUTE_MS, START + 7 * MINUTE_MS + int(days * DAY_MS))
    ticks = ticks_of(span, zone)
    assert 3 <= len(ticks) <= 21
    assert all(span.from_unix_ms <= tick.unix_ms < span.until_unix_ms for tick in ticks)
    assert len(lines_of(span, unit_of(span), zone)) <= 368


def test_midnight_is_told_as_a_date() -> None:
    ticks = ticks_of(Span(START - 6 * HOUR_MS, START + 6 * HOUR_MS), SHANGHAI)
    assert [tick.text for tick in ticks[:8]] == ["18:00", "19:00", "20:00", "21:00", "22:00", "23:00", "03-02", "01:00"]
    assert [tick.text for tick in ticks if tick.is_day] == ["03-02"]


def test_a_line_is_broken_by_a_gap_and_a_lone_reading_still_seen() -> None:
    span = Span(START, START + 60 * MINUTE_MS)
    pieces = [piece(0), piece(1), piece(2), piece(10), piece(30), piece(31)]
    sheet = sheet_of(span, MINUTE_MS, pieces, FRIDGE)
    drawn = line_of(1, "p1", pieces, sheet)
    assert drawn.mean.count("M") == 3
    assert [len(run.split("L")) for run in drawn.mean.split()] == [3, 2, 2]
    assert line_of(1, "p1", [], sheet).mean == ""


@pytest.mark.parametrize("profile", PROFILES)
def test_both_limits_and_every_reading_lie_on_the_sheet(profile: str) -> None:
    bounds = Bounds.of(profiles.profile_of(profile))
    far = [piece(0, bounds.low_milli_celsius - 7_300), piece(1, 0, bounds.high_milli_celsius + 31_000)]
    for pieces in ([], far):
        sheet = sheet_of(Span(START, START + HOUR_MS), MINUTE_MS, pieces, bounds)
        shown = [bounds.low_milli_celsius, bounds.high_milli_celsius]
        shown += [value for one in pieces for value in (one.min_milli_celsius, one.max_milli_celsius)]
        assert all(FRAME.top <= sheet.y(value) <= FRAME.bottom for value in shown)
        assert 3 <= len(sheet.temperatures) <= 11
        assert sheet.y(sheet.temperatures[0]) == FRAME.bottom


def test_a_short_gap_is_still_wide_enough_to_be_seen() -> None:
    span = Span(START, START + 1827 * DAY_MS)
    sheet = sheet_of(span, DAY_MS, [], FRIDGE)
    for begins in (span.from_unix_ms, span.until_unix_ms - 2 * HOUR_MS):
        stripe = stripe_of(begins, begins + 2 * HOUR_MS, sheet)
        assert stripe.width >= 3
        assert FRAME.left <= stripe.x <= FRAME.right - stripe.width
    lasting = stripe_of(START + 1000 * DAY_MS, None, sheet)
    assert lasting.until_unix_ms == span.until_unix_ms


def test_pieces_added_up_keep_their_extremes_and_their_mean() -> None:
    both = joined([piece(5, 9_000), piece(0, 2_000)])
    assert (both.readings, both.min_milli_celsius, both.max_milli_celsius, both.mean_milli_celsius) == (
        2,
        2_000,
        9_000,
        5_500,
    )
    assert (both.first_unix_ms, both.last_unix_ms) == (START, START + 5 * MINUTE_MS)


def test_readings_are_added_up_where_they_lie_and_too_far_apart_is_a_gap() -> None:
    said = [(59_000, 4_000), (60_000, 5_000), (61_000, 7_000), (241_000, 6_000), (422_000, 2_000)]
    assert pieces_in(said, 60_000) == [
        Piece(0, 1, 4_000, 4_000, 4_000, 59_000, 59_000),
        Piece(60_000, 2, 12_000, 5_000, 7_000, 60_000, 61_000),
        Piece(240_000, 1, 6_000, 6_000, 6_000, 241_000, 241_000),
        Piece(420_000, 1, 2_000, 2_000, 2_000, 422_000, 422_000),
    ]
    assert gaps_between(said, 180_000) == [Gap(241_000, 422_000)], "three minutes are no gap"
    assert (pieces_in([], 60_000), gaps_between([], 180_000)) == ([], [])
