"""The clocks of a report: only ever shorter (invariant 41), and when they call."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from clinic_server.adverse_events import deadlines
from clinic_server.adverse_events.clocks import (
    FollowUp,
    ReportClock,
    Steps,
    Urgency,
    after_weekdays,
    calls_passed,
    clock_after,
    clock_of,
    follow_ups_due,
    hours_and_minutes,
    urgency_of,
)
from clinic_server.adverse_events.deadlines import DeadlinesFaulty, UrgentGround

CN = deadlines.shipped()
FILE = (Path(deadlines.__file__).parent / "cn-1.toml").read_text("utf-8")
FOUND = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_an_ordinary_event_is_reported_within_48_hours_of_its_discovery() -> None:
    """National surveillance plan; invariant 41."""
    assert clock_of(FOUND, [], CN).due_at == datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("ground", ["death", "severe_disability", "cluster", "major_concern"])
def test_each_urgent_ground_leaves_two_hours_from_discovery(ground: str) -> None:
    """From the discovery, however late the ground was said: the clock may be over at once."""
    assert clock_of(FOUND, [UrgentGround(ground)], CN).due_at == datetime(2026, 3, 2, 11, 0, tzinfo=UTC)


def test_reclassifying_only_ever_shortens() -> None:
    """Every order of being called ordinary and urgent ends with the shortest clock, and none grows on the way."""
    for said in permutations((None, None, UrgentGround.DEATH, UrgentGround.CLUSTER)):
        clock = ReportClock(FOUND, CN.time_for(None))
        for ground in said:
            after = clock_after(clock, ground, CN)
            assert after.due_at <= clock.due_at
            clock = after
        assert clock.allowed == timedelta(hours=2)


def test_a_county_may_ask_two_hours_for_everything() -> None:
    """Deadlines are data; the calls are then those of two hours."""
    county = deadlines.parse(FILE.replace("ordinary_h = 48", "ordinary_h = 2"), "county")
    clock = clock_of(FOUND, [], county)
    assert clock.due_at == FOUND + timedelta(hours=2)
    assert calls_passed(clock, FOUND, county) == 1


@pytest.mark.parametrize(
    ("grounds", "left_min", "calls", "urgency"),
    [
        ([], 2880, 0, Urgency.AMPLE),
        ([], 721, 0, Urgency.AMPLE),
        ([], 720, 1, Urgency.NEAR),
        ([], 121, 1, Urgency.NEAR),
        ([], 120, 2, Urgency.LAST_CALL),
        ([], 1, 2, Urgency.LAST_CALL),
        ([], 0, 3, Urgency.OVERDUE),
        ([], -600, 3, Urgency.OVERDUE),
        ([UrgentGround.DEATH], 120, 1, Urgency.NEAR),
        ([UrgentGround.DEATH], 61, 1, Urgency.NEAR),
        ([UrgentGround.DEATH], 60, 2, Urgency.NEAR),
        ([UrgentGround.DEATH], 30, 3, Urgency.NEAR),
        ([UrgentGround.DEATH], 10, 4, Urgency.LAST_CALL),
        ([UrgentGround.DEATH], 0, 5, Urgency.OVERDUE),
    ],
)
def test_a_clock_calls_as_it_runs_down(grounds: list[UrgentGround], left_min: int, calls: int, urgency: str) -> None:
    """At 12 and 2 hours of 48; at once, 60, 30 and 10 minutes of 2 hours; and when nothing is left."""
    clock = clock_of(FOUND, grounds, CN)
    now = clock.due_at - timedelta(minutes=left_min)
    assert (calls_passed(clock, now, CN), urgency_of(clock, now, CN)) == (calls, urgency)


@pytest.mark.parametrize(
    ("left_s", "shown"),
    [
        (172800, "48:00"),
        (7199, "01:59"),
        (59, "00:00"),
        (0, "00:00"),
        (-1, "-00:01"),
        (-60, "-00:01"),
        (-7200, "-02:00"),
    ],
)
def test_time_left_is_shown_in_hours_and_minutes(left_s: int, shown: str) -> None:
    """Never a minute more than there is."""
    assert hours_and_minutes(timedelta(seconds=left_s)) == shown


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 3, 2), 5, date(2026, 3, 9)),  # a Monday
        (date(2026, 3, 6), 1, date(2026, 3, 9)),  # a Friday
        (date(2026, 3, 7), 1, date(2026, 3, 9)),  # a Saturday
        (date(2026, 3, 8), 5, date(2026, 3, 13)),  # a Sunday
        (date(2026, 3, 5), 1, date(2026, 3, 6)),
    ],
)
def test_working_days_leave_out_the_weekend(start: date, count: int, end: date) -> None:
    """No calendar of holidays is kept: the day is never later than the law's."""
    assert after_weekdays(start, count) == end


def test_each_step_after_the_report_has_its_own_clock_once_it_has_begun() -> None:
    """Investigation 48 h, preliminary card 7 d, field report 5 working days, diagnosis 30 d."""
    assert follow_ups_due(Steps(), CN) == {}
    steps = Steps(FOUND, date(2026, 3, 3), date(2026, 3, 4))
    assert follow_ups_due(steps, CN) == {
        FollowUp.INVESTIGATION: datetime(2026, 3, 4, 9, 0, tzinfo=UTC),
        FollowUp.PRELIMINARY_CARD: date(2026, 3, 10),
        FollowUp.FIELD_REPORT: date(2026, 3, 11),
        FollowUp.DIAGNOSIS: date(2026, 4, 3),
    }


@pytest.mark.parametrize(
    ("meant", "typed", "words"),
    [
        ("urgent_h = 2", "urgent_h = 49", "may not wait longer"),
        ("[720, 120]", "[120, 720]", "less and less"),
        ("[720, 120]", "[120, 120]", "less and less"),
        ('"death"', '"illness"', "illness"),
        ("version = 1", "version =", "x.toml"),
    ],
)
def test_a_faulty_file_is_refused_with_its_name(meant: str, typed: str, words: str) -> None:
    """Whoever edits a file reads what is wrong with it."""
    with pytest.raises(DeadlinesFaulty, match=words):
        deadlines.parse(FILE.replace(meant, typed, 1), "x.toml")
