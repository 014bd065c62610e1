"""Crowds before the real server: displays that listen, displays that never read, telephones that all ask at once."""

import asyncio
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from threading import Event

from clinic_server.rehearsal import Cast, Plan, prepare
from firmware_stubs.rehearsal.cast import Cast as Players
from firmware_stubs.rehearsal.deeds import check_in_typed
from firmware_stubs.rehearsal.ledger import Ledger
from firmware_stubs.rehearsal.seat import Seat
from tests.faults.forked import ForkedVictim
from tests.faults.kills import Scene
from tests.faults.victim import Victim
from tests.peers import free_port

HEARD_WITHIN_S = 20.0
CHECK_INS = 5
STOPPED_WITHIN_S = 5.0
PEAK_REQUESTS_A_S = 1200 * 10 / 3600  # 1,200 people an hour, some ten requests each
DESK_WAITS_S = 2.0
RESTED_WITHIN_S = 10.0
HELD_S = 3.0


@dataclass(slots=True)
class Crowd:
    """What became of a crowd."""

    figures: dict[str, float] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def listen(scene: Scene, displays: int, deaf: int) -> Crowd:
    """Let displays listen while people are checked in, others never read, and then stop the server."""
    with _served(scene) as (victim, cast, registrar):
        crowd = asyncio.run(_listening(cast, registrar, displays, deaf))
        began_at = time.monotonic()
        victim.stop()
        stopped_s = time.monotonic() - began_at
    crowd.figures["stopped_with_streams_ms"] = round(1000 * stopped_s)
    if stopped_s > STOPPED_WITHIN_S:
        crowd.differences.append(f"it took {stopped_s:.1f} s to stop")
    return crowd


def ask_all_at_once(scene: Scene, seconds: float, times_the_peak: float) -> Crowd:
    """Let telephones ask so many times as often as at the peak of a day, while a desk goes on checking in."""
    with _served(scene) as (_victim, cast, registrar):
        desk = _Desk(registrar)
        with desk.working():
            statuses = asyncio.run(_flooding(cast, seconds, PEAK_REQUESTS_A_S * times_the_peak))
        began_at = time.monotonic()
        registrar.ask("/api/v1/stations")
        rested_s = time.monotonic() - began_at
    asked = sum(statuses.values())
    figures = {"flood_requests": asked, "flood_shed": statuses["503"], "flood_unanswered": statuses["none"]}
    slowest_s = max(desk.took_s, default=0.0)
    figures |= {"flood_check_ins": len(desk.took_s), "flood_slowest_check_in_ms": round(1000 * slowest_s)}
    crowd = Crowd({**figures, "flood_over_ms": round(1000 * rested_s)})
    crowd.differences += [f"answered {status}" for status in statuses if status not in {"200", "303", "503", "none"}]
    if slowest_s > DESK_WAITS_S or not desk.took_s:
        crowd.differences.append(f"a check-in took {slowest_s:.1f} s, {len(desk.took_s)} were made")
    if rested_s > RESTED_WITHIN_S:
        crowd.differences.append(f"{rested_s:.1f} s afterwards the desk still waited")
    return crowd


def exhaust_files(scene: Scene, files: int, callers: int) -> Crowd:
    """Let more callers hold a line than the server may open files, then let them go, and check somebody in."""
    with _served(scene) as (victim, cast, registrar):
        victim.limit_files(files)
        asyncio.run(_holding(cast, callers))
        began_at = time.monotonic()
        check_in(registrar, 0)
        took_s = time.monotonic() - began_at
        is_verified = victim.stop() in {0, -signal.SIGTERM} and victim.verify() == 0
    crowd = Crowd({"descriptors_callers": callers, "descriptors_rested_ms": round(1000 * took_s)})
    if took_s > RESTED_WITHIN_S:
        crowd.differences.append(f"it took {took_s:.1f} s until a desk was served again")
    if not is_verified:
        crowd.differences.append("the server did not stop, or its journal does not verify")
    return crowd


@contextmanager
def _served(scene: Scene) -> Iterator[tuple[Victim, Cast, Seat]]:
    made = prepare(Plan(scene.folder, free_port(), scene.database_url, units=10, speed=1))
    players = Players.load(scene.folder / "cast.json")
    with ForkedVictim(made) as victim:
        victim.start()
        registrar = Seat(players, players.with_role("registrar")[0], Ledger(), Event(), waits_s=60)
        registrar.arrive()
        yield victim, made, registrar
        registrar.close()


class _Desk:
    """Checks in one person after the other, on a thread of its own."""

    def __init__(self, registrar: Seat) -> None:
        self._registrar = registrar
        self._is_over = Event()
        self.took_s: list[float] = []

    @contextmanager
    def working(self) -> Iterator[None]:
        thread = threading.Thread(target=self._work)
        thread.start()
        yield
        self._is_over.set()
        thread.join()

    def _work(self) -> None:
        while not self._is_over.wait(0.2):
            began_at = time.monotonic()
            check_in(self._registrar, len(self.took_s))
            self.took_s.append(time.monotonic() - began_at)


def check_in(registrar: Seat, number: int) -> float:
    """Check in somebody new by a passport that is typed; return when that was answered."""
    who = {"document_kind": "passport", "number": f"L{number:08d}", "issuing_country": "UTO", "name": "VISITOR"}
    registrar.do(check_in_typed({"typed_reason": "no_card", **who, "born_on": "1991-02-03", "sex": "female"}))
    return time.monotonic()


async def _holding(cast: Cast, callers: int) -> None:
    lines = [await _asked(cast, "/sign-in") for _ in range(callers)]
    await asyncio.sleep(HELD_S)
    for _, writer in lines:
        writer.transport.abort()


async def _listening(cast: Cast, registrar: Seat, displays: int, deaf: int) -> Crowd:
    wall = f"/wall/live?token={cast.wall_token}"
    lines = [await _asked(cast, wall) for _ in range(displays)]
    unread = [await _asked(cast, wall) for _ in range(deaf)]
    for reader, _ in lines:
        await _heard(reader, b"event: resync")
    took_s: list[float] = []
    for number in range(CHECK_INS):
        heard = asyncio.gather(*(_heard(reader, b"event: visits") for reader, _ in lines))
        recorded_at = await asyncio.to_thread(check_in, registrar, number)
        took_s += [max(at - recorded_at, 0.0) for at in await heard]
    for _, writer in (*lines, *unread):
        writer.transport.abort()
    p99_s = quantiles(took_s, n=100)[98]
    crowd = Crowd({"displays": displays, "displays_p99_ms": round(1000 * p99_s), "displays_deaf": deaf})
    if p99_s > 1:
        crowd.differences.append(f"one display in a hundred heard after {p99_s:.2f} s or later")
    return crowd


async def _flooding(cast: Cast, seconds: float, a_second: float) -> Counter[str]:
    """Ask so often, whether or not what was asked before is answered."""
    statuses: Counter[str] = Counter()

    async def ask() -> None:
        try:
            async with asyncio.timeout(10):
                reader, writer = await _asked(cast, "/sign-in")
                head = await reader.readline()
            writer.transport.abort()
            statuses[head.split()[1].decode()] += 1
        except (OSError, TimeoutError, IndexError):
            statuses["none"] += 1

    began_at = time.monotonic()
    async with asyncio.TaskGroup() as crowd:
        for number in range(int(seconds * a_second)):
            await asyncio.sleep(max(0.0, began_at + number / a_second - time.monotonic()))
            crowd.create_task(ask())
    return statuses


async def _asked(cast: Cast, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(cast.base_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return reader, writer


async def _heard(reader: asyncio.StreamReader, what: bytes) -> float:
    """Wait until a display hears of something; return when."""
    async with asyncio.timeout(HEARD_WITHIN_S):
        while what not in await reader.readline():
            pass
    return time.monotonic()
