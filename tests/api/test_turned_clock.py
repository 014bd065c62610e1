"""The server's clock is set back: what it had dated later neither hides a fridge that fails nor lets vaccine go."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from clinic_server.alerts.rules import AlertKind, Severity
from clinic_server.cold_chain import actions as cold_chain
from clinic_server.cold_chain.course.lookup import hours_of
from clinic_server.cold_chain.course.rules import Span
from clinic_server.cold_chain.course.tables import reading_hour, rebuild_hours
from clinic_server.cold_chain.excursions import actions
from clinic_server.cold_chain.excursions.doubts import say_doubts
from clinic_server.cold_chain.excursions.lookup import verdicts_of
from clinic_server.cold_chain.excursions.rules import DispositionKind, EvaluationNeeded, NewDisposition, Verdict
from clinic_server.cold_chain.excursions.tables import excursion_now
from clinic_server.cold_chain.judge import judge
from clinic_server.cold_chain.judging import Point
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.rules import Condition, Sample
from clinic_server.cold_chain.tables import (
    IS_SET_ASIDE,
    heard_probe,
    is_set_aside,
    latest_reading,
    probe,
    reading,
    to_unix_ms,
)
from clinic_server.kit.access import Actor
from clinic_server.kit.db import Database
from clinic_server.kit.journal import verify
from clinic_server.staff.rules import Role
from tests.api.test_excursions import (
    CODES,
    DEVICES,
    _figures,
    alerts,
    found,
    gaps,
    is_held,
    listens,
    one,
    stands,
    temperatures,
    unit_id,
)
from tests.api.visitors import a_colleague, a_lot, a_product, rows_in
from tests.conftest import ManualClock

YEARS_MIN = 5 * 365 * 24 * 60
HOUR_MIN = 60
DAY_MIN = 24 * HOUR_MIN


@pytest.fixture(name="fridge")
def _fridge(db: Database) -> Database:
    """A fridge with three units and a probe that has no clock of its own."""
    a_product(db)
    a_lot(db, *CODES[:3], bench=None)
    stands(db)
    return db


@pytest.fixture(name="keeper")
def _keeper(db: Database) -> Actor:
    return a_colleague(db, Role.COLD_CHAIN_KEEPER)


def lives(db: Database, *milli_celsius: int) -> None:
    """A minute passes, and a reading counts from its arrival."""
    for value in milli_celsius:
        db.clock.pass_time(minutes=1)  # type: ignore[attr-defined]  # a clock of the tests
        sample = Sample("p1", 1, int(db.clock.steady()), None, value)
        db.write_now(lambda tx, one=sample: cold_chain.store_readings(tx, [one]), DEVICES)  # type: ignore[misc]  # a loop's lambda


def hears(db: Database, *samples: Sample) -> None:
    db.write_now(lambda tx: cold_chain.store_readings(tx, samples), DEVICES)


def kept_hours(db: Database) -> list[Any]:
    return db.read_now(lambda c: sorted(map(tuple, c.execute(select(reading_hour)))))


def last_verdicts(db: Database) -> list[Verdict]:
    (excursion_id,) = {each.excursion_id for each in found(db)}
    return [line.verdict for line in db.read_now(lambda c: verdicts_of(c, excursion_id))]


def condition(db: Database) -> Condition:
    (place,) = db.read_now(lambda c: cold_chain.overview(c, db.clock.now())).places
    return place.condition


@pytest.mark.parametrize(
    ("ahead_min", "back_min"),
    [(0, HOUR_MIN), (3 * HOUR_MIN, 3 * HOUR_MIN), (YEARS_MIN, YEARS_MIN), (0, 7)],
    ids=["back by an hour", "set right by three hours", "set right by five years", "back by seven minutes"],
)
def test_a_fridge_that_warms_after_the_clock_was_set_back_calls_somebody_in_time(
    fridge: Database, clock: ManualClock, ahead_min: int, back_min: int
) -> None:
    """As soon as the profile says by the readings since: ten minutes out of range, and never at the earlier time."""
    lives(fridge, *[5_000] * 5)
    clock.step(minutes=ahead_min)
    lives(fridge, *[5_000] * 70)
    clock.step(minutes=-back_min)
    lives(fridge, 7_000, *[9_400] * 10)
    assert found(fridge) == []
    lives(fridge, 9_400)
    seen = one(fridge)
    assert seen.is_open
    assert seen.began_at == clock.now() - timedelta(minutes=10)
    assert all(is_held(fridge, code) for code in CODES[:3])
    assert alerts(fridge)[AlertKind.TOO_WARM] == (Severity.ALARM, "+9.4C 10MIN")
    assert condition(fridge) is Condition.TOO_WARM
    assert fridge.read_now(lambda c: verify(c, fridge.keyring.journal_key)).faults == []


def test_a_clock_that_was_set_back_is_said_and_its_readings_stay_as_they_came(
    fridge: Database, clock: ManualClock
) -> None:
    lives(fridge, *[5_000] * 30)
    clock.step(minutes=-20)
    lives(fridge, 5_000)
    told = "CLOCK WAS SET, SOME READINGS SET ASIDE"
    fridge.write_now(say_doubts, DEVICES)
    assert alerts(fridge) == {AlertKind.CLOCK_WRONG: (Severity.WARNING, told)}
    (aside,) = fridge.read_now(
        lambda c: c.execute(select(func.count()).select_from(reading).where(IS_SET_ASIDE)).scalars().all()
    )
    assert aside == 19
    kept = fridge.read_now(lambda c: cold_chain.readings_since(c, "p1", clock.now() - timedelta(days=1)))
    assert len(kept) == 31


def test_a_clock_set_back_by_less_than_a_probe_may_be_ahead_sets_nothing_aside(
    fridge: Database, clock: ManualClock
) -> None:
    lives(fridge, *[5_000] * 30)
    clock.step(minutes=-5)
    lives(fridge, 5_000)
    assert alerts(fridge) == {}


def test_what_lasts_when_the_clock_is_set_back_lasts_until_readings_end_it(
    fridge: Database, clock: ManualClock, keeper: Actor
) -> None:
    """Nothing is withdrawn by a clock: vaccine that was held stays so, and only an evaluation releases it."""
    clock.step(minutes=3 * HOUR_MIN)
    lives(fridge, 5_000, 7_000, *[9_400] * 12)
    before = one(fridge)
    clock.step(minutes=-3 * HOUR_MIN + 30)
    listens(fridge)
    lives(fridge, 9_400, 7_000, 5_000, 5_000)
    listens(fridge)
    assert (one(fridge).is_open, one(fridge).max_milli_celsius) == (True, before.max_milli_celsius)
    assert alerts(fridge)[AlertKind.TOO_WARM][0] is Severity.ALARM
    lives(fridge, *[5_000] * 6)
    listens(fridge)
    seen = one(fridge)
    assert (seen.is_open, seen.is_withdrawn, seen.began_at) == (False, False, before.began_at)
    assert last_verdicts(fridge) == [Verdict.OPENED, Verdict.ENDED]
    assert AlertKind.TOO_WARM not in alerts(fridge)
    release = NewDisposition(seen.excursion_id, [unit_id(fridge, CODES[0])], DispositionKind.RELEASED, "it is fine")
    with pytest.raises(EvaluationNeeded):
        fridge.write_now(lambda tx: actions.decide(tx, release), keeper)
    assert is_held(fridge, CODES[0])


def test_what_lasts_by_an_earlier_clock_is_told_once_a_new_one_is_found(fridge: Database, clock: ManualClock) -> None:
    lives(fridge, 5_000, 7_000, *[9_400] * 12)
    clock.step(minutes=-13)
    lives(fridge, *[9_400] * 12)
    listens(fridge)
    assert [each.is_open for each in found(fridge)] == [True, True]
    lives(fridge, 7_000, *[5_000] * 7)
    listens(fridge)
    assert [each.is_open for each in found(fridge)] == [False, False]
    assert AlertKind.TOO_WARM not in alerts(fridge)


def test_a_probe_that_falls_silent_as_the_clock_is_set_back_is_missed_in_time(
    fridge: Database, clock: ManualClock
) -> None:
    """What it said by the earlier clock makes it neither heard nor in range."""
    lives(fridge, *[5_000] * 90)
    clock.step(minutes=-HOUR_MIN)
    listens(fridge)
    clock.pass_time(minutes=10)
    listens(fridge)
    assert AlertKind.NO_DATA not in alerts(fridge)
    clock.pass_time(minutes=1)
    listens(fridge)
    assert alerts(fridge)[AlertKind.NO_DATA] == (Severity.ALARM, "NO DATA SINCE 09:30")
    assert condition(fridge) is Condition.SILENT


def test_silence_by_the_earlier_clock_ends_with_what_that_clock_showed_last(
    fridge: Database, clock: ManualClock
) -> None:
    clock.step(minutes=3 * HOUR_MIN)
    lives(fridge, 5_000)
    clock.pass_time(minutes=15)
    listens(fridge)
    set_at = clock.now()
    clock.step(minutes=-3 * HOUR_MIN)
    lives(fridge, 5_000)
    (gap,) = [each for each in gaps(fridge) if each.from_at > clock.now()]
    assert gap.until_at == set_at + timedelta(minutes=1)
    lives(fridge, 5_000)
    assert all(each.until_at for each in gaps(fridge))


def test_vaccine_that_came_while_the_clock_was_ahead_is_held_where_it_stands(
    fridge: Database, clock: ManualClock
) -> None:
    lives(fridge, 5_000)
    clock.step(minutes=3 * HOUR_MIN)
    a_lot(fridge, *CODES[3:5], number="LATER", bench=None)
    lives(fridge, *[5_000] * 5)
    clock.step(minutes=-3 * HOUR_MIN)
    lives(fridge, 7_000, *[9_400] * 11)
    assert all(is_held(fridge, code) for code in CODES[:5])


def test_a_course_draws_no_reading_by_the_earlier_clock(fridge: Database, clock: ManualClock) -> None:
    lives(fridge, *[5_000] * 30)
    clock.step(minutes=-20)
    lives(fridge, *[6_000] * 25)
    span = Span(to_unix_ms(clock.now() - timedelta(hours=1)), to_unix_ms(clock.now() + timedelta(hours=1)))
    pieces = fridge.read_now(lambda c: hours_of(c, 1, span))
    assert sum(piece.readings for piece in pieces) == 11 + 25
    kept = fridge.read_now(lambda c: c.execute(select(reading_hour)).all())
    fridge.write_now(lambda tx: rebuild_hours(tx.connection), DEVICES)
    assert fridge.read_now(lambda c: c.execute(select(reading_hour)).all()) == kept


def test_a_clock_that_shows_another_year_for_a_minute_takes_nothing_away(fridge: Database, clock: ManualClock) -> None:
    """What was set aside counts again by itself, as if the clock had never been turned."""
    lives(fridge, *[5_000] * 30, 7_000, *[9_400] * 12)
    before, hours = one(fridge), kept_hours(fridge)
    clock.step(days=-20_000)
    listens(fridge)
    assert kept_hours(fridge) == []
    assert one(fridge) == before, "what was found stands as it was found"
    assert condition(fridge) is Condition.NEVER_SEEN, "by this clock nothing was"
    lives(fridge, 9_400)
    clock.step(days=20_000)
    listens(fridge)
    assert kept_hours(fridge) == hours
    lives(fridge, 9_400, 7_000, *[5_000] * 9)
    seen = one(fridge)
    assert (seen.began_at, seen.out_minutes, seen.is_open) == (before.began_at, before.out_minutes + 2, False)
    assert last_verdicts(fridge) == [Verdict.OPENED, Verdict.ENDED]


def test_nothing_is_set_aside_of_a_clock_that_ran_for_years(fridge: Database, clock: ManualClock) -> None:
    """Then it is the present one that is wrong: what it dates is kept, is not judged, and somebody is called."""
    lives(fridge, 5_000)
    clock.pass_time(days=8)
    lives(fridge, *[5_000] * 90)
    hours = kept_hours(fridge)
    clock.step(days=-30)
    lives(fridge, *[5_000] * 3)
    listens(fridge)
    assert kept_hours(fridge) == hours
    assert found(fridge) == []
    assert condition(fridge) is Condition.SILENT
    assert alerts(fridge)[AlertKind.NO_DATA] == (Severity.ALARM, "NOT JUDGED, CLOCK SET BACK BEFORE 10:31")
    clock.step(days=30)
    lives(fridge, 5_000, 7_000, *[9_400] * 11)
    listens(fridge)
    assert one(fridge).is_open
    assert AlertKind.NO_DATA not in alerts(fridge)


def test_a_year_ahead_since_an_hour_is_set_right(fridge: Database, clock: ManualClock) -> None:
    clock.pass_time(days=8)
    lives(fridge, *[5_000] * 3)
    clock.step(days=365)
    lives(fridge, *[5_000] * 60)
    clock.step(days=-365)
    lives(fridge, 7_000, *[9_400] * 11)
    assert one(fridge).is_open
    assert alerts(fridge)[AlertKind.TOO_WARM] == (Severity.ALARM, "+9.4C 10MIN")


def test_readings_by_a_clock_set_back_by_minutes_are_found_again(db: Database, clock: ManualClock) -> None:
    """They came later, by their own time, than the run ended that they belong to."""
    stands(db)
    lives(db, 5_000)
    clock.step(minutes=-4)
    clock.pass_time(minutes=1)
    listens(db)
    clock.step(days=-20_000)
    listens(db)
    agrees(db, "p1")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.tuples(temperatures, st.sampled_from([-20_000 * DAY_MIN, -90, -31, -6, -4, 6, 31, 90, 365 * DAY_MIN])),
        min_size=1,
        max_size=4,
    ),
    is_set_right=st.booleans(),
    has_clock=st.booleans(),
    data=st.data(),
)
def test_what_is_found_is_what_the_readings_that_count_say_whatever_their_order(
    db: Database,
    parts: list[tuple[list[tuple[int, int]], int]],
    is_set_right: bool,
    has_clock: bool,
    data: st.DataObject,
) -> None:
    """Invariant 39 over turns of the clock: order, repetition and delay within a run of it change nothing."""
    clock: Any = db.clock
    probe_id = f"p{rows_in(db)}"
    stands(db, "fridge-1", probe_id)
    seq = turned_min = 0
    for values, minutes in parts:
        said = [value for value, times in values for _ in range(times)]
        if has_clock:
            at = clock.now()
            samples = [
                Sample(probe_id, 1, seq + n, at + timedelta(minutes=n + 1), value) for n, value in enumerate(said)
            ]
            clock.pass_time(minutes=len(samples) + 1)
            order = data.draw(st.permutations(samples)) + data.draw(st.lists(st.sampled_from(samples), max_size=5))
            while order:
                size = data.draw(st.integers(1, len(order)))
                hears(db, *order[:size])
                order = order[size:]
        else:
            for n, value in enumerate(said):
                clock.pass_time(minutes=1)
                hears(db, Sample(probe_id, 1, seq + n, None, value))
        seq += 1_000
        clock.step(minutes=minutes)
        turned_min += minutes
        if data.draw(st.booleans()):
            listens(db)
    for minutes in [-turned_min, 0] if is_set_right else [0, -turned_min]:  # before the next example it is, too
        clock.step(minutes=minutes)
        listens(db)
        agrees(db, probe_id)


def agrees(db: Database, probe_id: str) -> None:
    """Hold everything that is derived against the readings that count."""
    number, stood_from_ms = db.read_now(
        lambda c: c.execute(
            select(heard_probe.c.number, probe.c.assigned_at)
            .join(probe, probe.c.probe_id == heard_probe.c.probe_id)
            .where(probe.c.probe_id == probe_id)
        ).one()
    )
    counts = db.read_now(
        lambda c: c.execute(
            select(reading.c.at_unix_ms, reading.c.milli_celsius).where(reading.c.probe == number, ~IS_SET_ASIDE)
        ).all()
    )
    points = [Point(*row) for row in counts if row.at_unix_ms >= to_unix_ms(stood_from_ms)]
    wanted = judge(profile_of("cn-clinic-2-8"), points, max(points).at_unix_ms).breaches if points else ()
    stands_for_itself = ~is_set_aside(excursion_now.c.turn_seq, excursion_now.c.last_out_unix_ms, excursion_now)
    kept = db.read_now(
        lambda c: c.execute(
            select(excursion_now)
            .join(probe, probe.c.id == excursion_now.c.placement_id)
            .where(~excursion_now.c.is_withdrawn, stands_for_itself, probe.c.probe_id == probe_id)
        ).all()
    )
    assert sorted(map(_figures, kept)) == sorted(map(_figures, wanted))
    latest = db.read_now(
        lambda c: c.execute(
            select(func.max(latest_reading.c.at_unix_ms)).where(latest_reading.c.probe == number)
        ).scalar()
    )
    assert latest == max((row.at_unix_ms for row in counts), default=None)
    hours = kept_hours(db)
    db.write_now(lambda tx: rebuild_hours(tx.connection), DEVICES)
    assert kept_hours(db) == hours
