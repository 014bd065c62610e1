"""Which readings count after turns of the clock follows from the turns alone, and is undone with them."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from clinic_server.cold_chain.stretches import MOST_ASIDE, SAME_CLOCK, Aside, Run, asides_of, runs_of
from clinic_server.kit.moments import Turn, TurnKind

BEGAN_AT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
YEAR = timedelta(days=365)
spans = st.sampled_from([-56 * YEAR, -YEAR, -HOUR, -timedelta(minutes=20), timedelta(minutes=20), HOUR, YEAR])
turns_told = st.lists(st.tuples(st.integers(0, 20), spans, st.booleans()), max_size=6)


def turned(*told: tuple[timedelta, timedelta]) -> list[Turn]:
    """Return the turns of a clock that ran for so long and was then set by so much, again and again."""
    turns, shown_at = list[Turn](), BEGAN_AT
    for seq, (ran, span) in enumerate(told, 1):
        turns.append(Turn(seq, TurnKind.SET, shown_at + ran, shown_at + ran + span))
        shown_at = turns[-1].to_at
    return turns


def asides(*told: tuple[timedelta, timedelta]) -> dict[int, list[tuple[datetime, datetime]]]:
    found: dict[int, list[tuple[datetime, datetime]]] = {}
    for one in asides_of(runs_of(0, BEGAN_AT, turned(*told))):
        for seq in one.run.turn_seqs:
            found.setdefault(seq, []).append((one.from_at, one.until_at))
    return found


def lies_aside(found: dict[int, list[tuple[datetime, datetime]]], seq: int, at: datetime) -> bool:
    return any(first <= at < until for first, until in found.get(seq, []))


def test_set_back_by_an_hour_what_was_dated_in_that_hour_is_set_aside() -> None:
    found = asides((5 * HOUR, -HOUR))
    assert lies_aside(found, 0, BEGAN_AT + 4.5 * HOUR)
    assert not lies_aside(found, 0, BEGAN_AT + 4 * HOUR)
    assert 1 not in found


def test_set_right_again_what_came_meanwhile_is_set_aside() -> None:
    found = asides((5 * HOUR, -HOUR), (HOUR / 3, HOUR))
    assert 0 not in found
    assert lies_aside(found, 1, BEGAN_AT + 4.2 * HOUR)
    assert 2 not in found


def test_a_year_ahead_for_a_while_leaves_what_was_before() -> None:
    found = asides((5 * HOUR, YEAR), (HOUR, -YEAR))
    assert list(found) == [1]
    assert lies_aside(found, 1, BEGAN_AT + YEAR + 5.5 * HOUR)


def test_of_a_clock_that_ran_for_long_nothing_is_set_aside_and_what_comes_is_not_judged() -> None:
    found = asides((YEAR, -YEAR / 2))
    assert 0 not in found
    assert lies_aside(found, 1, BEGAN_AT + 0.7 * YEAR)
    assert not lies_aside(found, 1, BEGAN_AT + YEAR)


def test_a_clock_that_ran_for_a_week_since_does_not_bring_back_what_was_set_aside() -> None:
    assert list(asides((5 * HOUR, -HOUR), (MOST_ASIDE + HOUR, HOUR))) == [0]


def test_small_turns_set_nothing_aside_however_many() -> None:
    step = -timedelta(minutes=4)
    assert asides((HOUR, step)) == {}
    assert asides(*[(HOUR, step)] * 6) == {}


def test_a_machine_that_was_off_turned_no_clock() -> None:
    turns = [Turn(1, TurnKind.MACHINE_OFF, BEGAN_AT + HOUR, BEGAN_AT + 9 * HOUR)]
    (run,) = runs_of(0, BEGAN_AT, turns)
    assert run.turn_seqs == (0, 1)


@given(told=turns_told)
def test_no_two_runs_count_for_the_same_time(told: list[tuple[int, timedelta, bool]]) -> None:
    runs = runs_of(0, BEGAN_AT, turned(*((timedelta(hours=hours), span) for hours, span, _ in told)))
    counted = [left for run in runs if (left := _counts(run, asides_of(runs))) is not None]
    for earlier, later in pairwise(counted):
        assert earlier[1] - later[0] <= SAME_CLOCK


@given(told=turns_told, last=spans)
def test_a_turn_that_is_undone_at_once_changes_nothing(
    told: list[tuple[int, timedelta, bool]], last: timedelta
) -> None:
    before = [(timedelta(hours=hours + 1), span) for hours, span, _ in told]
    was, now = asides(*before), asides(*before, (HOUR, last), (timedelta(), -last))
    assert {seq: some for seq, some in now.items() if seq < len(before)} == {
        seq: some for seq, some in was.items() if seq < len(before)
    }


@given(told=turns_told)
def test_what_comes_now_counts_unless_a_clock_ran_for_long(told: list[tuple[int, timedelta, bool]]) -> None:
    ran = [timedelta(hours=hours) for hours, _, _ in told]
    assert list(accumulate(ran, initial=timedelta()))[-1] < MOST_ASIDE
    assert len(told) not in asides(*((some, span) for some, (_, span, _) in zip(ran, told, strict=True)))


def _counts(run: Run, found: list[Aside]) -> tuple[datetime, datetime] | None:
    """Return from when until when a run's readings count that are dated as they came."""
    begins, ends = run.began_at, run.ended_at
    for one in found:
        if one.run is run and one.from_at <= begins:
            begins = max(begins, one.until_at)
        elif one.run is run:
            ends = min(ends, one.from_at)
    return (begins, ends) if begins < ends else None
