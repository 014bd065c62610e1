"""The machine: people, stations, lots, a clock and faults in any order; after each step every invariant is asked."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

from clinic_server.kit.schema import upgrade
from tests.peers import PostgresServer
from tests.proof.clinic import KEYRING, Cast, Clinic, Place, PostgresPlace, SqlitePlace
from tests.proof.invariants import altered, violations
from tests.proof.rows import Rows
from tests.proof.steps_of_faults import FaultSteps
from tests.proof.steps_of_stock import StockSteps
from tests.proof.steps_of_visits import VisitSteps

STEPS_OF_AN_EXAMPLE = 40
Reached = Counter[str]


def machine_at(place: Place, cast: Cast, reached: Reached) -> type[RuleBasedStateMachine]:
    """Return the machine of one place; ``reached`` counts what its examples came to, so that a run can say so."""

    class Machine(VisitSteps, StockSteps, FaultSteps):
        def __init__(self) -> None:
            super().__init__()
            self.clinic = Clinic(place, cast)
            self._seen: Rows | None = None
            reached["examples"] += 1

        @invariant()
        def every_invariant_holds(self) -> None:
            head = self.clinic.head()
            if self._seen is not None and head == len(self._seen.all("journal")):
                return
            rows = self.clinic.db.read_now(lambda connection: Rows.read(connection, KEYRING, self.clinic.db.site.zone))
            found = [*violations(rows), *(altered(self._seen, rows) if self._seen else ())]
            assert found == []
            self._seen = rows

        def teardown(self) -> None:
            self.clinic.close()
            for table in ("visit", "permit", "dose", "departure", "refusal"):
                reached[table] += len(self._seen.all(table)) if self._seen else 0

    return Machine


def play(place: Place, cast: Cast, *, examples: int, chosen_seed: int | None = None, shrink: bool = False) -> Reached:
    """Play so many examples; raise what broke an invariant, with the steps that led there."""
    reached = Reached()
    phases = (Phase.generate, Phase.shrink) if shrink else (Phase.generate,)
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        deadline=None,
        database=None,
        derandomize=chosen_seed is None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    machine = machine_at(place, cast, reached)
    run_state_machine_as_test(machine if chosen_seed is None else seed(chosen_seed)(machine), settings=how)
    return reached


@contextmanager
def place_on(engine: str) -> Iterator[SqlitePlace | PostgresPlace]:
    """Yield where the clinics of one run lie; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="clinic-machine-") as name:
        folder = Path(name)
        if engine == "sqlite":
            blank = folder / "blank.db"
            upgrade(f"sqlite:///{blank}")
            yield SqlitePlace(folder, blank)
            return
        server = PostgresServer(folder)
        try:
            url = server.new_database()
            upgrade(url)
            yield PostgresPlace(server, url.rpartition("/")[2].partition("?")[0])
        finally:
            server.stop()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(exist_ok=True)
