"""One storm: fridges go through their courses while everything that can fail fails, then all books are compared."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from random import Random

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
DRAINED_WITHIN_S = 90.0


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
        broker = MosquittoPlug(scene.folder)
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
    with fridges:
        with moods.going_on():
            kills.go_on_until(lambda: fridges.are_over)
        fridges.settle()
        is_settled = _wait_until(lambda: fridges.are_settled and _is_quiet(engine))
    yield from (f"a probe stopped sending: {one}" for one in fridges.broken)
    if not _all_stored(engine, fridges.readings):
        yield f"no more readings came within {DRAINED_WITHIN_S:.0f} s, and not all are stored"
    is_quiet = _wait_until(lambda: _is_quiet(engine))  # what came last may have called people
    if not (is_settled and is_quiet):
        yield f"not every page was settled within {DRAINED_WITHIN_S:.0f} s of the end"


def _stopped(victim: Victim) -> Iterator[str]:
    """Stop the server as an operator does, and verify the chain with the command."""
    if victim.stop() not in {0, -signal.SIGTERM}:
        yield "the server did not stop"
    if victim.verify():
        yield "the journal does not verify"


def _chance(seed: int | str) -> Random:
    return Random(seed)  # noqa: S311  # keeps no secret


def _all_stored(engine: Engine, readings: int) -> bool:
    """Wait until everything is stored, for as long as it grows more."""
    stored = -1
    while stored < (stored := _stored(engine)) < readings:
        _wait_until(partial(_are_more_stored, engine, stored))
    return stored >= readings


def _are_more_stored(engine: Engine, than: int) -> bool:
    return _stored(engine) > than


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
        random = _chance(f"{storm.seed} {name}")
        minutes = course(random, each + (number < more))
        found.append(Fridge(name, minutes, random, UnrulyPost(random, url, name)))
    return found


def _plan(scene: Scene, storm: Storm, mqtt_url: str) -> Plan:
    none = {"desks": 0, "benches": 0, "units": 0}
    return Plan(scene.folder, free_port(), scene.database_url, speed=storm.speed, mqtt_url=mqtt_url, **none)


def _settings(since: datetime) -> Mapping[str, str]:
    return {"CLINIC_DEMO_SINCE": since.isoformat(), "CLINIC_PAGING__MAY_REACH": '["127.0.0.0/8"]'}
