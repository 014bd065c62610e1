"""The screening desks, where a physician asks, measures and decides, and the desks where consent is signed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.floor import Course
from firmware_stubs.rehearsal.roles import QueueRole
from firmware_stubs.rehearsal.visitors import Plan

DEFERRED_FOR = timedelta(days=14)
_WELL = {"milli_celsius": 36_600, "systolic_mmhg": 124, "diastolic_mmhg": 79}
_MEASURED = {
    Plan.FEVER: {"milli_celsius": 38_400},
    Plan.HIGH_PRESSURE: {"milli_celsius": 36_700, "systolic_mmhg": 172, "diastolic_mmhg": 104},
}
_SAID = {Plan.UNSUITABLE: {"vaccine_allergy": "yes"}, Plan.UNSURE: {"severe_chronic_disease": "dont_know"}}
_DECIDED = {Plan.FEVER: "deferred", Plan.HIGH_PRESSURE: "deferred", Plan.UNSUITABLE: "unsuitable"}


class Physician(QueueRole):
    """Decides first, asks when nobody waits for a decision."""

    stages = ("waiting_for_decision", "waiting_for_screening")

    def serve(self, course: Course) -> None:
        """See QueueRole."""
        if course.stage == "waiting_for_screening":
            self._ask_questions(course)
        else:
            self._decide(course)

    def _ask_questions(self, course: Course) -> None:
        asked = self.seat.ask(f"/api/v1/visits/{course.visit_id}/questions")
        plan = course.visitor.plan
        answers = {question["code"]: "no" for question in asked["questions"]} | _SAID.get(plan, {})
        self.do(course, deeds.answer_questions(course.visit_id, answers, _MEASURED.get(plan, _WELL)))

    def _decide(self, course: Course) -> None:
        seen = self.seat.ask(f"/api/v1/visits/{course.visit_id}/screening")
        self._check_findings(course.visitor.plan, seen)
        outcome = _DECIDED.get(course.visitor.plan, "recommended")
        decision = {"screening_id": seen["screening_id"], "outcome": outcome}
        if outcome == "recommended":
            decision["product_code"] = self.floor.cast.product_code
            if seen["findings"]:
                decision["reason"] = "检查后认为可以接种"
        elif outcome == "deferred":
            decision["deferred_until"] = self._later(seen["answered_at"])
        self.do(course, deeds.decide(course.visit_id, decision))

    def _check_findings(self, plan: Plan, seen: Mapping[str, Any]) -> None:
        """Note when a healthy visitor has findings, or an ill one none."""
        if bool(seen["findings"]) != (plan in _SAID or plan in _MEASURED):
            self.floor.ledger.fault(f"a visitor acted as {plan} has {len(seen['findings'])} findings")

    @staticmethod
    def _later(answered_at: str) -> str:
        """Return a day some weeks on, in the clinic's own time."""
        at = datetime.fromisoformat(answered_at).astimezone(UTC)
        return (at + DEFERRED_FOR).date().isoformat()


class ConsentDesk(QueueRole):
    """Reads the sheet with the visitor and lets everybody sign who has to."""

    stages = ("waiting_for_consent",)

    def serve(self, course: Course) -> None:
        """See QueueRole."""
        visitor = course.visitor
        if visitor.plan is Plan.REFUSES:
            refused_by = "guardian" if visitor.is_minor else "recipient"
            self.do(course, deeds.refuse(course.visit_id, refused_by, "想再考虑一下"))
            return
        sheet = self.seat.ask(f"/api/v1/visits/{course.visit_id}/consent?language=zh-CN")
        if visitor.is_minor != ("guardian" in sheet["signers"]):
            self.floor.ledger.fault(f"signers asked of somebody aged {visitor.age}: {sheet['signers']}")
        signatures = [self._signed(signer) for signer in sheet["signers"]]
        if not self.do(course, deeds.consent(course.visit_id, sheet, signatures)) and not self.floor.is_lost(course):
            self.do(course, deeds.abandon(course.visit_id))  # the order ended with the clinic day

    def _signed(self, signer: str) -> Mapping[str, Any]:
        if signer == "recipient":
            return deeds.signature("recipient", "self")
        return deeds.signature(signer, self.chance.choice(["mother", "father"]), "演示监护人")
