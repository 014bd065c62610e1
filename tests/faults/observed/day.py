"""A day of people under observation: when each gets the needle, what happens to them, and what the server said."""

import heapq
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from json import loads
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from tests.api.visitors import CHECKED, TODAY
from tests.faults.observed.more import bring_to_needle
from tests.faults.observed.oracle import ENDS, Act, Said, differences
from tests.faults.observed.server_process import NOT_YET, ServerProcess
from tests.faults.observed.shared_clock import SharedClock
from tests.faults.observed.site import Prepared

MINUTE_S = 60.0
BETWEEN_NEEDLES_S = (10.0, 60.0)
CLOCK_IS_SET_EVERY_S = 9 * MINUTE_S
FARTHEST_OFF_S = 90 * MINUTE_S
KILLED_WITHIN_S = 0.02  # of a write being sent
REQUESTS_OF_ONE = 4  # at least
WHAT_HAPPENS = ("nothing", "nothing", "nothing", "extended", "extended", "reacted", "reacted", "early", "more", "more")
SIGNS = {"said": {"codes": ["dizzy"]}}
CHECKED_WELL = {
    "vitals": {
        "pulse_per_min": 76,
        "systolic_mmhg": 120,
        "diastolic_mmhg": 80,
        "spo2_percent": 99,
        "consciousness": "alert",
    },
    "how": "well",
}
WELL = {"said": {"systolic_mmhg": 120, "diastolic_mmhg": 80, "spo2_percent": 99, "consciousness": "alert"}}


class Unexpected(Exception):
    """The server answered what no day should bring about."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what was said, with the steady seconds of the first sending and of the answer."""

    status: int
    said: str
    sent_s: float
    answered_s: float

    @property
    def body(self) -> Any:
        """What was said, as JSON."""
        return loads(self.said)


@dataclass
class Day:
    """Everybody's way through the day; ``kills`` and everything else by one seed."""

    prepared: Prepared
    server: ServerProcess
    clock: SharedClock
    chance: Random
    kills: int
    people: dict[str, list[Said]] = field(default_factory=lambda: defaultdict(list))
    asked: int = 0
    sent_again: int = 0
    clock_sets: int = 0
    _queue: list[tuple[float, int, str, int]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=count)
    _further: dict[int, UUID] = field(default_factory=dict)  # asked for, and before the needle
    _watched_on: dict[int, UUID] = field(default_factory=dict)  # by another visit than the first
    _events: dict[str, int] = field(default_factory=dict)
    _kill_at: frozenset[int] = frozenset()
    _killer: threading.Timer | None = None

    def play(self) -> None:
        """Let everybody come, and go."""
        writes = REQUESTS_OF_ONE * len(self.prepared.visits)
        self._kill_at = frozenset(self.chance.sample(range(2, writes), self.kills))
        at_s = 0.0
        for place in range(len(self.prepared.visits)):
            at_s += self.chance.uniform(*BETWEEN_NEEDLES_S)
            self._later(at_s, "needle", place)
        self._later(CLOCK_IS_SET_EVERY_S / 2, "clock", 0)
        while self._queue:
            due_s, _, what, place = heapq.heappop(self._queue)
            self.clock.pass_seconds(max(0.0, due_s - self.clock.steady()))
            getattr(self, f"_{what}")(place)
        while self.server.kills < self.kills:
            self.server.kill()
        if self._killer is not None:
            self._killer.join()

    def differences(self) -> list[str]:
        """Return what should not be, after one more start."""
        seats = self._ask("GET", "/api/v1/observation", self.prepared.area, None).body
        doses = self._ask("GET", f"/api/v1/days/{TODAY}/doses", self.prepared.lead, None).body
        names = {str(visit_id): str(place) for place, visit_id in enumerate(self.prepared.visits)}
        names |= {str(visit_id): str(place) for place, visit_id in self._watched_on.items()}
        on_seats = frozenset(names[one["visit_id"]] for one in seats)
        return list(differences(self.people, on_seats, [names[one["visit_id"]] for one in doses]))

    def _later(self, at_s: float, what: str, place: int) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), what, place))

    def _clock(self, _: int) -> None:
        """Set the wall clock, forth or back, as long as anybody is to come or to go."""
        back_to_sign_in_s = min(FARTHEST_OFF_S, self.clock.steady())  # before that nobody would be signed in
        self.clock.set_off(self.chance.uniform(-back_to_sign_in_s, FARTHEST_OFF_S))
        self.clock_sets += 1
        if self._queue:
            self._later(self.clock.steady() + CLOCK_IS_SET_EVERY_S * self.chance.uniform(0.3, 1.7), "clock", 0)

    def _needle(self, place: int) -> None:
        given = self._inject(self.prepared.visits[place], self.prepared.units[place], "left_upper_arm")
        self._note(place, Act.DOSE, given)
        now_s, minutes = self.clock.steady(), self.chance.uniform
        self._later(now_s + minutes(5, 29.9) * MINUTE_S, "try", place)
        self._later(now_s + minutes(30.1, 33) * MINUTE_S, "try", place)
        happens = self.chance.choice(WHAT_HAPPENS)
        if happens != "nothing":
            self._later(now_s + minutes(1, 28) * MINUTE_S, happens, place)

    def _inject(self, visit: UUID, unit: str, body_site: str) -> Answer:
        body = {"trace_code": unit, **CHECKED}
        while True:  # a permit dies with the clock's set hour; then it is asked for again
            permit = self._done(self._ask("POST", f"/api/v1/visits/{visit}/permits", self.prepared.bench, body))
            dose = {"permit_id": permit.body["permit_id"], "body_site": body_site}
            given = self._ask("POST", "/api/v1/doses", self.prepared.bench, dose, twice=self.chance.random() < 0.1)
            if given.status == 201:
                return given
            if given.body["code"] != "permit_not_valid":
                raise Unexpected(given.said)

    def _more(self, place: int) -> None:
        """Ask for a further vaccine, be told to stay longer, and go to the bench some minutes later."""
        if self._has_left(place):
            return
        path = f"/api/v1/visits/{self.prepared.visits[place]}/further-visit"
        asked = self._done(self._ask("POST", path, self.prepared.physician, None))
        self._note(place, Act.ASKED_MORE, asked)
        self._further[place] = UUID(asked.body["visit_id"])
        bring_to_needle(self._as_physician, self._further[place])
        self._later(self.clock.steady() + MINUTE_S / 2, "extended", place)  # it is the later time that counts
        self._later(self.clock.steady() + self.chance.uniform(1, 15) * MINUTE_S, "second", place)

    def _second(self, place: int) -> None:
        self._ask_to_leave(place)  # and be sent back
        further = self._further.pop(place)
        given = self._inject(further, self.prepared.more_units[place], "right_upper_arm")
        self._note(place, Act.MORE, given)
        self._watched_on[place] = further

    def _as_physician(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        answer = self._ask(method, path, self.prepared.physician, body)
        if answer.status not in {200, 201}:
            raise Unexpected(f"{answer.status} {answer.said}")
        return answer.body

    def _visit(self, place: int) -> UUID:
        """Return the visit on which somebody is watched."""
        return self._watched_on.get(place, self.prepared.visits[place])

    def _try(self, place: int) -> None:
        """Try to leave, by the nurse's button or by the slip at the exit, until it is granted."""
        if self._has_left(place):
            return
        answer = self._ask_to_leave(place)
        if not self._has_left(place) and answer.sent_s > self._dosed_s(place) + 30 * MINUTE_S:
            self._later(self.clock.steady() + self.chance.uniform(1, 3) * MINUTE_S, "try", place)

    def _ask_to_leave(self, place: int) -> Answer:
        return self._by_slip(place) if place % 2 else self._by_nurse(place)

    def _by_nurse(self, place: int) -> Answer:
        answer = self._ask("POST", f"/api/v1/visits/{self._visit(place)}/leave", self.prepared.area, None)
        if answer.status == 201:
            self._note(place, Act.LEFT, answer)
        elif answer.body["code"] == "too_early" and place not in self._further:
            self._note(place, Act.REFUSED, answer)
        elif answer.body["code"] == "check_due":
            self._look_at(place)
        elif answer.body["code"] != ("further_asked_for" if place in self._further else "still_under_care"):
            raise Unexpected(answer.said)
        return answer

    def _by_slip(self, place: int) -> Answer:
        """Scan at the exit; a scan that nobody heard an answer to is made again, and then tells who has left."""
        form = f"scanned={quote(f']Q1{self.prepared.slips[place]}')}"
        answer = self._ask("POST", f"{self.prepared.exit_path}/scan", "", form)
        said = answer.said.partition('data-answer="')[2].partition('"')[0]
        if said in {"may_leave", "has_left"}:
            self._note(place, Act.LEFT, answer)
        elif said == "stay" and place not in self._further:
            self._note(place, Act.REFUSED, answer)
        elif said == "further" and place in self._further:
            pass  # back to the nurses
        elif said == "nurse_comes":
            self._look_at(place)
        else:
            raise Unexpected(f"{answer.status} {said}")
        return answer

    def _look_at(self, place: int) -> None:
        """Find somebody well who is at risk, so that they may go next time."""
        path = f"/api/v1/visits/{self._visit(place)}/checks"
        self._done(self._ask("POST", path, self.prepared.area, CHECKED_WELL))

    def _extended(self, place: int) -> None:
        if self._has_left(place):
            return
        minutes = self.chance.choice((5, 10, 30))
        path = f"/api/v1/visits/{self._visit(place)}/observation-extensions"
        body = {"minutes": minutes, "reason": "unwell"}
        answer = self._done(self._ask("POST", path, self.prepared.area, body))
        self._note(place, Act.EXTENDED, answer, minutes * MINUTE_S)

    def _early(self, place: int) -> None:
        if self._has_left(place):
            return
        path = f"/api/v1/visits/{self._visit(place)}/early-leave"
        answer = self._ask("POST", path, self.prepared.area, {"reason": "taken_to_hospital"})
        if answer.status == 201:
            self._note(place, Act.LEFT_EARLY, answer)
        elif answer.body["code"] not in {"not_early", "still_under_care"}:  # while the server was away, time went on
            raise Unexpected(answer.said)

    def _reacted(self, place: int) -> None:
        if self._has_left(place):
            return
        path = f"/api/v1/visits/{self._visit(place)}/reaction"
        answer = self._done(self._ask("POST", path, self.prepared.area, {"seat_code": f"a{place}"}))
        number = answer.body["number"]
        if number is None:
            # The wall was set back to before the dose: the team comes, and no file is opened. They go again.
            self._done(self._ask("POST", f"{path}/end", self.prepared.area, {"words": "dizzy"}))
            return
        self._note(place, Act.REACTED, answer)
        self._events[str(place)] = number
        for kind, said in (("symptoms", SIGNS), ("vitals", WELL)):
            self._done(self._ask("POST", f"/api/v1/adverse-events/{number}/care/{kind}", self.prepared.area, said))
        self._later(self.clock.steady() + self.chance.uniform(2, 20) * MINUTE_S, "care_ends", place)

    def _care_ends(self, place: int) -> None:
        act = self.chance.choice((Act.WELL_AGAIN, Act.WELL_AGAIN, Act.TRANSFERRED))
        named = {"hospital": "County Hospital"} if act is Act.TRANSFERRED else {}
        path = f"/api/v1/adverse-events/{self._events[str(place)]}/care/end"
        answer = self._done(self._ask("POST", path, self.prepared.area, {"how": act.value, **named}))
        self._note(place, act, answer)

    def _dosed_s(self, place: int) -> float:
        return self.people[str(place)][0].sent_s

    def _has_left(self, place: int) -> bool:
        return any(one.act in ENDS for one in self.people[str(place)])

    def _note(self, place: int, act: Act, answer: Answer, seconds: float = 0.0) -> None:
        self.people[str(place)].append(Said(act, answer.sent_s, answer.answered_s, seconds))

    @staticmethod
    def _done(answer: Answer) -> Answer:
        if answer.status != 201:
            raise Unexpected(f"{answer.status} {answer.said}")
        return answer

    def _ask(
        self, method: str, path: str, token: str, body: Mapping[str, Any] | str | None, *, twice: bool = False
    ) -> Answer:
        """Ask until it is answered, by the same key; the server may be killed meanwhile, and then time passes."""
        key, sent_s = uuid4().hex, self.clock.steady()
        self._arm()
        while True:
            try:
                status, said = self.server.ask(method, path, token, body, key)
                if twice:
                    status, said = self.server.ask(method, path, token, body, key)
                return Answer(status, said, sent_s, self.clock.steady())
            except NOT_YET:
                self._revive()
                self.sent_again += 1

    def _arm(self) -> None:
        self.asked += 1
        if self.asked in self._kill_at:
            self._killer = threading.Timer(self.chance.uniform(0, KILLED_WITHIN_S), self.server.kill)
            self._killer.start()

    def _revive(self) -> None:
        if self._killer is not None:
            self._killer.join()
        self.server.kill()
        self.clock.pass_seconds(self.chance.uniform(0, 5 * MINUTE_S))
        self.server.start()
