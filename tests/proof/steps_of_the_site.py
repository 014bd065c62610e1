"""What holds the whole site up: its opening and safeguards, stop orders, corrections of what was recorded."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from clinic_server.opening.rules import Safeguard
from clinic_server.stock.rules import StopScope
from clinic_server.stock.stops import NewStop
from tests.proof.clinic import Clinic

NUMBERS = st.integers(0, 5)


class SiteSteps(RuleBasedStateMachine):
    """Acts of the site's lead; ``clinic`` is the machine's."""

    clinic: Clinic

    @initialize(is_open=st.sampled_from([True, True, True, False]))
    def the_day_begins(self, is_open: bool) -> None:
        if is_open:
            self.clinic.open_site()

    @rule()
    def the_site_opens(self) -> None:
        self.clinic.open_site()

    @rule(safeguard=st.sampled_from(Safeguard), what=st.sampled_from(["gone", "back", "back", "closed"]))
    def a_safeguard_goes_or_comes(self, safeguard: Safeguard, what: str) -> None:
        if what == "closed":
            self.clinic.close_site()
        else:
            self.clinic.safeguard(safeguard, stands=what == "back")

    @precondition(lambda self: bool(self.clinic.codes))
    @rule(scope=st.sampled_from(StopScope), number=NUMBERS)
    def something_is_stopped(self, scope: StopScope, number: int) -> None:
        codes = self.clinic.codes[-6:]
        targets = {StopScope.UNIT: codes[number % len(codes)], StopScope.PRODUCT: "double"}
        self.clinic.stop(NewStop(scope, targets.get(scope, ""), "asked for by the county"))

    @precondition(lambda self: bool(self.clinic.stops))
    @rule(number=NUMBERS, by_two=st.sampled_from([True, True, False]))
    def a_stop_is_lifted(self, number: int, by_two: bool) -> None:
        stop_id, lead = self.clinic.stops[number % len(self.clinic.stops)], self.clinic.cast.lead
        self.clinic.lift(stop_id, self.clinic.cast.first_aider if by_two else lead, lead)

    @rule(number=NUMBERS, put_back=st.booleans())
    def a_dose_is_denied(self, number: int, put_back: bool) -> None:
        self.clinic.deny(number, put_back=put_back)
