"""The clinic's floor as the players see it: who came, who stands where, and the vials that are left."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from firmware_stubs.rehearsal.care import Reaction
from firmware_stubs.rehearsal.cast import Cast
from firmware_stubs.rehearsal.ledger import CLOSED, Ledger, Outcome, Write, stage_after
from firmware_stubs.rehearsal.seat import DayIsOver
from firmware_stubs.rehearsal.visitors import Plan, Visitor


@dataclass(frozen=True, slots=True)
class Manner:
    """How the day is played. ``pace`` 1 takes the time people take (at the cast's speed), 0 none at all.

    ``most_waiting`` are let in before somebody must go on; ``patience_s`` is how long somebody waits for a device
    before trying again, or typing; ``forgets`` how often a write whose answer was lost is never sent again;
    ``adopts`` lets visits go on that somebody else began; ``in_full`` plays what a visit can do without, too: calls
    to the desks, seats, and reactions.
    """

    pace: float = 1.0
    arrival_every_s: float = 20.0
    most_waiting: int = 40
    patience_s: float = 4.0
    forgets: float = 0.0
    adopts: bool = False
    in_full: bool = True


@dataclass(slots=True)
class Course:
    """One visitor's way through the day, as acknowledged."""

    visitor: Visitor
    visit_id: str
    steps: list[str] = field(default_factory=list)
    is_busy: bool = False
    due_at: float = 0.0
    over_at: float = 0.0
    has_arrived: bool = False
    seat_code: str = ""
    reaction: Reaction | None = None
    has_reacted: bool = False

    @property
    def stage(self) -> str:
        """Where they stand."""
        return stage_after(self.steps)

    @property
    def reacts(self) -> bool:
        """Whether they feel ill on their seat, and nobody was called yet."""
        return self.visitor.plan is Plan.REACTS and self.has_arrived and not self.has_reacted

    def is_free(self, stage: str, now: float) -> bool:
        """Tell whether somebody at this stage may serve them now."""
        return not self.is_busy and self.stage == stage and self.due_at <= now


class Floor:
    """What the players share; every method may be called from any of them."""

    def __init__(self, cast: Cast, ledger: Ledger, arriving: Iterable[Visitor], manner: Manner) -> None:
        self.cast = cast
        self.ledger = ledger
        self.manner = manner
        self.stop = threading.Event()
        self._lock = threading.Lock()
        self._arriving: Iterator[Visitor] = iter(arriving)
        self._next_arrival_at = time.monotonic()
        self._is_door_open = True
        self._at_desks = 0
        self._courses: dict[str, Course] = {}
        at_benches = {code for tray in cast.trays.values() for code in tray}
        self._vials = deque(code for code in cast.trace_codes if code not in at_benches)
        self._used: deque[str] = deque(maxlen=100)
        self._reactions = 0

    @property
    def is_over(self) -> bool:
        """Whether nobody is expected and nobody is left."""
        with self._lock:
            return not self._is_door_open and not self._at_desks and not self._courses

    def close_door(self) -> None:
        """Let nobody in any more."""
        with self._lock:
            self._is_door_open = False

    def wait(self, seconds: float) -> None:
        """Wait in real time, or raise DayIsOver."""
        if self.stop.wait(seconds):
            raise DayIsOver

    def think(self, clinic_seconds: float) -> None:
        """Take the time a person takes."""
        seconds = clinic_seconds * self.manner.pace / self.cast.speed
        if seconds > 0:
            self.wait(seconds)

    def next_visitor(self) -> Visitor | None:
        """Return whoever comes next to a desk, or None while nobody has come."""
        with self._lock:
            now = time.monotonic()
            if not self._is_door_open or now < self._next_arrival_at or self._is_full():
                return None
            visitor = next(self._arriving, None)
            if visitor is None:
                self._is_door_open = False
                return None
            self._next_arrival_at = now + self.manner.arrival_every_s * self.manner.pace / self.cast.speed
            self._at_desks += 1
            return visitor

    def _is_full(self) -> bool:
        waiting = sum(course.stage != "observed" for course in self._courses.values())
        return waiting >= self.manner.most_waiting

    def admit(self, visitor: Visitor, write: Write | None) -> None:
        """Let a visitor go from the desk: to the questions, or home."""
        with self._lock:
            self._at_desks -= 1
            if write is not None and write.is_accepted:
                self._courses.setdefault(write.visit_id, Course(visitor, write.visit_id, ["checked_in"]))

    def knows(self, visit_id: str) -> bool:
        """Tell whether a visit is one of the play's."""
        with self._lock:
            return visit_id in self._courses

    def adopt(self, course: Course) -> None:
        """Take over a visit that somebody else began."""
        with self._lock:
            self._courses.setdefault(course.visit_id, course)

    def has_somebody_at(self, stage: str) -> bool:
        """Tell whether it is worth asking who waits at a stage."""
        now = time.monotonic()
        with self._lock:
            return any(course.is_free(stage, now) for course in self._courses.values())

    def claim(self, visit_ids: Iterable[str], stage: str) -> Course | None:
        """Take the first of these visits that stands at a stage and is with nobody, or None."""
        now = time.monotonic()
        with self._lock:
            for visit_id in visit_ids:
                course = self._courses.get(visit_id)
                if course and course.is_free(stage, now):
                    course.is_busy = True
                    return course
            return None

    def release(self, course: Course) -> None:
        """Let somebody go on; who is done goes home."""
        with self._lock:
            course.is_busy = False
            if course.stage in CLOSED:
                self._courses.pop(course.visit_id, None)

    def lose(self, course: Course) -> None:
        """Nobody knows any more how somebody stands: no player touches them again."""
        with self._lock:
            self._courses.pop(course.visit_id, None)

    def follow(self, course: Course, write: Write) -> bool:
        """Move a visitor by what the server acknowledged; tell whether it did."""
        if write.outcome is Outcome.UNKNOWN:
            self.lose(course)
        elif write.is_accepted and write.step:
            course.steps.append(write.step)
            told = write.answer.get("stage") if isinstance(write.answer, dict) else write.answer
            if told not in (None, course.stage):
                self.ledger.fault(f"after {write.step} the server says {told}")
        return write.is_accepted

    def is_lost(self, course: Course) -> bool:
        """Tell whether somebody was lost from sight."""
        with self._lock:
            return course.visit_id not in self._courses

    def is_next_reaction_severe(self) -> bool:
        """Tell how the next reaction goes: every second is severe, the first is not."""
        with self._lock:
            self._reactions += 1
            return self._reactions % 2 == 0

    def after(self, clinic_seconds: float) -> float:
        """Return the monotonic time when so much of the clinic's time has passed."""
        return time.monotonic() + clinic_seconds / self.cast.speed

    def take_vials(self, most: int) -> list[str]:
        """Take fresh vials out of the fridge."""
        with self._lock:
            return [self._vials.popleft() for _ in range(min(most, len(self._vials)))]

    def throw_away(self, trace_code: str) -> None:
        """Put an empty vial into the box."""
        with self._lock:
            self._used.append(trace_code)

    def used_vial(self) -> str | None:
        """Return an empty vial, as somebody might by mistake."""
        with self._lock:
            return self._used[-1] if self._used else None

    @property
    def vials_left(self) -> int:
        """How many fresh vials there are."""
        with self._lock:
            return len(self._vials)

    def stock_up(self, trace_codes: Iterable[str]) -> None:
        """Put a delivery into the fridge."""
        with self._lock:
            self._vials.extend(trace_codes)


def first(arriving: Iterable[Visitor], count: int | None) -> Iterable[Visitor]:
    """Return so many visitors, or all there ever are."""
    return arriving if count is None else islice(arriving, count)
