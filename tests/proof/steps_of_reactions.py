"""Reactions under observation: the key, the log, the end of the care, what the event is said to be."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from clinic_server.adverse_events.actions import classify
from clinic_server.adverse_events.care.actions import NewEntry, call_team, end, write_line
from clinic_server.adverse_events.care.lookup import standing_calls
from clinic_server.adverse_events.care.rules import Ending, Said, Symptoms
from clinic_server.adverse_events.lookup import open_events
from clinic_server.adverse_events.rules import CareEnd, Classed, Seriousness
from clinic_server.kit.tx import Tx
from tests.proof.clinic import WELL, Clinic

SIGNS = ("fainting", "generalised_urticaria", "dizzy")
CLASSES = {
    "faint": Classed("fainting"),
    "rash": Classed("urticaria"),
    "shock": Classed("anaphylactic_shock", (Seriousness.LIFE_THREATENING,)),
}
ENDINGS = {
    "well": CareEnd.WELL_AGAIN,
    "driven": CareEnd.TRANSFERRED,
    "declined": CareEnd.DECLINED,
}
ACTS = st.sampled_from([*SIGNS, *CLASSES, *ENDINGS, "measured", "tries to leave"])


class ReactionSteps(RuleBasedStateMachine):
    """What happens on the seats; ``clinic`` is the machine's."""

    clinic: Clinic

    @precondition(lambda self: bool(self.clinic.permits))  # before the first of them no dose can be
    @rule(acts=st.lists(ACTS, min_size=1, max_size=5))
    def everybody_observed_reacts(self, acts: list[str]) -> None:
        """All of them: alone, events never gather."""
        sitting = self.clinic.sitting()
        for visit_id in sitting:
            self._act(lambda tx, v=visit_id: call_team(tx, v, "a3"))
        for act in acts:
            self._all(act, sitting)

    def _all(self, act: str, sitting: list[UUID]) -> None:
        if act in ENDINGS:
            for number in self._cared_for()[:1]:
                self._act(lambda tx, n=number: end(tx, n, Ending(ENDINGS[act], "County Hospital", declined_by="王母")))
        elif act in CLASSES:
            for event in self.clinic.db.read_now(open_events):
                self._act(lambda tx, event_id=event.event_id: self._class(tx, event_id, CLASSES[act]))
        elif act == "tries to leave":
            for visit_id in sitting:
                self.clinic.leave(visit_id)
                self.clinic.leave_early(visit_id)
                self.clinic.is_gone(visit_id)
        else:
            said: Said = WELL if act == "measured" else Symptoms((act,))
            for number in self._cared_for():
                self._act(lambda tx, n=number: write_line(tx, n, NewEntry(said)))

    def _act(self, act: Callable[[Tx], Any]) -> None:
        self.clinic.act(self.clinic.cast.physicians[0], act)

    def _cared_for(self) -> list[int]:
        calls = self.clinic.db.read_now(standing_calls)
        return [one.number for one in calls if one.number is not None]

    @staticmethod
    def _class(tx: Tx, event_id: UUID, told: Classed) -> None:
        classify(tx, event_id, told)
        tx.journal("event_classed", event_id)
