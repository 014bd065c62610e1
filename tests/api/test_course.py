"""Courses of temperature: the hours are the readings added up, and every figure is what plain SQL finds in the raw."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, text

from clinic_server.cold_chain import actions
from clinic_server.cold_chain.course import lookup
from clinic_server.cold_chain.course.lookup import Asked
from clinic_server.cold_chain.course.rules import DAY_MS, HOUR_MS, Bounds, Span
from clinic_server.cold_chain.course.tables import lacks_hours, reading_hour, rebuild_hours
from clinic_server.cold_chain.judging import Gap
from clinic_server.cold_chain.rules import Fault, Sample
from clinic_server.cold_chain.tables import from_unix_ms, reading, to_unix_ms
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from tests.conftest import ManualClock

DEVICES = system_actor("devices")
START = ManualClock().now() - timedelta(days=5)
START_MS = to_unix_ms(START)
FRIDGE = Bounds(2_000, 8_000, 180_000)
SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")

_probe_numbers = count()
seconds = st.integers(-3 * 86_400, 3 * 86_400)
celsius = st.integers(-5_000, 15_000)
samples_of_one_probe = st.lists(
    st.tuples(seconds, celsius, st.sampled_from([None, None, None, Fault.SENSOR_ERROR, Fault.CLOCK_WRONG])), max_size=30
)


def sample(seq: int, at: datetime, milli_celsius: int = 5_000, fault: Fault | None = None, probe: str = "p1") -> Sample:
    return Sample(probe, 1, seq, at, milli_celsius, fault)


def store(db: Database, samples: Sequence[Sample]) -> None:
    db.write_now(lambda tx: actions.store_readings(tx, samples), DEVICES)


def hours(db: Database) -> list[tuple[int, ...]]:
    return [
        tuple(row) for row in db.read_now(lambda c: c.execute(select(reading_hour).order_by("probe", "hour")).all())
    ]


def forget(db: Database) -> None:
    def empty(connection: Connection) -> None:
        for name in ("reading_hour", "latest_reading"):
            connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608  # our own names

    db.write_now(lambda tx: empty(tx.connection), DEVICES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(said=samples_of_one_probe, data=st.data())
def test_hours_are_the_readings_added_up_in_whatever_order_and_batches(
    db: Database, said: list[tuple[int, int, Fault | None]], data: st.DataObject
) -> None:
    known = len(db.read_now(lambda c: c.execute(select(reading.c.seq)).all()))
    made = [
        sample(known + place, START + timedelta(seconds=second), milli_celsius, fault)
        for place, (second, milli_celsius, fault) in enumerate(said)
    ]
    shuffled = data.draw(st.permutations(made + made[: len(made) // 2]))
    cut = data.draw(st.integers(0, len(shuffled)))
    for batch in (shuffled[:cut], shuffled[cut:]):
        store(db, batch)
    kept = hours(db)
    db.write_now(lambda tx: rebuild_hours(tx.connection), DEVICES)
    assert kept == hours(db)


def test_an_old_site_without_hours_is_noticed(db: Database) -> None:
    assert not db.read_now(lacks_hours)
    store(db, [sample(1, START, fault=Fault.SENSOR_ERROR)])
    assert not db.read_now(lacks_hours), "what is not judged has no hour"
    store(db, [sample(2, START)])
    assert not db.read_now(lacks_hours)
    forget(db)
    assert db.read_now(lacks_hours)
    db.write_now(lambda tx: rebuild_hours(tx.connection), DEVICES)
    assert not db.read_now(lacks_hours)


def asked(span: Span, zone: ZoneInfo = SHANGHAI, bounds: Bounds = FRIDGE) -> Asked:
    return Asked.drawn(span, bounds, zone)


def pieces(db: Database, span: Span, zone: ZoneInfo = SHANGHAI) -> list[tuple[int, ...]]:
    found = db.read_now(lambda c: lookup.figures_of(c, 1, span, asked(span, zone))[0])
    return [
        (one.at_unix_ms, one.readings, one.total_milli_celsius, one.min_milli_celsius, one.max_milli_celsius)
        for one in found
    ]


def by_raw(db: Database, span: Span, key: Callable[[int], int]) -> list[tuple[int, ...]]:
    """Group the raw rows by hand."""
    rows = db.read_now(
        lambda c: c.execute(
            text(
                "SELECT at_unix_ms, milli_celsius FROM reading WHERE probe = 1 AND fault IS NULL"
                " AND at_unix_ms >= :begins AND at_unix_ms < :ends"
            ),
            {"begins": span.from_unix_ms, "ends": span.until_unix_ms},
        ).all()
    )
    groups: dict[int, list[int]] = {}
    for at, milli_celsius in rows:
        groups.setdefault(key(at), []).append(milli_celsius)
    return [(at, len(said), sum(said), min(said), max(said)) for at, said in sorted(groups.items())]


def local_midnight(zone: ZoneInfo) -> Callable[[int], int]:
    def key(at: int) -> int:
        on = from_unix_ms(at).astimezone(zone).date()
        return to_unix_ms(datetime(on.year, on.month, on.day, tzinfo=zone))

    return key


def test_short_spans_and_long_ones_say_what_the_raw_rows_say(db: Database) -> None:
    """From odd minute to odd minute, so that both ends cut an hour, a day and the piece of a chart."""
    begins = datetime(2025, 9, 1, 0, 7, 13, tzinfo=UTC)
    made = [
        sample(place, begins + timedelta(minutes=47 * place), (place * 7919) % 9_000 - 1_000) for place in range(5_700)
    ]
    store(db, made)
    first = to_unix_ms(begins) + 5 * 60_000
    day, month, year = (Span(first, first + days * DAY_MS + 11 * 60_000) for days in (1, 30, 180))
    assert pieces(db, day) == by_raw(db, day, lambda at: at - at % 300_000)
    assert pieces(db, month) == by_raw(db, month, lambda at: at - at % HOUR_MS)
    for zone in (SHANGHAI, BERLIN):  # Berlin's clocks are changed in October and in March
        expected = by_raw(db, year, local_midnight(zone))
        assert [one[1:] for one in pieces(db, year, zone)] == [one[1:] for one in expected]
        assert [one[0] for one in pieces(db, year, zone)] == [one[0] for one in expected]


def test_within_one_hour_only_what_is_asked_for_is_told(db: Database) -> None:
    store(db, [sample(place, START + timedelta(minutes=place)) for place in range(60)])
    span = Span(START_MS + 10 * 60_000, START_MS + 15 * 60_000)
    assert sum(one[1] for one in pieces(db, span)) == 5


def gaps(db: Database, span: Span, probe: int = 1) -> Sequence[Gap]:
    return db.read_now(lambda connection: lookup.figures_of(connection, probe, span, asked(span))[1])


def minutes(*numbers: int) -> list[Sample]:
    return [sample(number, START + timedelta(minutes=number)) for number in numbers]


def test_gaps_are_longer_than_three_minutes_and_are_told_at_both_ends(db: Database) -> None:
    store(db, minutes(10, 11, 14, 18, 19))
    at = [START_MS + number * 60_000 for number in range(41)]
    assert gaps(db, Span(at[0], at[40])) == [Gap(at[0], at[10]), Gap(at[14], at[18]), Gap(at[19], at[40])]
    assert gaps(db, Span(at[8], at[22])) == [Gap(at[14], at[18])]
    assert gaps(db, Span(at[30], at[40])) == [Gap(at[30], at[40])], "nothing was said at all"


def test_a_gap_of_hours_is_found_in_years_to_the_minute(db: Database) -> None:
    store(db, minutes(*range(90), *range(400, 500)))
    at = [START_MS + number * 60_000 for number in (0, 89, 400, 499)]
    span = Span(at[0], at[3] + 400 * DAY_MS)
    assert gaps(db, span) == [Gap(at[1], at[2]), Gap(at[3], span.until_unix_ms)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(said=st.dictionaries(st.integers(0, 30), st.integers(0, 10_000), max_size=25), data=st.data())
def test_time_is_spent_in_range_out_of_it_or_unknown_as_a_slow_count_says(
    db: Database, said: dict[int, int], data: st.DataObject
) -> None:
    """One probe for every example: what it said before must not count."""
    probe = f"p-{next(_probe_numbers)}"
    store(db, [sample(at, START + timedelta(minutes=at), celsius, probe=probe) for at, celsius in said.items()])
    first, last = sorted(data.draw(st.tuples(st.integers(-2, 32), st.integers(-2, 32))))
    span = Span(START_MS + first * 60_000 + 20_000, START_MS + last * 60_000 + 50_000)
    number = db.read_now(lookup.numbers_of).get(probe, 0)
    spent = db.read_now(lambda c: lookup.time_spent(c, number, span, FRIDGE))
    seconds = list(range(first * 60 + 20, last * 60 + 50))
    counted = [_state_at(second, said) for second in seconds]
    assert spent.in_range_ms == 1000 * counted.count("in")
    assert spent.out_of_range_ms == 1000 * counted.count("out")
    assert spent.unknown_ms == 1000 * counted.count("unknown")


def _state_at(second: int, said: dict[int, int]) -> str:
    before = [at for at in said if at * 60 <= second]
    after = [at for at in said if at * 60 > second]
    if not before or not after or min(after) - max(before) > 3:
        return "unknown"
    inside = {2_000 <= said[at] <= 8_000 for at in (max(before), min(after))}
    return "unknown" if len(inside) > 1 else "in" if True in inside else "out"


def test_a_histogram_counts_every_judged_reading_once(db: Database) -> None:
    said = [5_000, 5_000, 9_000, -500]
    store(db, [sample(place, START + timedelta(minutes=place), one) for place, one in enumerate(said)])
    store(db, [sample(9, START + timedelta(minutes=9), 85_000, Fault.POWER_ON_VALUE)])
    span = Span(START_MS, START_MS + HOUR_MS)
    assert db.read_now(lambda c: lookup.histogram(c, 1, span)) == {5_000: 2, 9_000: 1, -500: 1}
