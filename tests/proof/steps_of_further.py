"""Two vaccines at one stay: somebody who is watched is given a further one, with one mishap on the way to it."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from clinic_server.adverse_events.care.actions import call_team
from clinic_server.observation.actions import extend
from clinic_server.observation.rules import ExtensionReason
from clinic_server.screening.rules import DecisionOutcome, Measurements, Proposal
from clinic_server.stock.rules import BodySite
from tests.proof.clinic import FURTHER, Clinic
from tests.proof.steps_of_visits import ALL_TOLD, ALONE, NUMBERS, signed


class Mishap(StrEnum):
    """What happens between asking for a further vaccine and its needle, or at it."""

    NONE = "none"
    SAME_ARM = "same arm"
    STAYS_LONGER = "stays longer"
    REACTS = "reacts"
    UNWELL = "unwell"
    LEAVES = "leaves"
    LEAVES_EARLY = "leaves early"
    GONE = "gone"
    TAKEN_BACK = "taken back"
    ASKED_TWICE = "asked twice"


class FurtherSteps(RuleBasedStateMachine):
    """What happens to those who sit and are given more; ``clinic`` is the machine's."""

    clinic: Clinic

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS, mishap=st.sampled_from(Mishap), sat_minutes=st.sampled_from([0, 10, 31]))
    def somebody_is_given_more(self, number: int, mishap: Mishap, sat_minutes: int) -> None:
        clinic, sitting = self.clinic, self.clinic.sitting()
        if not sitting:
            return
        first = sitting[number % len(sitting)]
        clinic.clock.pass_time(minutes=sat_minutes)
        further: UUID | None = getattr(clinic.ask_for_further(first), "visit_id", None)
        if further is None:
            return
        permit_id = self._further_permit(further)
        self._happens(first, mishap)
        if permit_id is not None:
            arm = BodySite.LEFT_UPPER_ARM if mishap is Mishap.SAME_ARM else BodySite.RIGHT_UPPER_ARM
            clinic.give(clinic.cast.vaccinators[0], permit_id, arm)
        clinic.show_slip(first)
        clinic.clock.pass_time(minutes=20)
        clinic.show_slip(further)

    @rule(number=NUMBERS)
    def a_slip_is_shown_at_the_exit(self, number: int) -> None:
        visits = self.clinic.visits()[-6:]
        if visits:
            self.clinic.show_slip(visits[number % len(visits)])

    def _further_permit(self, further: UUID) -> UUID | None:
        clinic, bench = self.clinic, self.clinic.cast.vaccinators[0]
        clinic.answer(further, {}, Measurements(), "routine")
        recommended = Proposal(DecisionOutcome.RECOMMENDED, FURTHER, "seen and weighed")
        clinic.decide(further, clinic.cast.physicians[0], recommended)
        clinic.sign(further, signed(*ALONE), ALL_TOLD)
        clinic.receive(FURTHER, 1, clinic.today())
        clinic.fetch(bench, clinic.codes[-1])
        return getattr(clinic.ask_permit(further, bench, clinic.codes[-1]), "permit_id", None)

    def _happens(self, first: UUID, mishap: Mishap) -> None:
        clinic, physician = self.clinic, self.clinic.cast.physicians[0]
        acts: dict[Mishap, Callable[[], Any]] = {
            Mishap.STAYS_LONGER: lambda: clinic.act(
                physician, lambda tx: extend(tx, first, 60, ExtensionReason.ORDERED)
            ),
            Mishap.REACTS: lambda: clinic.act(physician, lambda tx: call_team(tx, first, "a3")),
            Mishap.UNWELL: lambda: clinic.look_at(first, is_well=False),
            Mishap.LEAVES: lambda: clinic.leave(first),
            Mishap.LEAVES_EARLY: lambda: clinic.leave_early(first),
            Mishap.GONE: lambda: clinic.is_gone(first),
            Mishap.TAKEN_BACK: lambda: clinic.take_further_back(first),
            Mishap.ASKED_TWICE: lambda: clinic.ask_for_further(first),
        }
        if mishap in acts:
            acts[mishap]()
