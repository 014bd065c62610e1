"""When the weekly test is due, when a page is tried again, and what makes a site deaf."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.alerts.wording import reason_words
from clinic_server.kit.i18n import current_language
from clinic_server.paging.rules import (
    BETWEEN_TESTS,
    WEEKDAYS,
    ChannelStanding,
    Deafness,
    Hearing,
    deafness,
    is_final,
    is_taken,
    test_slot,
    tried_again_after_s,
)
from devices.pagers.page import Reached

SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = datetime(2026, 3, 3, 10, 0, tzinfo=SHANGHAI)
test_slot.__test__ = False  # type: ignore[attr-defined]  # its name tells of the weekly test
WELL = Hearing([ChannelStanding("robot", Reached.ACCEPTED)], 3, 0, TUESDAY, 0)


def slot(now: datetime, *begun: datetime, weekday: str = "tuesday") -> date | None:
    return test_slot(now, weekday, time(10, 0), begun)


def test_the_weekly_test_is_due_at_its_hour_and_not_before() -> None:
    assert slot(TUESDAY) == date(2026, 3, 3)
    assert slot(TUESDAY - timedelta(seconds=1)) is None


def test_a_server_that_was_down_at_the_hour_tests_later_that_day_but_not_the_day_after() -> None:
    assert slot(TUESDAY + timedelta(hours=11)) == date(2026, 3, 3)
    assert slot(TUESDAY + timedelta(hours=13)) is None


def test_a_test_of_the_evening_is_made_up_for_after_midnight_under_its_own_day() -> None:
    assert test_slot(TUESDAY.replace(day=4, hour=2), "tuesday", time(20, 0), ()) == date(2026, 3, 3)
    assert test_slot(TUESDAY.replace(day=4, hour=8), "tuesday", time(20, 0), ()) is None


def test_six_days_later_another_weekday_has_its_test() -> None:
    monday = TUESDAY + timedelta(days=6)
    assert slot(monday, TUESDAY, weekday="monday") == date(2026, 3, 9)
    assert slot(monday, TUESDAY + timedelta(seconds=1), weekday="monday") is None


@given(
    st.lists(st.integers(-10, 10), min_size=1, max_size=60),
    st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=5),
)
def test_however_the_clock_is_set_no_two_tests_lie_in_one_week(days: list[int], weekdays: list[str]) -> None:
    now, begun = TUESDAY, list[datetime]()
    for at, step in enumerate(days):
        now += timedelta(days=step)
        if slot(now, *begun, weekday=weekdays[at % len(weekdays)]):
            begun.append(now)
    begun.sort()
    assert all(later - earlier >= BETWEEN_TESTS for earlier, later in pairwise(begun))


def test_a_clock_set_back_past_a_test_makes_no_second_one() -> None:
    assert slot(TUESDAY - timedelta(days=1), TUESDAY, weekday="monday") is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.sampled_from(WEEKDAYS))  # noqa: DTZ001  # the zone follows
def test_every_week_has_its_test(start: datetime, weekday: str) -> None:
    now, begun = start.replace(tzinfo=SHANGHAI), list[datetime]()
    for _ in range(4 * 7 * 24):
        now += timedelta(hours=1)
        if slot(now, *begun, weekday=weekday):
            begun.append(now)
    assert len(begun) in (3, 4, 5)
    assert all(at.weekday() == WEEKDAYS.index(weekday) for at in begun)


def test_a_page_is_tried_three_more_times_each_later_than_the_last() -> None:
    assert tried_again_after_s(0) is None
    waits = [tried_again_after_s(tries) for tries in range(1, 6)]
    assert waits == [30, 120, 300, None, None]


@pytest.mark.parametrize("reached", Reached)
def test_what_may_not_have_arrived_does_not_count_as_taken(reached: Reached) -> None:
    assert is_taken(reached) is (reached not in {Reached.FAILED, Reached.EXPIRED, Reached.UNCONFIRMED})


def test_only_what_is_under_way_is_followed() -> None:
    assert {one for one in Reached if not is_final(one)} == {
        Reached.ACCEPTED,
        Reached.QUEUED,
        Reached.DELIVERED,
        Reached.READ,
    }


def test_a_site_where_all_works_is_not_deaf() -> None:
    assert deafness(WELL, TUESDAY) == ()


@pytest.mark.parametrize(
    ("hearing", "reasons"),
    [
        (Hearing([], 3, 0, TUESDAY, 0), (Deafness.NO_CHANNEL,)),
        (Hearing(WELL.channels, 0, 0, TUESDAY, 0), (Deafness.NOBODY_TO_PAGE,)),
        (Hearing(WELL.channels, 3, 1, TUESDAY, 0), (Deafness.PAGES_UNDELIVERED,)),
        (Hearing(WELL.channels, 3, 0, None, 0), (Deafness.TEST_OVERDUE,)),
        (Hearing(WELL.channels, 3, 0, TUESDAY - timedelta(days=8), 0), (Deafness.TEST_OVERDUE,)),
        (Hearing(WELL.channels, 3, 0, TUESDAY, 2), (Deafness.TEST_UNANSWERED,)),
        (
            Hearing([ChannelStanding("a", Reached.FAILED), ChannelStanding("b", None)], 3, 0, TUESDAY, 0),
            (Deafness.CHANNELS_FAIL,),
        ),
    ],
)
def test_each_way_of_being_deaf_is_named(hearing: Hearing, reasons: tuple[Deafness, ...]) -> None:
    assert deafness(hearing, TUESDAY) == reasons


def test_one_channel_that_works_is_enough() -> None:
    channels = [ChannelStanding("a", Reached.FAILED), ChannelStanding("b", Reached.ACCEPTED)]
    assert deafness(Hearing(channels, 3, 0, TUESDAY, 0), TUESDAY) == ()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("http_401", "The service refused the key."),
        ("http_418", "The service answered with HTTP 418."),
        ("errcode_40001", "The robot refused it with its code 40001."),
        ("snpp_554", "The gateway answered with 554."),
        ("wholly_new", "The channel failed for a reason of its own."),
        ("", ""),
    ],
)
def test_no_reason_of_a_driver_is_shown_as_a_raw_word(reason: str, words: str) -> None:
    told = current_language.set("en")
    try:
        assert reason_words(reason) == words
    finally:
        current_language.reset(told)
