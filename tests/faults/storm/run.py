"""One storm: fridges go through their courses while everything that can fail fails, then all books are compared."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, func, select

from clinic_server.alerts.rules import HARMS, DueState
from clinic_server.alerts.tables import alert, page_due
from clinic_server.cold_chain.profiles import profile_of
from clinic_server.cold_chain.tables import reading
from clinic_server.kit.clock import FastClock
from clinic_server.kit.engines import reader_engine
from clinic_server.rehearsal import Plan
from tests.devices.brokers import MosquittoPlug
from tests.faults.kills import Scene
from tests.faults.storm.books import Books, compare
from tests.faults.storm.courses import course
from tests.faults.storm.fridges import Fridge, Fridges, UnrulyPost
from tests.faults.storm.gateways import Mood, PagerGateway, RobotGateway, receipts_of
from tests.faults.storm.site import PROFILE, made_up
from tests.faults.storm.skies import Course, Kills, Moods
from tests.faults.storm.wire import Wire
from tests.faults.victim import Victim
from tests.peers import free_port

LOOK_S = 0.1
STANDS_STILL_S = 180.0  # nothing moved on for so long: then it never will, however busy the machine
ENDED_WITHIN_S = 1_200.0
MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of its own is made in it


@dataclass(frozen=True, slots=True)
class Storm:
    """How many excursions at least, over how many fridges, how fast time goes, and how long nothing dies."""

    excursions: int
    seed: int
    fridges: int = 40
    speed: float = 240.0
    between_s: tuple[float, float] = (1.0, 6.0)


@dataclass(slots=True)
class Weathered:
    """What a storm came to."""

    figures: dict[str, float] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def weather(scene: Scene, storm: Storm, serving: type[Victim] = Victim) -> Weathered:
    """Let a storm pass over a site of its own, and return what is left; ``serving`` is how its server is started."""
    began_at = time.monotonic()
    with ExitStack() as peers:
        broker = MosquittoPlug(peers.enter_context(_broker_folder(scene)))
        robots, pagers = RobotGateway(), PagerGateway()
        for leave in (broker.close, lambda: robots.be(Mood.DOWN), pagers.kill):
            peers.callback(leave)
        broker.plug_in()
        pagers.start()
        wire = peers.enter_context(Wire(broker.url))
        cast, names = made_up(_plan(scene, storm, wire.url), robots.url, pagers.url, storm.fridges)
        since = datetime.now(UTC).replace(microsecond=0)
        victim = peers.enter_context(serving(cast, _settings(since)))
        victim.start()
        engine = reader_engine(cast.database_url)
        peers.callback(engine.dispose)
        fridges = Fridges(_fridges(storm, names, broker.url), FastClock(storm.speed, since))
        kills = Kills(victim, broker, wire, Course(_chance(storm.seed), storm.between_s))
        moods = Moods(robots, pagers, _chance(storm.seed))
        differences = [*_passed(fridges, kills, moods, engine), *_stopped(victim)]
        ledgers = {one.dev: one.ledger for one in fridges.fridges}
        books = Books(
            ledgers,
            receipts_of(robots, pagers),
            kills.server_died_at_s,
            moods.pagers_died_at_s,
            profile_of(PROFILE),
        )
        with engine.connect() as connection:
            compared = compare(connection, books)
    figures = {**kills.counted, **moods.counted, **compared.figures, "seconds": round(time.monotonic() - began_at)}
    return Weathered(figures, [*differences, *compared.differences])


def _passed(fridges: Fridges, kills: Kills, moods: Moods, engine: Engine) -> Iterator[str]:
    """Let it pass, and wait until the last page is sent and the last reading is stored."""
    waiting = partial(_pages_waiting, engine)
    with fridges:
        with moods.going_on():
            kills.go_on_until(lambda: fridges.are_over)
        fridges.settle()
        is_settled = _wait_until(lambda: not (fridges.kept_back or waiting()), lambda: (fridges.kept_back, waiting()))
    yield from (f"a probe stopped sending: {one}" for one in fridges.broken)
    if not _wait_until(lambda: _stored(engine) >= fridges.readings, lambda: _stored(engine)):
        yield f"no more readings came within {STANDS_STILL_S:.0f} s, and not all are stored"
    is_quiet = _wait_until(lambda: not waiting(), waiting)  # what came last may have called people
    if not (is_settled and is_quiet):
        yield f"not every page was settled though nothing moved on for {STANDS_STILL_S:.0f} s"


def _stopped(victim: Victim) -> Iterator[str]:
    """Stop the server as an operator does, and verify the chain with the command."""
    if victim.stop() not in {0, -signal.SIGTERM}:
        yield "the server did not stop"
    if victim.verify():
        yield "the journal does not verify"


def _chance(seed: int | str) -> Random:
    return Random(seed)  # noqa: S311  # keeps no secret


def _stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(reading)).scalar_one()


def _pages_waiting(engine: Engine) -> int:
    """Return how many pages somebody has still to hear of harm by."""
    waits = page_due.c.state.in_((DueState.WAITING, DueState.LEASED))
    asked = select(func.count()).select_from(page_due).join(alert, alert.c.id == page_due.c.alert_id)
    with engine.connect() as connection:
        return connection.execute(asked.where(waits, alert.c.kind.in_(HARMS))).scalar_one()


def _wait_until(is_so: Callable[[], bool], how_far: Callable[[], object]) -> bool:
    """Wait until something is so, for as long as things move on; a busy machine only makes it longer."""
    began_s = moved_at_s = time.monotonic()
    was = how_far()
    while not is_so():
        now_s, now = time.monotonic(), how_far()
        if now != was:
            was, moved_at_s = now, now_s
        if now_s - moved_at_s > STANDS_STILL_S or now_s - began_s > ENDED_WITHIN_S:
            return False
        time.sleep(LOOK_S)
    return True


@contextmanager
def _broker_folder(scene: Scene) -> Iterator[Path]:
    """Yield a folder in memory where there is room: no kill asks what a disk keeps.

    A broker writes its whole queue at each message that has to wait. A site's few a minute are nothing to it; hundreds
    a second wait for the disk, and the storm would try that alone.
    """
    with TemporaryDirectory(prefix="clinic-broker-", dir=MEMORY if MEMORY.is_dir() else scene.folder) as folder:
        yield Path(folder)


def _fridges(storm: Storm, names: Sequence[str], url: str) -> Sequence[Fridge]:
    each, more = divmod(storm.excursions, len(names))
    found = []
    for number, name in enumerate(names):
        random = _chance(f"{storm.seed} {name}")
        minutes = course(random, each + (number < more))
        found.append(Fridge(name, minutes, random, UnrulyPost(random, url, name)))
    return found


def _plan(scene: Scene, storm: Storm, mqtt_url: str) -> Plan:
    none = {"desks": 0, "benches": 0, "units": 0}
    return Plan(scene.folder, free_port(), scene.database_url, speed=storm.speed, mqtt_url=mqtt_url, **none)


def _settings(since: datetime) -> Mapping[str, str]:
    return {"CLINIC_DEMO_SINCE": since.isoformat(), "CLINIC_PAGING__MAY_REACH": '["127.0.0.0/8"]'}
