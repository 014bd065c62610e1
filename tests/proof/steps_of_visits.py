"""What people and desks do on a visit, in order or not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from clinic_server.consent.rules import InformedItem
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal
from tests.proof.clinic import PEOPLE, PRODUCTS, SEATS, Clinic

NUMBERS = st.integers(0, 5)  # who or which, of those there are
MOSTLY_THE_FIRST = st.sampled_from([0, 0, 0, 0, 1, 2])  # of colleagues: the qualified one comes first
PERSON = (Signer.RECIPIENT, Relationship.SELF, "")
MOTHER = (Signer.GUARDIAN, Relationship.MOTHER, "王母")
BOTH, ALONE, BY_MOTHER = (PERSON, MOTHER), (PERSON,), (MOTHER,)
SITTING = (*SEATS, "stands", "well", "unwell", "overruled", "leaves", "gone")
ALL_TOLD = frozenset(InformedItem)
WHO = st.integers(0, len(PEOPLE) - 1)
PRODUCT = st.sampled_from(list(PRODUCTS))
SIGNERS = st.sampled_from([ALONE, ALONE, BOTH, BY_MOTHER])


def signed(*signers: tuple[Signer, Relationship, str]) -> tuple[Signature, ...]:
    """Return signatures on paper."""
    return tuple(Signature(*who, paper_reason="pad broken") for who in signers)


class VisitSteps(RuleBasedStateMachine):
    """Steps of a visit; ``clinic`` is the machine's."""

    clinic: Clinic

    def some_visit(self, number: int) -> UUID | None:
        """Return one of the youngest visits, which are the ones still open as a rule."""
        visits = self.clinic.visits()[-6:]
        return visits[number % len(visits)] if visits else None

    @rule(person=WHO)
    def somebody_comes(self, person: int) -> None:
        self.clinic.check_in(PEOPLE[person])

    @rule(
        number=NUMBERS,
        said=st.dictionaries(st.integers(0, 3), st.sampled_from(Answer), max_size=1),
        systolic=st.sampled_from([None, 120, 139, 140, 180]),
    )
    def questions_are_answered(self, number: int, said: dict[int, Answer], systolic: int | None) -> None:
        if visit_id := self.some_visit(number):
            measured = Measurements(36_600, systolic, systolic and 80)
            self.clinic.answer(visit_id, said, measured)

    @rule(
        number=NUMBERS,
        physician=MOSTLY_THE_FIRST,
        outcome=st.sampled_from([DecisionOutcome.RECOMMENDED] * 3 + list(DecisionOutcome)),
        product=PRODUCT,
        how=st.tuples(st.sampled_from([None, "seen and weighed"]), st.booleans()),
    )
    def a_decision_is_made(
        self, number: int, physician: int, outcome: DecisionOutcome, product: str, how: tuple[str | None, bool]
    ) -> None:
        """Decide, with a reason or without (``how``), over the latest answers or over the first."""
        reason, is_stale = how
        if visit_id := self.some_visit(number):
            recommended, deferred = outcome is DecisionOutcome.RECOMMENDED, outcome is DecisionOutcome.DEFERRED
            until = self.clinic.today() + timedelta(days=7) if deferred else None
            proposal = Proposal(outcome, product if recommended else None, reason, until)
            over = self.clinic.first_answers(visit_id) if is_stale else None
            self.clinic.decide(visit_id, self.clinic.cast.physicians[physician], proposal, over=over)

    @rule(number=NUMBERS, signers=SIGNERS, missing=st.sampled_from([0, 0, 1]))
    def consent_is_signed(self, number: int, signers: tuple[Any, ...], missing: int) -> None:
        if visit_id := self.some_visit(number):
            self.clinic.sign(visit_id, signed(*signers), frozenset(list(InformedItem)[missing:]))

    @rule(number=NUMBERS)
    def the_dose_is_refused(self, number: int) -> None:
        if visit_id := self.some_visit(number):
            self.clinic.refuse(visit_id)

    @rule(number=NUMBERS, how=st.sampled_from(["withdraw", "invalidate", "dispute", "settle"]))
    def the_consent_falls(self, number: int, how: str) -> None:
        if visit_id := self.some_visit(number):
            self.clinic.consent_falls(visit_id, how)

    @rule(number=NUMBERS)
    def somebody_goes_away(self, number: int) -> None:
        if visit_id := self.some_visit(number):
            self.clinic.abandon(visit_id)

    @rule(number=NUMBERS, early=st.booleans())
    def somebody_leaves(self, number: int, early: bool) -> None:
        if visit_id := self.some_visit(number):
            (self.clinic.leave_early if early else self.clinic.leave)(visit_id)

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS, acts=st.lists(st.sampled_from(SITTING), min_size=1, max_size=4))
    def somebody_sits(self, number: int, acts: list[str]) -> None:
        """Lead somebody who is watched to a seat, look at them, let a physician answer for them, or miss them."""
        sitting = self.clinic.sitting()
        for act in acts if sitting else ():
            self._do_for(sitting[number % len(sitting)], act)

    def _do_for(self, visit_id: UUID, act: str) -> None:
        if act in {*SEATS, "stands"}:
            self.clinic.arrive(visit_id, act if act in SEATS else None)
        elif act in {"well", "unwell"}:
            self.clinic.look_at(visit_id, is_well=act == "well")
        elif act == "overruled":
            self.clinic.overrule(visit_id, self.clinic.cast.physicians[0])
        else:
            (self.clinic.leave if act == "leaves" else self.clinic.is_gone)(visit_id)

    @precondition(lambda self: bool(self.clinic.codes))
    @rule(
        number=NUMBERS,
        bench=MOSTLY_THE_FIRST,
        unit=NUMBERS,
        unconfirmed=st.sampled_from([0, 0, 0, 1]),
        is_fetched=st.booleans(),
    )
    def a_permit_is_asked_for(self, number: int, bench: int, unit: int, unconfirmed: int, is_fetched: bool) -> None:
        if visit_id := self.some_visit(number):
            codes = self.clinic.codes[-6:]
            code = codes[unit % len(codes)]
            vaccinator = self.clinic.cast.vaccinators[bench]
            if is_fetched:
                self.clinic.fetch(vaccinator, code)
            self.clinic.ask_permit(visit_id, vaccinator, code, unconfirmed=unconfirmed)

    @precondition(lambda self: bool(self.clinic.permits))
    @rule(number=NUMBERS, bench=MOSTLY_THE_FIRST)
    def a_dose_is_given(self, number: int, bench: int) -> None:
        permits = self.clinic.permits[-6:]
        self.clinic.give(self.clinic.cast.vaccinators[bench], permits[number % len(permits)])

    @rule(number=NUMBERS, bench=MOSTLY_THE_FIRST)
    def the_bench_sends_somebody_back(self, number: int, bench: int) -> None:
        if visit_id := self.some_visit(number):
            self.clinic.send_back(visit_id, self.clinic.cast.vaccinators[bench])
