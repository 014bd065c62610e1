"""One storm: fridges go through their courses while everything that can fail fails, then all books are compared."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from random import Random

from sqlalchemy import Engine, func, select

from clinic_server.alerts.rules import HARMS, DueState
from clinic_server.alerts.tables import alert, page_due
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.tables import reading
from clinic_server.kit.clock import FastClock
from clinic_server.kit.engines import reader_engine
from clinic_server.rehearsal import Cast, Plan
from tests.devices.brokers import MosquittoPlug
from tests.faults.kills import Scene
from tests.faults.storm.books import Books, compare
from tests.faults.storm.courses import course
from tests.faults.storm.fridges import Fridge, Fridges, UnrulyPost
from tests.faults.storm.gateways import Mood, PagerGateway, RobotGateway, receipts_of
from tests.faults.storm.site import PROFILE, made_up
from tests.faults.victim import Victim
from tests.peers import free_port

LOOK_S = 0.1
BETWEEN_S = (0.3, 1.5)
AWAY_S = (0.0, 1.0)
DRAINED_WITHIN_S = 120.0
KILLS = ("server_kills", "broker_kills", "pager_kills")
BAD_MOODS = tuple(mood for mood in Mood if mood is not Mood.GOOD)


@dataclass(frozen=True, slots=True)
class Storm:
    """How many excursions at least, over how many fridges, and how fast time goes."""

    excursions: int
    seed: int
    fridges: int = 40
    speed: float = 240.0


@dataclass(slots=True)
class Weathered:
    """What a storm came to."""

    figures: dict[str, float] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def weather(scene: Scene, storm: Storm) -> Weathered:
    """Let a storm pass over a site of its own, and return what is left."""
    began_at = time.monotonic()
    with ExitStack() as peers:
        broker = MosquittoPlug(scene.folder)
        robots, pagers = RobotGateway(), PagerGateway()
        for leave in (broker.close, lambda: robots.be(Mood.DOWN), pagers.kill):
            peers.callback(leave)
        broker.plug_in()
        pagers.start()
        plan = _plan(scene, storm, broker.url)
        cast, names = made_up(plan, robots.url, pagers.url, storm.fridges)
        since = datetime.now(UTC).replace(microsecond=0)
        victim = peers.enter_context(Victim(cast, _settings(since)))
        victim.start()
        fridges = Fridges(_fridges(storm, names, broker.url), FastClock(storm.speed, since))
        sky = Sky(victim, broker, robots, pagers, Random(storm.seed))  # noqa: S311  # keeps no secret
        return _passed(sky, fridges, cast, began_at)


class Sky:
    """What befalls the site, by a seed; ``counted`` says how often what did."""

    def __init__(
        self, victim: Victim, broker: MosquittoPlug, robots: RobotGateway, pagers: PagerGateway, random: Random
    ) -> None:
        self.victim, self.broker, self.robots, self.pagers = victim, broker, robots, pagers
        self._random = random
        self._moods = cycle(random.sample(BAD_MOODS, len(BAD_MOODS)))
        self.counted = dict.fromkeys(
            ("server_kills", "broker_kills", "pager_kills", *(f"times_{m}" for m in BAD_MOODS)), 0
        )

    def rage_until(self, is_over: Callable[[], bool]) -> None:
        """Let everything happen in turn, in another order each time, for as long as the fridges have a course."""
        happenings = (self._kill_server, self._kill_broker, self._kill_both, self._spoil_mood, self._kill_pagers)
        while True:
            for happen in self._random.sample(happenings, len(happenings)):
                happen()
                self._wait(BETWEEN_S)
                if is_over():
                    return

    def clear_up(self) -> None:
        """Let everything work."""
        self.robots.be(Mood.GOOD)
        if not self.pagers.is_up:
            self.pagers.start()

    def _kill_server(self) -> None:
        self.counted["server_kills"] += 1
        self.victim.kill()
        self._wait(AWAY_S)
        self.victim.start()

    def _kill_broker(self) -> None:
        self.counted["broker_kills"] += 1
        self.broker.unplug(abrupt=True)
        self._wait(AWAY_S)
        self.broker.plug_in()

    def _kill_both(self) -> None:
        """Let the broker die with what it had confirmed and could give to nobody."""
        self.counted["server_kills"] += 1
        self.victim.kill()
        self._wait(AWAY_S)
        self._kill_broker()
        self.victim.start()

    def _spoil_mood(self) -> None:
        mood = next(self._moods)
        self.counted[f"times_{mood}"] += 1
        self.robots.be(mood)
        self._wait(BETWEEN_S)
        self.robots.be(Mood.GOOD)

    def _kill_pagers(self) -> None:
        self.counted["pager_kills"] += 1
        self.pagers.kill()
        self._spoil_mood()
        self.pagers.start()

    def _wait(self, span: tuple[float, float]) -> None:
        time.sleep(self._random.uniform(*span))


def _passed(sky: Sky, fridges: Fridges, cast: Cast, began_at: float) -> Weathered:
    weathered = Weathered()
    engine = reader_engine(cast.database_url)
    try:
        with fridges:
            sky.rage_until(lambda: fridges.are_over)
            sky.clear_up()
            fridges.settle()
            is_settled = _wait_until(lambda: fridges.are_settled and _is_quiet(engine))
        is_whole = _all_stored(engine, fridges.readings)
        is_quiet = _wait_until(lambda: _is_quiet(engine))  # what came last may have called people
        if not (is_settled and is_whole and is_quiet):
            weathered.differences.append(f"not all was stored and sent within {DRAINED_WITHIN_S:.0f} s of the end")
        if sky.victim.stop() not in {0, -15} or sky.victim.verify():
            weathered.differences.append("the server did not stop, or its journal does not verify")
        ledgers = {one.dev: one.ledger for one in fridges.fridges}
        receipts = receipts_of(sky.robots, sky.pagers)
        books = Books(ledgers, receipts, sky.counted["server_kills"], profile_of(PROFILE))
        with engine.connect() as connection:
            compared = compare(connection, books)
    finally:
        engine.dispose()
    weathered.figures = {**sky.counted, **compared.figures, "seconds": round(time.monotonic() - began_at)}
    weathered.differences += compared.differences
    return weathered


def _all_stored(engine: Engine, readings: int) -> bool:
    """Wait until everything is stored, for as long as it grows more."""
    stored = -1
    while stored < (stored := _stored(engine)) < readings:
        _wait_until(lambda at_least=stored + 1: _stored(engine) >= at_least)
    return stored >= readings


def _stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(reading)).scalar_one()


def _is_quiet(engine: Engine) -> bool:
    """Tell whether nobody has to hear of harm any more."""
    waits = page_due.c.state.in_((DueState.WAITING, DueState.LEASED))
    asked = select(page_due.c.id).join(alert, alert.c.id == page_due.c.alert_id).where(waits, alert.c.kind.in_(HARMS))
    with engine.connect() as connection:
        return connection.execute(asked.limit(1)).first() is None


def _wait_until(is_so: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + DRAINED_WITHIN_S
    while not is_so():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(LOOK_S)
    return True


def _fridges(storm: Storm, names: Sequence[str], url: str) -> Sequence[Fridge]:
    each, more = divmod(storm.excursions, len(names))
    found = []
    for number, name in enumerate(names):
        random = Random(f"{storm.seed} {name}")  # noqa: S311  # keeps no secret
        minutes = course(random, each + (number < more))
        found.append(Fridge(name, minutes, random, UnrulyPost(random, url, name)))
    return found


def _plan(scene: Scene, storm: Storm, mqtt_url: str) -> Plan:
    none = {"desks": 0, "benches": 0, "units": 0}
    return Plan(scene.folder, free_port(), scene.database_url, speed=storm.speed, mqtt_url=mqtt_url, **none)


def _settings(since: datetime) -> Mapping[str, str]:
    return {"CLINIC_DEMO_SINCE": since.isoformat(), "CLINIC_PAGING__MAY_REACH": '["127.0.0.0/8"]'}
