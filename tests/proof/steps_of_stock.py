"""Deliveries, what becomes of units, and the certificates of those who work here."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from clinic_server.staff.rules import QualificationKind
from clinic_server.stock.whereabouts import HoldEnd
from tests.proof.clinic import PRODUCTS, STORE, Clinic


class StockSteps(RuleBasedStateMachine):
    """What arrives and what ends; ``clinic`` is the machine's."""

    clinic: Clinic

    @rule(
        product=st.sampled_from(list(PRODUCTS)),
        units=st.integers(1, 2),
        days=st.sampled_from([-1, 0, 0, 1, 30]),
    )
    def a_delivery_comes(self, product: str, units: int, days: int) -> None:
        self.clinic.receive(product, units, self.clinic.today() + timedelta(days=days))

    @rule(
        number=st.integers(0, 30),
        act=st.sampled_from(["bring", "bring", "hold", "release", "destroy", "waste", "open"]),
        place=st.sampled_from([STORE, "bench-1-box", "bench-2-box"]),
    )
    def something_becomes_of_a_unit(self, number: int, act: str, place: str) -> None:
        if not self.clinic.codes:
            return
        code = self.clinic.codes[number % len(self.clinic.codes)]
        {
            "bring": lambda: self.clinic.bring(place, code),
            "hold": lambda: self.clinic.hold(code),
            "release": lambda: self.clinic.decide_about(code, HoldEnd.RELEASED),
            "destroy": lambda: self.clinic.decide_about(code, HoldEnd.DESTROYED),
            "waste": lambda: self.clinic.waste(code),
            "open": lambda: self.clinic.open_unit(code),
        }[act]()

    @rule(number=st.integers(0, 2), kind=st.sampled_from(["physician", "vaccinator"]), days=st.sampled_from([0, 1, 30]))
    def a_certificate_is_entered(self, number: int, kind: str, days: int) -> None:
        cast = self.clinic.cast
        colleague = (cast.physicians if kind == "physician" else cast.vaccinators)[number]
        self.clinic.certify(colleague, QualificationKind(kind), days)
