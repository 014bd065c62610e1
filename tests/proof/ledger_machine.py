"""The ledger's machine: random days of stock with crashes, retries and two at once; each step is summed up."""

import itertools
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from clinic_server.stock.ledger import balances_at
from clinic_server.stock.tables import movement
from tests.proof.clinic import Cast, Place
from tests.proof.ledger_invariants import Stock, faults
from tests.proof.storehouse import BOXES, PLACES, Storehouse

STEPS_OF_AN_EXAMPLE = 20
WHAT = (
    *("receive", "move", "move", "issue", "draw", "draw", "return", "open", "waste", "gain", "overdue"),
    *("hold", "release", "propose", "destroy", "count", "overlook", "explain", "settle"),
)
STORIES = (  # what hardly happens by chance, each of one unit and place
    ("move", "draw", "return", "draw"),
    ("move", "lend", "take back", "issue"),
    ("move", "draw", "draw", "gain", "draw"),
    ("hold", "propose", "destroy", "count", "explain", "settle"),
    ("overlook", "explain", "settle", "count", "explain", "settle"),
    ("move", "draw", "overlook", "explain", "settle", "count", "explain", "settle"),
    ("count", "explain", "settle", "move"),
)
LIVES = st.lists(st.sampled_from(STORIES), min_size=1, max_size=3)
NUMBERS = st.integers(0, 6)
DEEDS = st.tuples(st.sampled_from(WHAT), NUMBERS, st.sampled_from(PLACES))
Deed = tuple[str, int, str]
Reached = Counter[str]


class LedgerSteps(RuleBasedStateMachine):
    """Everything that moves a dose, and everything that goes wrong; ``house`` and ``seen`` are the machine's."""

    house: Storehouse
    seen: dict[datetime, Mapping[tuple[str, UUID], int]]

    @rule(deed=DEEDS)
    def something_is_done(self, deed: Deed) -> None:
        self.house.act(*self.house.deed(*deed))

    @rule(stories=LIVES, number=NUMBERS, place=st.sampled_from(BOXES))
    def what_becomes_of_one_unit(self, stories: list[tuple[str, ...]], number: int, place: str) -> None:
        for what in itertools.chain(*stories):
            self.house.act(*self.house.deed(what, number, place))

    @rule(deed=DEEDS)
    def the_same_is_done_twice_at_once(self, deed: Deed) -> None:
        self.house.at_once([self.house.deed(*deed)] * 2)

    @rule(number=NUMBERS, what=st.sampled_from(["draw", "issue", "move", "waste", "settle"]))
    def two_benches_want_one_unit(self, number: int, what: str) -> None:
        self.house.at_once([self.house.deed("draw", number, BOXES[0]), self.house.deed(what, number, BOXES[1])])

    @rule(deed=DEEDS)
    def the_process_dies_in_the_middle(self, deed: Deed) -> None:
        self.house.die_in(*self.house.deed(*deed))

    @rule()
    def the_process_is_killed(self) -> None:
        self.house.crash()

    @precondition(lambda self: bool(self.house.sent))
    @rule(number=NUMBERS)
    def a_request_is_sent_again(self, number: int) -> None:
        sent = self.house.sent[-6:]
        self.house.send_again(sent[number % len(sent)])

    @rule(minutes=st.sampled_from([1, 59, 61, 600]))
    def time_passes(self, minutes: int) -> None:
        self.seen[self.house.clock.now()] = self.house.db.read_now(Stock).balances()
        self.house.clock.pass_time(minutes=minutes)


def machine_at(place: Place, cast: Cast, reached: Reached) -> type[RuleBasedStateMachine]:
    """Return the machine of one place; ``reached`` counts movements by kind, so that a run can say what it played."""

    class Machine(LedgerSteps):
        def __init__(self) -> None:
            super().__init__()
            self.house, self.seen = Storehouse(place, cast), {}
            self.house.furnish()
            self._head = -1
            reached["examples"] += 1

        @invariant()
        def every_sum_is_right(self) -> None:
            if self._head != (head := self.house.head()):
                self._head = head
                assert faults(self.house.db.read_now(Stock)) == []

        def teardown(self) -> None:
            try:
                for at, balances in self.seen.items():
                    assert self.house.db.read_now(lambda c, at=at: balances_at(c, at)) == balances, at
                kinds = self.house.db.read_now(lambda c: c.execute(select(movement.c.kind)).scalars().all())
                reached.update(kind.value for kind in kinds)
            finally:
                self.house.close()

    return Machine


def play(place: Place, cast: Cast, *, examples: int, chosen_seed: int | None = None, shrink: bool = False) -> Reached:
    """Play so many examples; raise what broke a sum, with the steps that led there."""
    reached = Reached()
    how = settings(
        max_examples=examples,
        stateful_step_count=STEPS_OF_AN_EXAMPLE,
        deadline=None,
        database=None,
        derandomize=chosen_seed is None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    machine = machine_at(place, cast, reached)
    run_state_machine_as_test(machine if chosen_seed is None else seed(chosen_seed)(machine), settings=how)
    return reached
