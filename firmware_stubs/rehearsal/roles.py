"""What somebody at a station does all day: look who waits, take one, serve them, look again."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.cast import Player
from firmware_stubs.rehearsal.floor import Course, Floor
from firmware_stubs.rehearsal.seat import DayIsOver, Seat
from firmware_stubs.rehearsal.visitors import GONE_AT, adopted

LOOK_AGAIN_S = 0.03
STRANGERS_EVERY_S = 1.0


class Role(ABC):
    """One player. Whatever goes wrong is written down, and the day goes on."""

    def __init__(self, floor: Floor, player: Player) -> None:
        self.floor = floor
        self.station = player.station
        self.seat = Seat(floor.cast, player, floor.ledger, floor.stop, forgets=floor.manner.forgets)
        self.chance = Random(player.number)  # noqa: S311 - habits, not secrets
        self.thread = threading.Thread(target=self._work, name=f"{player.role} {player.station}", daemon=True)

    @abstractmethod
    def serve_one(self) -> bool:
        """Serve somebody; False when nobody waits."""

    def _work(self) -> None:
        try:
            self.seat.arrive()
            while not self.floor.is_over:
                if not self._serve_safely():
                    self.floor.wait(LOOK_AGAIN_S)
        except DayIsOver:
            pass
        finally:
            self.seat.close()

    def _serve_safely(self) -> bool:
        try:
            return self.serve_one()
        except DayIsOver:
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of the play must not end a demonstration
            self.floor.ledger.fault(f"{self.thread.name} stumbled: {type(error).__name__}: {error}")
            return False


class QueueRole(Role):
    """Somebody who serves the visits waiting at a stage."""

    stages: tuple[str, ...] = ()
    takes_s = 16.0
    _strangers_at = 0.0

    def serve_one(self) -> bool:
        """See Role."""
        adopts = self._looks_for_strangers()
        for stage in self.stages:
            if not adopts and not self.floor.has_somebody_at(stage):
                continue
            waiting = list(self.waiting(stage))
            if adopts:
                self._adopt(waiting)
            course = self.floor.claim(waiting, stage)
            if course is not None:
                self._serve(course)
                return True
        return False

    def waiting(self, stage: str) -> Iterable[str]:
        """Return the visits the server says wait at a stage; in a full day the one that is called here."""
        if not self.floor.manner.in_full:
            return [visit["visit_id"] for visit in self.seat.ask(f"/api/v1/visits?stage={stage}") or ()]
        in_hand = self._in_hand()
        if not in_hand and self.seat.do(deeds.call_next(stage)).is_accepted:
            in_hand = self._in_hand()
        return [visit["visit_id"] for visit in in_hand if visit["stage"] == stage]

    def _in_hand(self) -> Sequence[Mapping[str, Any]]:
        return self.seat.ask("/api/v1/queue/hand") or ()

    def _looks_for_strangers(self) -> bool:
        """Tell whether it is time to ask for visits that the play did not begin."""
        now = time.monotonic()
        if not self.floor.manner.adopts or now < self._strangers_at:
            return False
        self._strangers_at = now + STRANGERS_EVERY_S
        return True

    def _adopt(self, waiting: Iterable[str]) -> None:
        """Take over the first visit nobody of the play knows: of an earlier play, or lost from sight in this one."""
        for visit_id in waiting:
            if not self.floor.knows(visit_id):
                told = self.seat.ask(f"/api/v1/visits/{visit_id}")
                steps = [step["outcome"] for step in told["steps"]]
                born_on = told["visit"]["person"]["born_on"]
                self.floor.adopt(Course(adopted(born_on, told["visit"]["since_at"]), visit_id, steps))
                return

    @abstractmethod
    def serve(self, course: Course) -> None:
        """Do what this stage does."""

    def do(self, course: Course, deed: deeds.Deed) -> bool:
        """Do something for a visitor; tell whether the server acknowledged it."""
        return self.floor.follow(course, self.seat.do(deed, course.visitor.number))

    def _serve(self, course: Course) -> None:
        try:
            if GONE_AT.get(course.visitor.plan) == course.stage:
                self.do(course, deeds.abandon(course.visit_id))
            else:
                self.floor.think(self.takes_s * (0.5 + self.chance.random()))
                self.serve(course)
        except BaseException:
            self.floor.lose(course)
            raise
        self.floor.release(course)
