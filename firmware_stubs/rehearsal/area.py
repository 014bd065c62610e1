"""The observation area: who arrives is led to a seat, who reacts is helped, who has sat long enough may go."""

from collections.abc import Iterable

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.care import Reaction
from firmware_stubs.rehearsal.floor import Course
from firmware_stubs.rehearsal.ledger import Write
from firmware_stubs.rehearsal.roles import QueueRole
from firmware_stubs.rehearsal.visitors import Plan

FEELS_ILL_AFTER_S = 90.0
_WATCHED_ON_S = 30 * 60.0


class Observer(QueueRole):
    """Leads people to seats, helps whoever reacts, and lets people go when their time is over."""

    stages = ("observed",)
    takes_s = 0.0

    def waiting(self, stage: str) -> Iterable[str]:
        """See QueueRole."""
        del stage
        return [one["visit_id"] for one in self.seat.ask("/api/v1/observation") or ()]

    def serve(self, course: Course) -> None:
        """See QueueRole."""
        if self.floor.manner.in_full and not course.has_arrived:
            self._lead_to_a_seat(course)
        elif course.reacts:
            self._call_team(course)
        elif course.reaction is not None:
            self._help(course, course.reaction)
        elif course.visitor.plan is not Plan.LEAVES_EARLY or not self.do(course, deeds.leave_early(course.visit_id)):
            self._let_out(course)

    def _lead_to_a_seat(self, course: Course) -> None:
        """Lead somebody to the first free seat; they stand when there is none, and stay where others led them."""
        places = self.seat.ask("/api/v1/seats/taken") or ()
        taken = {one["seat_code"] for one in places}
        free = [one["code"] for one in self.seat.ask("/api/v1/seats") or () if one["code"] not in taken]
        course.seat_code = free[0] if free else ""
        if all(one["visit_id"] != course.visit_id for one in places):
            course.has_arrived = self.do(course, deeds.arrive(course.visit_id, course.seat_code or None))
        else:
            course.has_arrived = True
        if course.has_arrived:
            course.due_at = self.floor.after(FEELS_ILL_AFTER_S) if course.reacts else course.over_at

    def _call_team(self, course: Course) -> None:
        write = self.seat.do(deeds.call_team(course.visit_id, course.seat_code), course.visitor.number)
        if self.floor.follow(course, write):
            self.floor.ledger.count("reactions")
            course.has_reacted = True
            is_severe = self.floor.is_next_reaction_severe()
            course.reaction = Reaction.begun(write.answer["number"], course.visitor.age, is_severe=is_severe)

    def _help(self, course: Course, reaction: Reaction) -> None:
        """Do the next thing; after the last the care ends, and is reported."""
        act = next(reaction.acts, None)
        if act is None:
            self._end(course, reaction)
        elif self.do(course, deeds.write_care(reaction.number, act.kind, act.said)):
            course.due_at = self.floor.after(act.takes_s)

    def _end(self, course: Course, reaction: Reaction) -> None:
        """Say what it was and report it, and let the person be watched on or taken away."""
        card = self.seat.ask(f"/api/v1/adverse-events/{reaction.number}/card")
        told = self.do(course, reaction.said_to_be()) and self.do(course, reaction.reported(card))
        if told and self.do(course, reaction.end(course.visit_id)):
            course.reaction, course.over_at = None, self.floor.after(_WATCHED_ON_S)
            course.due_at = course.over_at

    def _let_out(self, course: Course) -> None:
        if self.floor.is_lost(course):
            return
        write = self._let_go(course)
        if write.code == "check_due" and self.do(course, deeds.check(course.visit_id)):
            write = self._let_go(course)
        if write.code == "too_early":
            course.due_at = self.floor.after(60.0 * write.answer["facts"]["minutes"])
        if write.code == "still_under_care":
            course.reaction = Reaction.taken_over(write.answer["facts"]["event"])

    def _let_go(self, course: Course) -> Write:
        write = self.seat.do(deeds.leave(course.visit_id), course.visitor.number)
        self.floor.follow(course, write)
        return write
