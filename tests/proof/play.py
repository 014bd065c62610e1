"""The machine: people, stations, lots, a clock and faults in any order; after each step every invariant is asked."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test
from sqlalchemy import make_url

from clinic_server.kit.journal import verify
from clinic_server.kit.schema import upgrade
from tests.peers import PostgresServer
from tests.proof.clinic import KEYRING, SITE, Cast, Clinic, Place, PostgresPlace, SqlitePlace
from tests.proof.invariants import altered, violations
from tests.proof.rows import Rows
from tests.proof.steps_of_a_slip import SlipSteps
from tests.proof.steps_of_faults import FaultSteps
from tests.proof.steps_of_further import FurtherSteps
from tests.proof.steps_of_reactions import ReactionSteps
from tests.proof.steps_of_stock import StockSteps
from tests.proof.steps_of_the_site import SiteSteps
from tests.proof.steps_of_visits import VisitSteps

STEPS_OF_AN_EXAMPLE = 20
COUNTED = (
    *("visit", "decision", "consent", "permit", "dose", "departure", "refusal", "sent_back"),
    *("placement", "observation_check", "check_overruled", "left_unseen"),
    *("visit_follows", "further_withdrawn", "exit_scan", "dose_against_rule", "dose_despite_refusal"),
    *("adverse_event", "care_over", "similar_events"),
)
Reached = Counter[str]


def machine_at(place: Place, cast: Cast, reached: Reached) -> type[RuleBasedStateMachine]:
    """Return the machine of one place; ``reached`` counts what its examples came to, so that a run can say so."""

    class Machine(SlipSteps, VisitSteps, ReactionSteps, FurtherSteps, SiteSteps, StockSteps, FaultSteps):
        def __init__(self) -> None:
            super().__init__()
            self.clinic = Clinic(place, cast)
            self._seen = Rows(KEYRING, SITE.zone)
            reached["examples"] += 1

        @invariant()
        def every_invariant_holds(self) -> None:
            if self._seen.head != self.clinic.head():
                self.clinic.db.read_now(self._seen.read_on)
                assert violations(self._seen) == []

        def teardown(self) -> None:
            try:
                self._compare_all_that_was_read()
            finally:
                self.clinic.close()

        def _compare_all_that_was_read(self) -> None:
            """Nothing that was read step by step may have changed since, nor the chain be broken (26)."""
            now = Rows(KEYRING, SITE.zone)
            self.clinic.db.read_now(now.read_on)
            chain = self.clinic.db.read_now(lambda connection: verify(connection, KEYRING.journal_key))
            assert [*chain.faults, *altered(self._seen, now)] == []
            for table in COUNTED:
                reached[table] += len(now.all(table))

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
            yield PostgresPlace(server, str(make_url(url).database))
        finally:
            server.stop()
