"""The ladder, the roster and their files: escalation without end, silences that end, clocks that are set."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_server.alerts import ladders
from clinic_server.alerts.ladder import (
    Call,
    Scene,
    Shelf,
    Standing,
    answered,
    call_due,
    called,
    hush_of,
    short_words,
)
from clinic_server.alerts.ladders import LadderFaulty, parse, shipped
from clinic_server.alerts.roster import OtherDay, Roster, Shift, Weekly, holes, on_duty, people_to_call
from clinic_server.alerts.rules import AlertFacts, AlertKind, AlertState, DueKind, Hush, Severity
from clinic_server.alerts.telling import as_written

T0 = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
LADDER = shipped()
NIGHT, DAY = Scene(time(3, 0)), Scene(time(11, 0))
MINUTE = timedelta(minutes=1)


def an_alert(
    kind: AlertKind = AlertKind.TOO_WARM, severity: Severity = Severity.ALARM, place: str = "fridge-1"
) -> Standing:
    return Standing(uuid4(), kind, place, severity, AlertState.OPEN)


def look(alert: Standing, now: datetime, scene: Scene = NIGHT) -> tuple[Standing, Call | None]:
    """What the watcher does in one look, without a database."""
    if hush_of(alert, scene, LADDER, now) is not None:
        return replace(alert, cycle_at=None), None
    call = call_due(alert, scene, LADDER, now)
    return (alert if call is None else called(alert, call, now)), call


def climb(alert: Standing, minutes: int, scene: Scene = NIGHT) -> list[tuple[int, int, tuple[int, ...]]]:
    """Every call of so many minutes, as (minute, round, steps)."""
    calls = []
    for minute in range(minutes + 1):
        alert, call = look(alert, T0 + minute * MINUTE, scene)
        if call is not None:
            calls.append((minute, call.round, call.steps))
    return calls


@pytest.mark.parametrize("severity", [Severity.ALARM, Severity.CRITICAL])
def test_nobody_answers_and_it_climbs_at_0_10_20_and_then_every_30_minutes(severity: Severity) -> None:
    assert climb(an_alert(severity=severity), 110) == [
        (0, 1, (1,)),
        (10, 1, (2,)),
        (20, 1, (3,)),
        (50, 2, (1, 2, 3)),
        (80, 3, (1, 2, 3)),
        (110, 4, (1, 2, 3)),
    ]


def test_a_comment_silences_for_60_minutes_and_a_bare_reply_for_15() -> None:
    alert, _ = look(an_alert(), T0)
    for has_comment, minutes in ((True, 60), (False, 15)):
        silent = answered(alert, has_comment=has_comment, ladder=LADDER, now=T0 + MINUTE)
        assert look(silent, T0 + minutes * MINUTE)[1] is None
        again, call = look(silent, T0 + (minutes + 1) * MINUTE)
        assert call is not None
        assert (call.round, call.steps, again.state) == (2, (1,), AlertState.OPEN)


def test_a_bare_reply_never_shortens_the_silence_of_a_comment() -> None:
    silent = answered(look(an_alert(), T0)[0], has_comment=True, ladder=LADDER, now=T0)
    assert answered(silent, has_comment=False, ladder=LADDER, now=T0 + MINUTE) == silent


@given(
    st.lists(
        st.tuples(st.integers(1, 45), st.sampled_from(["look", "look", "look", "comment", "reply"])),
        min_size=1,
        max_size=80,
    )
)
def test_without_an_answer_somebody_is_called_every_half_hour_for_ever_and_no_step_twice_in_a_round(
    walk: Sequence[tuple[int, str]],
) -> None:
    """Invariant 40, under any pattern of looks and answers."""
    alert, now, seen = an_alert(severity=Severity.CRITICAL), T0, set[tuple[int, int]]()
    quiet_since, silence = T0, timedelta(0)
    for minutes, act in walk:
        now += minutes * MINUTE
        if act == "look":
            alert, call = look(alert, now)
            for step in call.steps if call else ():
                assert (call.round, step) not in seen  # type: ignore[union-attr]  # there is one in the loop
                seen.add((call.round, step))  # type: ignore[union-attr]  # as above
            if call:
                quiet_since, silence = now, timedelta(0)
            assert now - quiet_since < max(silence, 30 * MINUTE)
        else:
            alert = answered(alert, has_comment=act == "comment", ladder=LADDER, now=now)
            quiet_since, silence = now, timedelta(minutes=60)
    for minute in range(60, 96):
        alert, call = look(alert, now + minute * MINUTE)
        if call is not None:
            return
    pytest.fail("an alert that nobody acknowledged any more fell silent")


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(-3000, 3000) | st.just(0)), min_size=1, max_size=60))
def test_a_clock_that_is_set_neither_loses_a_call_nor_makes_a_storm(walk: Sequence[tuple[int, int]]) -> None:
    """Real time passes by minutes; the wall clock jumps by up to two days either way between two looks.

    Set back to before the latest call, it is noticed at once; by less, it puts the next call off by so much at most.
    """
    alert, wall, real = an_alert(), T0, 0
    last_call_real, calls, jumps, put_off = 0, 0, 0, 0
    for minutes, jump in walk:
        for _ in range(minutes):
            real += 1
            wall += MINUTE
            alert, call = look(alert, wall)
            if call is not None:
                calls, last_call_real, put_off = calls + 1, real, 0
            assert real - last_call_real <= 31 + put_off, "a set clock silenced the ladder"
        wall += jump * MINUTE
        jumps += bool(jump)
        put_off += max(0, -jump)
    assert calls <= 3 + real // 30 + 1 + 2 * jumps, "a set clock made a storm"


def test_silence_and_shelf_end_when_the_clock_is_set_back_behind_their_beginning() -> None:
    silent = answered(look(an_alert(), T0)[0], has_comment=True, ladder=LADDER, now=T0)
    assert look(silent, T0 - 60 * MINUTE)[1] is not None
    shelved = Scene(time(3), shelves=(Shelf("fridge-1", T0, T0 + 30 * MINUTE),))
    assert hush_of(an_alert(), shelved, LADDER, T0 + MINUTE) is Hush.SHELVED
    assert hush_of(an_alert(), shelved, LADDER, T0 - 60 * MINUTE) is None


def test_a_silence_that_was_over_does_not_come_back_with_a_clock_set_back() -> None:
    silent = answered(look(an_alert(), T0)[0], has_comment=True, ladder=LADDER, now=T0)
    again, _ = look(silent, T0 + 61 * MINUTE)
    assert hush_of(again, NIGHT, LADDER, T0 + 30 * MINUTE) is None


def test_a_place_being_worked_on_silences_what_a_door_explains_and_nothing_else() -> None:
    shelved = Scene(time(3), shelves=(Shelf("fridge-1", T0, T0 + 30 * MINUTE),))
    cases = {
        an_alert(): Hush.SHELVED,
        an_alert(AlertKind.TOO_COLD): Hush.SHELVED,
        an_alert(place="fridge-2"): None,
        an_alert(AlertKind.FROZEN): None,
        an_alert(AlertKind.NO_DATA): None,
        an_alert(severity=Severity.CRITICAL): None,
    }
    assert {alert: hush_of(alert, shelved, LADDER, T0) for alert in cases} == cases
    assert hush_of(an_alert(), shelved, LADDER, T0 + 30 * MINUTE) is None


@pytest.mark.parametrize("powerless", ["", "fridge-1"])
def test_lost_power_silences_missing_data_and_never_a_temperature(powerless: str) -> None:
    dark = Scene(time(3), without_power=frozenset({powerless}))
    assert hush_of(an_alert(AlertKind.NO_DATA), dark, LADDER, T0) is Hush.INHIBITED
    for kind in set(AlertKind) - {AlertKind.NO_DATA, AlertKind.POWER_LOST}:
        assert hush_of(an_alert(kind), dark, LADDER, T0) is None
    assert hush_of(an_alert(AlertKind.POWER_LOST, place=powerless), dark, LADDER, T0) is None, "it is what calls"
    assert hush_of(an_alert(AlertKind.POWER_LOST, place="fridge-2"), dark, LADDER, T0) is (
        Hush.INHIBITED if powerless == "" else None
    )
    assert hush_of(an_alert(AlertKind.NO_DATA, place="fridge-2"), dark, LADDER, T0) is (
        Hush.INHIBITED if powerless == "" else None
    )


def test_what_was_silenced_climbs_from_the_first_step_afterwards() -> None:
    dark = Scene(time(3), without_power=frozenset({""}))
    alert, _ = look(an_alert(AlertKind.NO_DATA), T0)
    alert, _ = look(alert, T0 + 5 * MINUTE, dark)
    alert, call = look(alert, T0 + 300 * MINUTE)
    assert call is not None
    assert (call.round, call.steps) == (2, (1,))


def test_only_warnings_wait_for_the_morning_and_climb_no_further_than_the_first_step() -> None:
    warning = an_alert(AlertKind.CALIBRATION_DUE, Severity.WARNING)
    assert hush_of(warning, NIGHT, LADDER, T0) is Hush.QUIET_HOURS
    assert climb(warning, 300, DAY) == [(0, 1, (1,)), (240, 2, (1,))]
    for severity in (Severity.ALARM, Severity.CRITICAL):
        assert hush_of(an_alert(severity=severity), NIGHT, LADDER, T0) is None


def test_alerts_that_come_together_wait_30_seconds_and_a_critical_one_waits_for_nothing() -> None:
    first = call_due(an_alert(), NIGHT, LADDER, T0)
    critical = call_due(an_alert(severity=Severity.CRITICAL), NIGHT, LADDER, T0)
    assert first
    assert critical
    assert (first.due_at - T0, critical.due_at - T0) == (timedelta(seconds=30), timedelta(0))


def test_in_a_flood_what_is_known_of_goes_out_together_every_five_minutes_and_none_is_left_out() -> None:
    flood = Scene(time(3, 2), latest_openings=(T0,) * 11, called_of=frozenset({(UUID(int=99), "fridge-1")}))
    due = [call_due(an_alert(severity=severity), flood, LADDER, T0) for severity in Severity]
    assert [call.due_at - T0 for call in due if call] == [3 * MINUTE, 3 * MINUTE, timedelta(seconds=30)]
    assert call_due(an_alert(), replace(flood, latest_openings=(T0,) * 10), LADDER, T0) == call_due(
        an_alert(), NIGHT, LADDER, T0
    )


@pytest.mark.parametrize("elsewhere", [frozenset(), frozenset({(UUID(int=99), "fridge-2")})])
def test_no_flood_keeps_people_from_hearing_of_a_place_nobody_was_called_about(
    elsewhere: frozenset[tuple[UUID, str]],
) -> None:
    due = []
    for severity in Severity:
        alert = an_alert(severity=severity)
        its_own = frozenset({(alert.alert_id, "fridge-1")})  # it grew worse since
        flood = Scene(time(3, 2), latest_openings=(T0,) * 11, called_of=elsewhere | its_own)
        due.append(call_due(alert, flood, LADDER, T0))
    assert [call.due_at - T0 for call in due if call] == [3 * MINUTE, timedelta(seconds=30), timedelta(0)]


def facts(number: int, place: str = "fridge-1", summary: str = "+9.4C 12MIN") -> AlertFacts:
    one = an_alert()
    told = as_written(summary)
    return AlertFacts(one.alert_id, number, one.kind, place, one.severity, one.state, summary, T0, None, None, told)


def test_a_pager_shows_number_place_kind_and_summary() -> None:
    assert short_words(DueKind.PAGE, [facts(12)]) == "12 fridge-1 TOO WARM +9.4C 12MIN"
    assert short_words(DueKind.RECOVERY, [facts(12)]) == "OK AGAIN 12 fridge-1 TOO WARM +9.4C 12MIN"


@given(st.lists(st.builds(facts, st.integers(1, 99999), st.text(max_size=32), st.text(max_size=80)), max_size=60))
def test_whatever_is_wrong_a_pager_gets_80_signs_of_ascii_and_is_told_how_many_more(several: list[AlertFacts]) -> None:
    for kind in DueKind:
        words = short_words(kind, several)
        assert len(words) <= 80
        assert words.isascii()
    if len(several) > 5:
        assert f"{len(several)} ALERTS" in words


# --- roster ------------------------------------------------------------------------------------------------

ANNA, BO, CHEN, DI = (UUID(int=number) for number in range(1, 5))
MONDAY = date(2026, 3, 2)
STEP = LADDER.step[0]


def a_roster(*weekly: tuple[UUID, int, time, time], excepted: tuple[OtherDay, ...] = ()) -> Roster:
    shifts = tuple(Weekly(frozenset({day}), Shift(who, 1, starts, ends)) for who, day, starts, ends in weekly)
    return Roster(frozenset({ANNA, BO, CHEN, DI}), shifts, excepted)


def at(hour: int, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time(hour))


def test_a_night_shift_passes_midnight_and_belongs_to_the_day_it_begins() -> None:
    roster = a_roster((ANNA, 0, time(20), time(8)))
    tuesday = MONDAY + timedelta(days=1)
    assert [on_duty(roster, 1, moment) for moment in (at(19), at(20), at(7, tuesday), at(8, tuesday))] == [
        frozenset(),
        {ANNA},
        {ANNA},
        frozenset(),
    ]
    away = OtherDay(MONDAY, is_on=False, shift=Shift(ANNA, 1, time(0), time(0)))
    instead = OtherDay(MONDAY, is_on=True, shift=Shift(BO, 1, time(20), time(8)))
    assert on_duty(replace(roster, excepted=(away, instead)), 1, at(7, tuesday)) == {BO}
    back = OtherDay(MONDAY, is_on=True, shift=Shift(ANNA, 1, time(20), time(8)))
    assert on_duty(replace(roster, excepted=(away, back)), 1, at(22)) == {ANNA}, "the latest counts"


def test_equal_times_are_a_whole_day_and_who_left_is_on_no_duty() -> None:
    roster = a_roster((ANNA, 0, time(8), time(8)))
    assert on_duty(roster, 1, at(7, MONDAY + timedelta(days=1))) == {ANNA}
    assert on_duty(replace(roster, everybody=frozenset({BO})), 1, at(9)) == frozenset()


def test_where_too_few_are_on_duty_everybody_of_the_step_is_called_and_where_nobody_is_everybody() -> None:
    roster = a_roster(*((who, 0, time(8), time(20)) for who in (ANNA, BO, CHEN)))
    assert people_to_call(roster, STEP, at(9)) == {ANNA, BO, CHEN}
    assert people_to_call(a_roster((ANNA, 0, time(8), time(20)), (BO, 1, time(8), time(20))), STEP, at(9)) == {ANNA, BO}
    assert people_to_call(a_roster(), STEP, at(9)) == {ANNA, BO, CHEN, DI}


def test_holes_are_found_with_their_times_and_a_full_roster_has_none() -> None:
    whole = [(who, day, time(0), time(0)) for who in (ANNA, BO, CHEN) for day in range(7)]
    assert holes(a_roster(*whole), [STEP], at(9)) == []
    away = OtherDay(MONDAY + timedelta(days=2), is_on=False, shift=Shift(BO, 1, time(0), time(0)))
    (hole,) = holes(a_roster(*whole, excepted=(away,)), [STEP], at(9))
    wednesday = MONDAY + timedelta(days=2)
    assert (hole.starts, hole.ends, hole.people) == (at(0, wednesday), at(0, wednesday + timedelta(days=1)), 2)
    assert len(holes(a_roster(), [STEP], at(9))) == 1
    by_turns = [
        (who, day, *hours)
        for day in range(7)
        for who, hours in ((ANNA, (time(0), time(12))), (BO, (time(12), time(0))))
    ]
    (hole,) = holes(a_roster(*by_turns), [STEP], at(9))  # one of them is always there, and never three
    assert hole.people == 1


# --- the file ----------------------------------------------------------------------------------------------

TEXT = (Path(ladders.__file__).parent / "cn_site_1.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("said", "instead", "words"),
    [
        ("after_min = 20", "after_min = 10", "each is later"),
        ("after_min = 0", "after_min = 1", "the first step is at 0"),
        ("step = 3", "step = 4", "count from 1"),
        ('severity = "alarm"', 'severity = "warning"', "the severities must be"),
        ("last_step = 3", "last_step = 4", "climbs higher"),
        ("waits_for_morning = false", "waits_for_morning = true", "only warnings"),
        ("repeat_after_min = 30", "repeat_after_min = 0", "repeat_after_min"),
        ("[flood]", "[floods]", "floods"),
        ("version = 1", "version = ", "Invalid value"),
    ],
)
def test_a_faulty_ladder_is_refused_with_the_place(said: str, instead: str, words: str) -> None:
    assert said in TEXT
    with pytest.raises(LadderFaulty, match=words):
        parse(TEXT.replace(said, instead, 1), "cn_site_1.toml")


# --- the team ----------------------------------------------------------------------------------------------


def test_the_team_runs_at_once_beside_step_1_even_in_a_flood() -> None:
    flooded = Scene(time(3), latest_openings=(T0,) * 50, called_of=frozenset({(UUID(int=99), "fridge-1")}))
    calls = {
        kind: call_due(an_alert(kind, Severity.CRITICAL), flooded, LADDER, T0)
        for kind in (AlertKind.ADVERSE_EVENT, AlertKind.FROZEN)
    }
    reaction, frozen = calls.values()
    assert reaction is not None
    assert frozen is not None
    assert (reaction.steps, reaction.due_at) == ((0, 1), T0)
    assert frozen.steps == (1,)
    assert frozen.due_at > T0


def test_nobody_answers_a_reaction_and_the_team_is_called_again_with_everybody() -> None:
    assert climb(an_alert(AlertKind.ADVERSE_EVENT, Severity.CRITICAL), 50) == [
        (0, 1, (0, 1)),
        (10, 1, (2,)),
        (20, 1, (3,)),
        (50, 2, (0, 1, 2, 3)),
    ]


def test_a_ladder_without_a_team_still_reads() -> None:
    old = parse(TEXT, "cn_site_1.toml")
    assert (old.team, old.every_step) == (None, old.step)


def test_a_page_never_says_that_somebody_is_well_again() -> None:
    words, told = "TICKET 17", as_written("TICKET 17")
    state, severity = AlertState.CLOSED, Severity.CRITICAL
    facts = AlertFacts(uuid4(), 7, AlertKind.ADVERSE_EVENT, "a3", severity, state, words, T0, None, None, told)
    assert short_words(DueKind.RECOVERY, [facts]).startswith("OVER 7 a3")
