"""What is awaited about an event: which clocks run, by what grounds, and what is said of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.adverse_events import deadlines
from clinic_server.adverse_events.clocks import Urgency
from clinic_server.adverse_events.deadlines import UrgentGround
from clinic_server.adverse_events.due.rules import Awaited, EventTimes, alarm_about, awaited_steps, grounds_of
from clinic_server.adverse_events.rules import CareEnd, Classed, EventStepKind, Seriousness
from clinic_server.alerts.rules import Severity

CN = deadlines.shipped()
ZONE = ZoneInfo("Asia/Shanghai")
FOUND = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday, 17:00 at the site
REPORTED, BEGUN, CARD = (
    EventStepKind.REPORTED,
    EventStepKind.INVESTIGATION_BEGUN,
    EventStepKind.PRELIMINARY_CARD_SENT,
)
LEFT, FIELD_REPORT, DIAGNOSED = EventStepKind.FIELD_LEFT, EventStepKind.FIELD_REPORT_SENT, EventStepKind.DIAGNOSED
classes = st.builds(
    Classed,
    kind=st.sampled_from(("fever", "other_mild")),
    seriousness=st.lists(st.sampled_from(Seriousness), max_size=2).map(tuple),
    grounds=st.lists(st.sampled_from(UrgentGround), max_size=2).map(tuple),
)


def times(*grounds: UrgentGround, **taken: datetime) -> EventTimes:
    steps = {EventStepKind(name): at for name, at in taken.items()}
    return EventTimes(UUID(int=1), 7, FOUND, frozenset(grounds), steps)


def awaited(of: EventTimes, after: timedelta = timedelta(0)) -> list[Awaited]:
    return list(awaited_steps(of, FOUND + after, CN, ZONE))


def report_due_at(said: list[Classed], care_end: CareEnd | None = None) -> datetime:
    (report,) = awaited(times(*grounds_of(said, care_end)))
    return report.due_at


@given(st.lists(classes, max_size=5))
def test_whatever_is_said_next_the_report_is_never_due_later(said: list[Classed]) -> None:
    """Invariant 41: from all that was ever said, in any order, a clock only shortens."""
    due = [report_due_at(said[:count]) for count in range(len(said) + 1)]
    assert due == sorted(due, reverse=True)
    assert report_due_at(said[::-1]) == due[-1]


def test_a_mild_class_after_an_urgent_one_lengthens_nothing() -> None:
    urgent = Classed("fever", grounds=(UrgentGround.MAJOR_CONCERN,))
    assert report_due_at([urgent, Classed("other_mild")]) == FOUND + timedelta(hours=2)


@pytest.mark.parametrize("why", Seriousness)
def test_death_and_disability_are_urgent_without_a_ground_being_named(why: Seriousness) -> None:
    is_urgent = why in {Seriousness.DEATH, Seriousness.DISABILITY}
    assert report_due_at([Classed("other_serious", (why,))]) == FOUND + timedelta(hours=2 if is_urgent else 48)


@pytest.mark.parametrize("end", CareEnd)
def test_who_dies_in_our_care_is_reported_within_two_hours_though_nobody_classed_it(end: CareEnd) -> None:
    assert report_due_at([], end) == FOUND + timedelta(hours=2 if end is CareEnd.DIED else 48)


def test_a_cluster_shortens_the_clocks_of_its_members() -> None:
    assert grounds_of([Classed("fainting")], None, is_in_cluster=True) == {UrgentGround.CLUSTER}


def test_every_step_is_awaited_from_the_one_that_begins_it_until_it_is_taken() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert [one.step for one in awaited(times())] == [REPORTED]
    taken = {"reported": FOUND + hour}
    assert [(one.step, one.due_at) for one in awaited(times(**taken))] == [(BEGUN, FOUND + 49 * hour)]
    taken["investigation_begun"] = FOUND + day
    (card,) = awaited(times(**taken))
    assert (card.step, card.due_at) == (CARD, datetime(2026, 3, 10, 16, 0, tzinfo=UTC)), "the end of the seventh day"
    taken |= {"preliminary_card_sent": FOUND + 2 * day, "field_left": FOUND + 3 * day}
    assert [one.step for one in awaited(times(**taken))] == [FIELD_REPORT, DIAGNOSED]
    taken |= {"field_report_sent": FOUND + 4 * day, "diagnosed": FOUND + 5 * day}
    assert awaited(times(**taken)) == []


def test_a_step_taken_before_the_report_does_not_take_its_place() -> None:
    assert [one.step for one in awaited(times(investigation_begun=FOUND))] == [REPORTED, CARD]


@pytest.mark.parametrize(
    ("ground", "left_min", "urgency", "severity"),
    [
        (None, 721, Urgency.AMPLE, None),
        (None, 720, Urgency.NEAR, Severity.WARNING),
        (None, 120, Urgency.LAST_CALL, Severity.ALARM),
        (None, 0, Urgency.OVERDUE, Severity.CRITICAL),
        (UrgentGround.DEATH, 120, Urgency.NEAR, Severity.ALARM),
        (UrgentGround.DEATH, 10, Urgency.LAST_CALL, Severity.ALARM),
        (UrgentGround.DEATH, 0, Urgency.OVERDUE, Severity.CRITICAL),
    ],
)
def test_the_alarm_grows_with_the_urgency_and_two_hours_never_wait_for_the_morning(
    ground: UrgentGround | None, left_min: int, urgency: Urgency, severity: Severity | None
) -> None:
    allowed = timedelta(hours=2 if ground else 48)
    (report,) = found = awaited(times(*filter(None, [ground])), allowed - timedelta(minutes=left_min))
    alarm = alarm_about(found, ZONE)
    assert (report.urgency, alarm and alarm.severity) == (urgency, severity)


def test_what_follows_the_report_only_ever_warns() -> None:
    (begun,) = found = awaited(times(reported=FOUND), timedelta(days=20))
    alarm = alarm_about(found, ZONE)
    assert begun.urgency is Urgency.OVERDUE
    assert alarm is not None
    assert (alarm.severity, alarm.summary, alarm.place_code) == (
        Severity.WARNING,
        "INVESTIGATION LATE SINCE 03-04 17:00",
        "event-7",
    )


def test_the_words_are_of_what_is_due_first() -> None:
    alarm = alarm_about(awaited(times(UrgentGround.DEATH, field_left=FOUND), timedelta(minutes=1)), ZONE)
    assert alarm is not None
    assert alarm.summary == "REPORT BY 03-02 19:00"


def test_time_left_is_shown_with_a_minus_once_it_is_over() -> None:
    (report,) = awaited(times(), timedelta(hours=49))
    assert report.shown_left == "-01:00"
