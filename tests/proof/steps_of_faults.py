"""What goes wrong: the same request twice, two desks at once, a clock that is set, a process that dies."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.proof.clinic import PEOPLE, Clinic

NUMBERS = st.integers(0, 5)


class FaultSteps(RuleBasedStateMachine):
    """Faults between any two steps; ``clinic`` is the machine's."""

    clinic: Clinic

    @rule(minutes=st.sampled_from([1, 4, 5, 6, 29, 30, 31, 120]))
    def time_passes(self, minutes: int) -> None:
        self.clinic.clock.pass_time(minutes=minutes)

    @rule()
    def the_day_changes(self) -> None:
        """Go to one minute before midnight at the site, or over it."""
        local = self.clinic.clock.now().astimezone(self.clinic.db.site.zone)
        left = 24 * 60 - local.hour * 60 - local.minute
        self.clinic.clock.pass_time(minutes=left - 1 if left > 1 else 2)

    @rule()
    def weeks_pass(self) -> None:
        self.clinic.clock.pass_time(days=21)

    @rule(minutes=st.sampled_from([-90, -31, -6, 6, 31, 90]))
    def somebody_sets_the_clock(self, minutes: int) -> None:
        self.clinic.clock.step(minutes=minutes)

    @precondition(lambda self: bool(self.clinic.sent))
    @rule(number=NUMBERS)
    def a_request_is_sent_again(self, number: int) -> None:
        sent = self.clinic.sent[-6:]
        self.clinic.send_again(sent[number % len(sent)])

    @rule()
    def the_process_is_killed(self) -> None:
        self.clinic.crash()

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS)
    def the_process_dies_while_a_dose_is_recorded(self, number: int) -> None:
        permits = self.clinic.permits[-6:]
        self.clinic.die_in(self.clinic.cast.vaccinators[0], self.clinic.giving(permits[number % len(permits)]))

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS, bench=st.sampled_from([0, 0, 0, 1]), why=st.sampled_from(["it was in", "it was in", ""]))
    def the_needle_was_in(self, number: int, bench: int, why: str) -> None:
        permits = self.clinic.permits[-6:]
        said = self.clinic.needle_was_in(permits[number % len(permits)], why)
        self.clinic.act(self.clinic.cast.vaccinators[bench], said)

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS)
    def the_process_dies_while_a_needle_that_was_in_is_recorded(self, number: int) -> None:
        permits = self.clinic.permits[-6:]
        said = self.clinic.needle_was_in(permits[number % len(permits)], "it was in")
        self.clinic.die_in(self.clinic.cast.vaccinators[0], said)

    @rule(person=st.integers(0, len(PEOPLE) - 1))
    def two_desks_check_in_one_person(self, person: int) -> None:
        arriving = self.clinic.arriving(PEOPLE[person])
        self.clinic.at_once([(self.clinic.cast.registrar, arriving)] * 2)

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(one=NUMBERS, other=NUMBERS, benches=st.sampled_from([(0, 0), (0, 1)]))
    def two_benches_give_at_once(self, one: int, other: int, benches: tuple[int, int]) -> None:
        permits, vaccinators = self.clinic.permits[-6:], self.clinic.cast.vaccinators
        self.clinic.at_once(
            (vaccinators[bench], self.clinic.giving(permits[number % len(permits)]))
            for bench, number in zip(benches, (one, other), strict=True)
        )
