"""The ordinary way from the door to home with one slip on it, each of which some guard must catch.

Steps in random order seldom get far enough to meet the last guards; here each of them is met often.
"""

from enum import StrEnum
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from clinic_server.kit.access import Actor
from clinic_server.opening.rules import Safeguard
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal
from clinic_server.staff.rules import QualificationKind
from clinic_server.stock.rules import StopScope
from clinic_server.stock.stops import NewStop
from tests.proof.clinic import PEOPLE, PRODUCTS, Clinic
from tests.proof.further import Mishap, given_more
from tests.proof.steps_of_visits import ALL_TOLD, ALONE, signed


class Slip(StrEnum):
    """What goes wrong on the way."""

    NONE = "none"
    SAID_YES = "said yes"
    UNSURE = "unsure"
    PRESSURE = "blood pressure"
    NO_PHYSICIAN = "no physician"
    PHYSICIAN_LAPSED = "physician lapsed"
    OVER_FIRST_ANSWERS = "over the first answers"
    VACCINATOR_LAPSED = "vaccinator lapsed"
    OTHER_PRODUCT = "other product"
    USED_UNIT = "used unit"
    LOT_ENDED = "lot ended"
    UNCONFIRMED = "unconfirmed"
    HELD = "held"
    ELSEWHERE = "elsewhere"
    OPEN_TOO_LONG = "open too long"
    STOPPED = "stopped"
    LIFTED_ALONE = "lifted alone"
    UNSAFE = "unsafe"
    OTHER_BENCH = "other bench"
    LATE = "late"
    WITHDRAWN = "withdrawn"
    ANSWERED_AGAIN = "answered again"
    SENT_TWICE = "sent twice"
    LEFT_AT_ONCE = "left at once"


AT_THE_QUESTIONS = {Slip.SAID_YES: Answer.YES, Slip.UNSURE: Answer.DONT_KNOW}
TRIP = st.tuples(
    st.integers(0, len(PEOPLE) - 1),
    st.sampled_from(list(PRODUCTS)),
    st.sampled_from(Slip),
    st.sampled_from([*["permit", "chair", "home", "home"] * 2, *Mishap]),
)
ALL_SIT = [(person, "single", Slip.NONE, "chair") for person in (0, 1, 6, 7)]  # grown up, and not old


class SlipSteps(RuleBasedStateMachine):
    """People on their way; ``clinic`` is the machine's."""

    clinic: Clinic

    @initialize(
        trips=st.lists(TRIP, min_size=3, max_size=6, unique_by=lambda trip: trip[0]),
        all_sit=st.sampled_from([False] * 7 + [True]),
    )
    def the_morning(self, trips: list[tuple[int, str, Slip, str]], all_sit: bool) -> None:
        """Let some people through before anything goes on at random: a random step alone is one of many.

        On one morning in eight all that came sit under observation: only there can reactions be alike.
        """
        for trip in ALL_SIT if all_sit else trips:
            self._go(*trip)

    @rule(trip=TRIP)
    def somebody_goes_the_ordinary_way(self, trip: tuple[int, str, Slip, str]) -> None:
        self._go(*trip)

    def _go(self, person: int, product: str, slip: Slip, further: str) -> None:
        clinic = self.clinic
        clinic.open_unless_open()
        visit_id: UUID | None = getattr(clinic.check_in(PEOPLE[person]), "visit_id", None)
        if visit_id is None:
            return
        self._at_the_physician(visit_id, product, slip)
        clinic.sign(visit_id, signed(*ALONE), ALL_TOLD)
        permit_id = self._permit(visit_id, product, slip)
        if permit_id is not None and further != "permit":
            self._needle(visit_id, permit_id, slip)
            self._way_out(visit_id, slip, further)
        if slip is Slip.UNSAFE:
            clinic.safeguard(Safeguard.AMBULANCE, stands=True)

    def _at_the_physician(self, visit_id: UUID, product: str, slip: Slip) -> None:
        clinic, physicians = self.clinic, self.clinic.cast.physicians
        said = {0: AT_THE_QUESTIONS[slip]} if slip in AT_THE_QUESTIONS else {}
        measured = Measurements(36_600, 150, 95) if slip is Slip.PRESSURE else Measurements()
        clinic.answer(visit_id, said, measured)
        over = None
        if slip is Slip.OVER_FIRST_ANSWERS:
            over = clinic.first_answers(visit_id)
            clinic.answer(visit_id, {}, Measurements())
        if slip is Slip.PHYSICIAN_LAPSED:
            clinic.certify(physicians[2], QualificationKind.PHYSICIAN, -1)
        unqualified = slip in {Slip.NO_PHYSICIAN, Slip.PHYSICIAN_LAPSED}
        proposal = Proposal(DecisionOutcome.RECOMMENDED, product)
        clinic.decide(visit_id, physicians[2 if unqualified else 0], proposal, over=over)

    def _permit(self, visit_id: UUID, product: str, slip: Slip) -> UUID | None:
        clinic, vaccinators = self.clinic, self.clinic.cast.vaccinators
        other = next(code for code in PRODUCTS if code != product)
        clinic.receive(other if slip is Slip.OTHER_PRODUCT else product, 1, clinic.today())
        code = clinic.codes[-1]
        if slip is Slip.USED_UNIT:
            code = clinic.used_up(product) or code
        if slip is Slip.LOT_ENDED:
            clinic.pass_midnight()
            clinic.open_site()  # it is open: whoever watched over the evening only signs in again
        if slip is Slip.VACCINATOR_LAPSED:
            clinic.certify(vaccinators[2], QualificationKind.VACCINATOR, -1)
        if slip in {Slip.STOPPED, Slip.LIFTED_ALONE}:
            clinic.stop(NewStop(StopScope.UNIT, code, "asked for by the county"))
        if slip is Slip.LIFTED_ALONE:
            clinic.lift(clinic.stops[-1], clinic.cast.lead, clinic.cast.lead)
        if slip is Slip.UNSAFE:
            clinic.safeguard(Safeguard.AMBULANCE, stands=False)
        bench = vaccinators[2 if slip is Slip.VACCINATOR_LAPSED else 0]
        self._of_the_unit(bench, code, slip)
        granted = clinic.ask_permit(visit_id, bench, code, unconfirmed=1 if slip is Slip.UNCONFIRMED else 0)
        return getattr(granted, "permit_id", None)

    def _of_the_unit(self, bench: Actor, code: str, slip: Slip) -> None:
        """Bring the unit to the bench, or let it stay elsewhere, be set apart, or stand open too long."""
        if slip is not Slip.ELSEWHERE:
            self.clinic.fetch(bench, code)
        if slip is Slip.HELD:
            self.clinic.hold(code)
        if slip is Slip.OPEN_TOO_LONG:
            self.clinic.open_unit(code)
            self.clinic.clock.pass_time(minutes=61)

    def _needle(self, visit_id: UUID, permit_id: UUID, slip: Slip) -> None:
        clinic, vaccinators = self.clinic, self.clinic.cast.vaccinators
        if slip is Slip.LATE:
            clinic.clock.pass_time(minutes=6)
        if slip is Slip.WITHDRAWN:
            clinic.consent_falls(visit_id, "withdraw")
        if slip is Slip.ANSWERED_AGAIN:
            clinic.answer(visit_id, {}, Measurements())
        if slip is Slip.OTHER_BENCH:
            clinic.certify(vaccinators[1], QualificationKind.VACCINATOR, 30)
        by = {Slip.OTHER_BENCH: 1, Slip.VACCINATOR_LAPSED: 2}.get(slip, 0)
        clinic.give(vaccinators[by], permit_id)
        if slip is Slip.SENT_TWICE:
            clinic.send_again(clinic.sent[-1])

    def _way_out(self, visit_id: UUID, slip: Slip, further: str) -> None:
        if slip is Slip.LEFT_AT_ONCE:
            self.clinic.leave(visit_id)
        if isinstance(further, Mishap):
            self.clinic.clock.pass_time(minutes=28)
            given_more(self.clinic, visit_id, further)
        if further == "home":
            self.clinic.clock.pass_time(minutes=30)
            self.clinic.leave(visit_id)
