"""Thirty minutes stay thirty minutes: doses between set clocks, restarts and commits that fail, beside a stopwatch."""

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, event, update
from sqlalchemy.exc import OperationalError

from clinic_server.kit.access import system_actor
from clinic_server.kit.clock_watch import keep_time
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.db import Database
from clinic_server.kit.errors import Unavailable
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import verify
from clinic_server.kit.tx import Site, Tx
from clinic_server.visits.flow import Stage
from clinic_server.visits.tables import visit_now
from clinic_server.visits.watch import Watched, start_watch, watched
from tests.api.visitors import a_visit
from tests.conftest import ManualClock

ACTOR = system_actor("test")
KEYRING = Keyring(bytes(range(32)))
NAMES = ("王小明", "李建国", "陈淑芬")
WHO = st.integers(0, len(NAMES) - 1)
SECONDS = st.sampled_from([1, 2, 59, 600, 1799, 1800])
STEPS_S = st.sampled_from([-40_000_000, -5400, -1801, -3, -1, 1, 3, 59, 1801, 5400, 40_000_000])


@dataclass(slots=True)
class Seat:
    """Until which second of the stopwatch somebody sits, and how many seconds they must have been watchable."""

    due_s: float
    provable_s: float


@dataclass(slots=True)
class Stopwatch:
    """What may be counted, beside a wall clock; ``told_s`` is the wall clock as records tell it."""

    counted_s: float = 0.0
    watchable_s: float = 0.0
    wall_s: float = 0.0
    told_s: float = 0.0
    written: tuple[float, float] = (0.0, 0.0)
    machine_offs: int = 0
    seats: dict[UUID, Seat] = field(default_factory=dict)

    def run(self, seconds: float) -> None:
        self.counted_s += seconds
        self.watchable_s += seconds
        self.wall_s += seconds
        self.told_s += seconds

    def write(self) -> None:
        if abs(self.wall_s - self.told_s) > 2:
            self.told_s = self.wall_s
        self.written = self.counted_s, self.told_s

    def lose_power(self, wall_moves_s: float) -> None:
        """What was counted since the last write is known by the wall clock alone."""
        self.wall_s += wall_moves_s
        counted_s, told_s = self.written
        self.counted_s = counted_s + max(0.0, self.wall_s - told_s)
        self.told_s = max(told_s, self.wall_s)
        self.machine_offs += 1

    def minutes_left(self, visit_id: UUID) -> int:
        return max(0, -int((self.counted_s - self.seats[visit_id].due_s) // 60))


def opened(url: str, clock: ManualClock) -> Database:
    return Database(url, site=Site("TEST", 1), keyring=KEYRING, clock=clock, ids=Ids(clock))


def seat_people(db: Database) -> list[UUID]:
    """People under observation without the way there; their needle is ``start_watch``."""
    visit_ids = [a_visit(db, name=name) for name in NAMES]
    db.write_now(lambda tx: tx.execute(update(visit_now).values(stage=Stage.OBSERVED)), ACTOR)
    return visit_ids


def dose(visit_id: UUID, minutes: int = 30, then: Callable[[], Any] = lambda: None) -> Callable[[Tx], datetime]:
    def act(tx: Tx) -> datetime:
        due_at = start_watch(tx, visit_id, tx.now, minutes)
        tx.journal("furnished", visit_id)
        then()
        return due_at

    return act


def seen(db: Database) -> dict[UUID, Watched]:
    return {one.visit_id: one for one in db.read_now(watched)}


def together(db: Database, actions: Iterable[Callable[[Tx], Any]]) -> None:
    """Run actions in one commit: they queue up while another one holds the writer."""
    is_held, is_queued = Event(), Event()

    def hold(_tx: Tx) -> None:
        is_held.set()
        is_queued.wait(10)

    first = db._submit(hold, ACTOR)
    is_held.wait(10)
    waiting = [db._submit(action, ACTOR) for action in actions]
    is_queued.set()
    for one in (first, *waiting):
        one.result()


def fail_once(db: Database, *, is_committed: bool) -> None:
    """Let the next commit fail, or let only its answer be lost."""

    def fail(connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("COMMIT" if is_committed else "ROLLBACK")
        raise OperationalError("COMMIT", {}, Exception("database is locked"))

    event.listen(db._writer, "commit", fail, once=True)


class SetClocks(RuleBasedStateMachine):
    """People sit; the clock is set, the server dies, the machine loses power."""

    blank: Path
    people: list[UUID]

    def __init__(self) -> None:
        super().__init__()
        path = self.blank.with_name("example.db")
        for old in path.parent.glob("example.db*"):
            old.unlink()
        shutil.copy(self.blank, path)
        self.clock, self.watch = ManualClock(), Stopwatch()
        self.url = f"sqlite:///{path}"
        self.db = opened(self.url, self.clock)
        self.keep_time()

    def teardown(self) -> None:
        assert self.db.read_now(lambda connection: verify(connection, KEYRING.journal_key)).faults == []
        self.db.close()

    def needle(self, visit_id: UUID, minutes: int) -> None:
        """The model's part of a dose; who sat through unproved time may be kept for longer."""
        wanted_s = minutes * 60
        before = self.watch.seats.get(visit_id, Seat(0, 0))
        sits_s = max(before.due_s, self.watch.counted_s + wanted_s)
        self.watch.seats[visit_id] = Seat(sits_s, self.watch.watchable_s + wanted_s)

    def keep_time(self) -> None:
        self.db.write_now(keep_time, ACTOR)
        self.watch.write()

    def settled(self) -> set[UUID]:
        """Who does not sit through unproved time: for the others a dose adds what is unproved, too."""
        return set(self.people) - {visit_id for visit_id, one in seen(self.db).items() if one.is_unproved}

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self.clock.pass_time(seconds=seconds)
        self.watch.run(seconds)

    @rule(seconds=STEPS_S)
    def somebody_sets_the_clock(self, seconds: int) -> None:
        self.clock.step(seconds=seconds)
        self.watch.wall_s += seconds

    @rule()
    def the_server_looks(self) -> None:
        self.keep_time()

    @rule(who=WHO, minutes=st.sampled_from([30, 60]))
    def a_dose_is_given(self, who: int, minutes: int) -> None:
        if self.people[who] in self.settled():
            self.db.write_now(dose(self.people[who], minutes), ACTOR)
            self.watch.write()
            self.needle(self.people[who], minutes)

    @rule(seconds=STEPS_S)
    def the_clock_is_set_between_two_doses_of_one_commit(self, seconds: int) -> None:
        if not {self.people[0], self.people[1]} <= self.settled():
            return
        setting = dose(self.people[0], then=lambda: self.clock.step(seconds=seconds))
        together(self.db, [setting, dose(self.people[1])])
        self.watch.write()
        self.needle(self.people[0], 30)
        self.watch.wall_s += seconds
        self.watch.write()
        self.needle(self.people[1], 30)

    @rule(is_committed=st.booleans())
    def a_commit_goes_wrong(self, is_committed: bool) -> None:
        fail_once(self.db, is_committed=is_committed)
        with suppress(Unavailable):
            self.db.write_now(keep_time, ACTOR)
        if is_committed:
            self.watch.write()

    @rule()
    def the_server_starts_again(self) -> None:
        self.db.close()
        self.db = opened(self.url, self.clock)

    @rule(off_s=st.sampled_from([-7200, -1, 0, 1, 30, 1200, 1801, 86_400]))
    def the_machine_loses_power(self, off_s: int) -> None:
        before = seen(self.db)
        self.db.close()
        self.clock.start_machine_again(seconds=off_s)
        unwritten_s = self.watch.counted_s - self.watch.written[0]
        self.watch.lose_power(off_s)
        self.db = opened(self.url, self.clock)
        self.keep_time()
        after = seen(self.db)
        grown = [after[key].minutes_left - one.minutes_left for key, one in before.items()]
        assert max(grown, default=0) <= -(-unwritten_s // 60)

    @invariant()
    def everybody_sits_as_long_as_the_stopwatch_says(self) -> None:
        left = {visit_id: one.minutes_left for visit_id, one in seen(self.db).items()}
        assert left == {visit_id: self.watch.minutes_left(visit_id) for visit_id in self.watch.seats}

    @invariant()
    def nobody_is_let_go_who_was_not_watchable_for_so_long(self) -> None:
        for visit_id, one in seen(self.db).items():
            if not one.minutes_left and not one.is_unproved:
                missing_s = self.watch.seats[visit_id].provable_s - self.watch.watchable_s
                assert missing_s <= 2 * self.watch.machine_offs


@pytest.fixture(scope="session", name="blank")
def _blank(blank_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seats") / "blank.db"
    shutil.copy(blank_sqlite, path)
    db = opened(f"sqlite:///{path}", ManualClock())
    SetClocks.people = seat_people(db)
    db.close()
    return path


def test_no_set_clock_and_no_restart_changes_how_long_anybody_sits(blank: Path) -> None:
    SetClocks.blank = blank
    run_state_machine_as_test(
        SetClocks,
        settings=settings(
            max_examples=25,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
