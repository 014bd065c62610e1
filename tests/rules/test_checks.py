"""When those at risk are looked at, and whether what was found lets them go."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.adverse_events.care import protocols
from clinic_server.adverse_events.care.rules import Consciousness, Vitals
from clinic_server.observation.checks import plans
from clinic_server.observation.checks.plans import PlanFaulty, Risk
from clinic_server.observation.checks.rules import (
    CheckStanding,
    HowIs,
    Limits,
    SlotState,
    findings_in,
    planned_minutes,
    risks_of,
    slots_of,
)
from clinic_server.observation.rules import urgency

PLAN = plans.shipped()
FILE = next(plans._FOLDER.glob("*.toml")).read_text("utf-8")
GROWN_UP = Limits(PLAN, protocols.shipped(), 12 * 40, 120)
WELL = Vitals(120, 80, 72, 98, 16, 36_600, Consciousness.ALERT)
MINUTES = st.integers(0, 400)
SOME_RISKS = st.sets(st.sampled_from(list(Risk)), min_size=1)


def states(minutes: tuple[int, ...], done: list[int], minutes_in: int) -> list[SlotState]:
    return [one.state for one in slots_of(minutes, done, minutes_in, PLAN)]


def test_nobody_without_a_risk_is_looked_at_by_plan() -> None:
    assert risks_of(30, PLAN, is_against_advice=False, has_reacted=False) == ()
    assert planned_minutes((), 30, PLAN) == ()


def test_whoever_is_watched_for_longer_got_it_in_spite_of_findings_or_reacted_is_at_risk() -> None:
    assert risks_of(31, PLAN, is_against_advice=False, has_reacted=False) == (Risk.WATCHED_LONGER,)
    assert risks_of(60, PLAN, is_against_advice=True, has_reacted=True) == tuple(Risk)


def test_a_long_watch_is_looked_at_to_its_end() -> None:
    assert planned_minutes([Risk.WATCHED_LONGER], 240, PLAN) == (15, 30, 90, 150, 210)
    assert planned_minutes([Risk.AGAINST_ADVICE], 30, PLAN) == (15, 30)
    assert planned_minutes([Risk.WATCHED_LONGER, Risk.AFTER_REACTION], 60, PLAN) == (15, 30, 60)


@pytest.mark.parametrize(
    ("minutes_in", "done", "expected"),
    [
        (14, [], ["coming", "coming"]),
        (15, [], ["due", "coming"]),
        (20, [], ["due", "coming"]),
        (21, [], ["overdue", "coming"]),
        (25, [], ["missed", "coming"]),
        (30, [], ["missed", "due"]),
        (90, [], ["missed", "overdue"]),
        (12, [9], ["coming", "coming"]),
        (12, [10], ["done", "coming"]),
        (30, [24], ["done", "due"]),
        (30, [25], ["missed", "done"]),
        (90, [15, 70], ["done", "done"]),
    ],
)
def test_a_check_is_due_overdue_missed_or_done(minutes_in: int, done: list[int], expected: list[str]) -> None:
    assert states((15, 30), done, minutes_in) == expected


@given(risks=SOME_RISKS, planned=st.integers(30, 300), minutes_in=MINUTES, done=st.lists(MINUTES, max_size=6))
def test_one_check_now_is_always_enough_and_none_stands_for_two(
    risks: set[Risk], planned: int, minutes_in: int, done: list[int]
) -> None:
    minutes = planned_minutes(risks, planned, PLAN)
    made = [one for one in done if one <= minutes_in]
    wanted = [one for one in states(minutes, made, minutes_in) if one in {SlotState.DUE, SlotState.OVERDUE}]
    assert len(wanted) <= 1, "a nurse is asked for one look at a time"
    after = states(minutes, [*made, minutes_in], minutes_in)
    assert not {SlotState.DUE, SlotState.OVERDUE} & set(after)
    assert after.count(SlotState.DONE) - states(minutes, made, minutes_in).count(SlotState.DONE) <= 1


@given(risks=SOME_RISKS, planned=st.integers(30, 300), late=st.integers(0, 100))
def test_nobody_at_risk_is_let_go_unseen_at_the_end(risks: set[Risk], planned: int, late: int) -> None:
    minutes = planned_minutes(risks, planned, PLAN)
    assert CheckStanding(tuple(risks), slots_of(minutes, [], planned + late, PLAN), ()).wanted is not None


def test_what_lies_within_the_band_keeps_nobody() -> None:
    assert findings_in(WELL, HowIs.WELL, GROWN_UP) == ()


@pytest.mark.parametrize(
    ("vitals", "finding"),
    [
        (replace(WELL, pulse_per_min=49), "pulse_outside"),
        (replace(WELL, pulse_per_min=121), "pulse_outside"),
        (replace(WELL, systolic_mmhg=181), "pressure_high"),
        (replace(WELL, diastolic_mmhg=111), "pressure_high"),
        (replace(WELL, systolic_mmhg=84), "systolic_low"),
        (replace(WELL, spo2_percent=94), "spo2_low"),
        (replace(WELL, milli_celsius=38_501), "temperature_outside"),
        (replace(WELL, milli_celsius=34_999), "temperature_outside"),
        (replace(WELL, consciousness=Consciousness.VOICE), "not_alert"),
        (replace(WELL, consciousness=None), "not_measured"),
        (replace(WELL, pulse_per_min=None), "not_measured"),
        (replace(WELL, systolic_mmhg=None, diastolic_mmhg=None), "not_measured"),
    ],
)
def test_what_lies_outside_keeps_the_person(vitals: Vitals, finding: str) -> None:
    assert finding in findings_in(vitals, HowIs.WELL, GROWN_UP)


def test_whoever_feels_unwell_stays_whatever_was_measured() -> None:
    assert findings_in(WELL, HowIs.UNWELL, GROWN_UP) == ("feels_unwell",)


def test_a_childs_pulse_is_judged_by_its_age_and_its_pressure_is_not_asked_for() -> None:
    child = replace(GROWN_UP, age_months=30, baseline_mmhg=None)
    said = replace(WELL, systolic_mmhg=None, diastolic_mmhg=None, pulse_per_min=140)
    assert findings_in(said, HowIs.WELL, child) == ()
    assert findings_in(said, HowIs.WELL, replace(child, age_months=12 * 20)) == ("not_measured", "pulse_outside")


def test_the_forgotten_come_first_then_the_cared_for_then_who_may_go() -> None:
    ranks = [
        urgency(10, is_overdue=True, is_cared_for=False),
        urgency(10, is_overdue=True, is_cared_for=True),
        urgency(0, is_overdue=False, is_cared_for=False),
        urgency(1, is_overdue=False, is_cared_for=False),
    ]
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize(
    ("said", "instead", "complaint"),
    [
        ("from_months = 36", "from_months = 0", "ages begin at 0"),
        ("least_pulse_per_min = 90", "least_pulse_per_min = 190", "no pulse"),
        ("at_minutes = [15, 30]", "at_minutes = [30, 15]", "rise"),
        ('risk = "against_advice"', 'risk = "after_reaction"', "every risk"),
        ("late_min = 5", "late_minutes = 5", "late_minutes"),
    ],
)
def test_a_plan_that_cannot_be_meant_names_file_and_place(said: str, instead: str, complaint: str) -> None:
    with pytest.raises(PlanFaulty, match=f"cn-site-1.toml: .*{complaint}"):
        plans.parse(FILE.replace(said, instead), "cn-site-1.toml")
