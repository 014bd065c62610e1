"""What befalls the site, by a seed: server and broker are killed, and beside that the gateways are in bad moods."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from random import Random

from tests.devices.brokers import MosquittoPlug
from tests.faults.storm.gateways import Mood, PagerGateway, RobotGateway
from tests.faults.victim import Victim

BETWEEN_S = (1.0, 6.0)
AWAY_S = (0.0, 1.0)
MOOD_S = (0.3, 1.2)
BAD_MOODS = tuple(mood for mood in Mood if mood is not Mood.GOOD)
KILLS = ("server_kills", "broker_kills", "pager_kills")


class Kills:
    """Server and broker die, each for itself and both together; ``counted`` says how often which did."""

    def __init__(self, victim: Victim, broker: MosquittoPlug, random: Random) -> None:
        self._victim, self._broker, self._random = victim, broker, random
        self.counted: Counter[str] = Counter()

    def go_on_until(self, is_over: Callable[[], bool]) -> None:
        """Kill in turn, in another order each time, everything once at least."""
        kills = (self._kill_server, self._kill_broker, self._kill_both)
        while True:
            for kill in self._random.sample(kills, len(kills)):
                _wait(self._random, BETWEEN_S)
                kill()
            if is_over():
                return

    def _kill_server(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.counted["server_kills"] += 1
        self._victim.kill()
        _wait(self._random, AWAY_S)
        meanwhile()
        self._victim.start()

    def _kill_broker(self) -> None:
        self.counted["broker_kills"] += 1
        self._broker.unplug(abrupt=True)
        _wait(self._random, AWAY_S)
        self._broker.plug_in()

    def _kill_both(self) -> None:
        """Let the broker die with what it had confirmed and could give to nobody."""
        self._kill_server(meanwhile=self._kill_broker)


class Moods:
    """The robots' gateway goes through its moods, and in every other one the pagers' is dead as well."""

    def __init__(self, robots: RobotGateway, pagers: PagerGateway, random: Random) -> None:
        self._robots, self._pagers, self._random = robots, pagers, random
        self._has_to_end = threading.Event()
        self.counted: Counter[str] = Counter()

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
        self._robots.be(mood)
        _wait(self._random, MOOD_S)
        self._robots.be(Mood.GOOD)
        if not is_alone:
            self._pagers.start()


def _wait(random: Random, span: tuple[float, float]) -> None:
    time.sleep(random.uniform(*span))
