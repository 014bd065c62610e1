"""Those who sit are given more; slips are shown at the exit, of whatever visit."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.proof.clinic import Clinic
from tests.proof.further import Mishap, given_more
from tests.proof.steps_of_visits import NUMBERS


class FurtherSteps(RuleBasedStateMachine):
    """What happens to those who sit and are given more; ``clinic`` is the machine's."""

    clinic: Clinic

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS, mishap=st.sampled_from(Mishap))
    def somebody_is_given_more(self, number: int, mishap: Mishap) -> None:
        sitting = self.clinic.sitting()
        if sitting:
            given_more(self.clinic, sitting[number % len(sitting)], mishap)

    @rule(number=NUMBERS)
    def a_slip_is_shown_at_the_exit(self, number: int) -> None:
        visits = self.clinic.visits()[-6:]
        if visits:
            self.clinic.show_slip(visits[number % len(visits)])
