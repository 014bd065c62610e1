"""What befalls the site, by a seed: server and broker are killed, and beside that the gateways are in bad moods."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from random import Random

from tests.devices.brokers import MosquittoPlug
from tests.faults.storm.gateways import Mood, PagerGateway, RobotGateway
from tests.faults.storm.wire import Wire
from tests.faults.victim import Victim

AWAY_S = (0.0, 1.0)
MOOD_S = (0.3, 1.2)
ACKNOWLEDGED_WITHIN_S = 3.0
BAD_MOODS = tuple(mood for mood in Mood if mood is not Mood.GOOD)
KILLS = ("server_kills", "broker_kills", "pager_kills")


@dataclass(frozen=True, slots=True)
class Course:
    """By what chance things die, and how many seconds at least and at most lie between."""

    random: Random
    between_s: tuple[float, float]


class Kills:
    """Server and broker die, each for itself and both together; ``counted`` says how often which did.

    ``server_died_at_s`` are the monotonic seconds at which the server did. Where it dies alone, it dies the moment it
    has acknowledged a reading: whatever it acknowledged must be stored by then.
    """

    def __init__(self, victim: Victim, broker: MosquittoPlug, wire: Wire, course: Course) -> None:
        self._victim, self._broker, self._wire = victim, broker, wire
        self._random, self._between_s = course.random, course.between_s
        self.counted: Counter[str] = Counter()
        self.server_died_at_s: list[float] = []

    def go_on_until(self, is_over: Callable[[], bool]) -> None:
        """Kill in turn, in another order each time, everything once at least."""
        kills = (self._kill_server_alone, self._kill_server_alone, self._kill_broker, self._kill_both)
        is_once_round = False
        while True:
            for kill in self._random.sample(kills, len(kills)):
                if is_once_round and is_over():
                    return
                _wait(self._random, self._between_s)
                kill()
            is_once_round = True

    def _kill_server_alone(self) -> None:
        if self._wire.at_next_acknowledgement(self._kill_server, ACKNOWLEDGED_WITHIN_S):
            self.counted["kills_at_an_acknowledgement"] += 1
        else:
            self._kill_server()
        _wait(self._random, AWAY_S)
        self._victim.start()

    def _kill_server(self) -> None:
        self._victim.kill()
        self.server_died_at_s.append(time.monotonic())
        self.counted["server_kills"] += 1

    def _kill_broker(self) -> None:
        self.counted["broker_kills"] += 1
        self._broker.unplug(abrupt=True)
        _wait(self._random, AWAY_S)
        self._broker.plug_in()

    def _kill_both(self) -> None:
        """Let the broker die with what it had confirmed and could give to nobody."""
        self._kill_server()
        _wait(self._random, AWAY_S)
        self._kill_broker()
        self._victim.start()


class Moods:
    """The robots' gateway goes through its moods, and in every other one the pagers' is dead as well.

    ``pagers_died_at_s`` are the monotonic seconds at which that was.
    """

    def __init__(self, robots: RobotGateway, pagers: PagerGateway, random: Random) -> None:
        self._robots, self._pagers, self._random = robots, pagers, random
        self._has_to_end = threading.Event()
        self.counted: Counter[str] = Counter()
        self.pagers_died_at_s: list[float] = []

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Go through them beside whatever happens; in the end all is well."""
        thread = threading.Thread(target=self._go_on, name="moods", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._has_to_end.set()
            thread.join()

    def _go_on(self) -> None:
        moods = cycle(self._random.sample(BAD_MOODS, len(BAD_MOODS)))
        while not self._has_to_end.is_set():
            self._have(next(moods), is_alone=self._random.random() < 0.5)  # every other one
            _wait(self._random, MOOD_S)

    def _have(self, mood: Mood, *, is_alone: bool) -> None:
        self.counted[f"times_{mood}"] += 1
        self.counted["pager_kills"] += not is_alone
        if not is_alone:
            self._pagers.kill()
            self.pagers_died_at_s.append(time.monotonic())
        self._robots.be(mood)
        _wait(self._random, MOOD_S)
        self._robots.be(Mood.GOOD)
        if not is_alone:
            self._pagers.start()


def _wait(random: Random, span: tuple[float, float]) -> None:
    time.sleep(random.uniform(*span))
