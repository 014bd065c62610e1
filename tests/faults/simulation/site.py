"""The simulated site: the machine's clinic, whose server dies and comes back while people, probes and pagers go on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.alerts.rules import DueState
from clinic_server.alerts.tables import page_due
from clinic_server.cold_chain.actions import assign_probe
from clinic_server.kit.access import Actor
from clinic_server.kit.db import Database
from clinic_server.kit.errors import ClinicError, StorageFailed, StorageFull, Unavailable
from clinic_server.kit.idempotency import Answer as Told
from clinic_server.kit.idempotency import RequestKey, first_answer
from clinic_server.kit.ids import Ids
from clinic_server.kit.tx import Site as Where
from clinic_server.kit.tx import Tx
from clinic_server.kit.witness import Witness
from clinic_server.observation.seats.actions import list_seat
from clinic_server.paging.actions import NewChannel, set_up_channel
from clinic_server.settings import Settings
from clinic_server.stock.stops import propose_lift
from tests.conftest import ManualClock
from tests.faults.simulation.disk import DiskOfADay
from tests.faults.simulation.fridge import Broker, Fridge
from tests.faults.simulation.server import Server
from tests.faults.simulation.store import TroubledDatabase
from tests.faults.simulation.terminal import CHANNEL, Terminal
from tests.proof.clinic import KEYRING, SITE, STORE, Cast, Clinic, LeftBehind
from tests.proof.invariants import violations
from tests.proof.rows import Rows

CHECKED_EVERY = 30  # acts: reading all that changed costs more than an act, and records stay to be looked at
ASKS_AGAIN_S = 60.0
LATE_S = 420.0
LAST_READING_S = 5.0  # until it is stored
MOST_SETTLING_MIN = 90
QUIET_MIN = 9  # longer than two looks of every watcher: what one of them raises another calls for
SET_UP_BEFORE_H = 3.0  # the day begins: a clock that is set goes back to when the probe stood here already
NOTICED_EVERY_S = 10.0
SEATS = tuple(f"s{number}" for number in range(1, 21))
SETTINGS = Settings(site=SITE)
PEOPLE_ON_DUTY = 3
BENCHES = 2


class ServerAway(Exception):
    """Nothing is recorded now; whoever asked sends the same again, under the same key."""

    def __init__(self, key: RequestKey) -> None:
        super().__init__(key.key)
        self.key = key


class Broken(AssertionError):
    """Something that must hold does not."""


@dataclass(frozen=True, slots=True)
class Held:
    """A permit as it was granted: for whom, to whom, and for which unit."""

    permit_id: UUID
    visit_id: UUID
    vaccinator: Actor
    code: str


class SimulatedSite(Clinic):
    """One site on one day; what is random on it is ``random``'s, and so is every id."""

    def __init__(self, disk: DiskOfADay, cast: Cast, seed: int, clock: ManualClock) -> None:
        self.random = Random(seed)  # noqa: S311  # a day, not a secret
        self.disk = disk
        self.is_up = True
        self.acknowledged: dict[str, Told] = {}
        self.refused: set[str] = set()
        self.product_of: dict[str, str] = {}  # by trace code
        self.spoilt: set[str] = set()  # codes that somebody tried already
        self.between_permit_and_dose: list[Callable[[], None]] = []
        self.held: list[Held] = []
        self.at_benches = cast.vaccinators[:BENCHES]
        self.died_at_s: list[float] = []
        self.invariants_asked = 0
        self._acts = 0
        self._repeated: RequestKey | None = None
        self._back = asyncio.Event()
        self.seen = Rows(KEYRING, SITE.zone)
        super().__init__(disk, cast, clock)
        self.broker = Broker("simulated-broker")
        self.broker.start()
        self.terminal = Terminal("simulated-terminal", self.clock)
        self._tasks: list[asyncio.Task[None]] = []

    # ---- the day ----

    async def begin(self) -> None:
        """Set the site up, open it, and let everything run."""
        self._furnish()
        self.fridge = Fridge(STORE, self.broker, self.clock, self.random)
        self.server = self._new_server()
        await self.server.start()
        running = (self.fridge.live(), self.keep_running(), self._deliver_late())
        self._tasks = [asyncio.get_running_loop().create_task(one) for one in running]

    async def settle(self) -> None:
        """Let nothing go wrong any more until all that waits has come, and every page is where it can get."""
        self.fridge.post.keeps_back = 0
        self.fridge.is_silent = False
        if isinstance(self.db, TroubledDatabase):
            self.db.trouble = None
        quiet_min = 0
        for _ in range(MOST_SETTLING_MIN):
            await asyncio.sleep(60)
            quiet_min = quiet_min + 1 if self.is_up and not self._what_waits() else 0
            if quiet_min == QUIET_MIN:
                break
        else:
            raise Broken(f"never settled: {self._what_waits()}")
        self.fridge.is_silent = True
        await asyncio.sleep(LAST_READING_S)

    async def end(self) -> None:
        """Take everything away."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.fridge.stop()
        await self.server.stop()
        self.terminal.unplug()
        self.broker.stop()
        self.close()

    def _what_waits(self) -> list[str]:
        waiting = select(page_due.c.id).where(page_due.c.state.in_([DueState.WAITING, DueState.LEASED]))
        pages = self.db.read_now(lambda connection: len(connection.execute(waiting).all()))
        late = self.fridge.unsent + self.fridge.post.kept
        waiting_for = ((pages, "pages"), (late, "readings"), (self.fridge.minutes_to_come, "minutes of the fridge"))
        return [f"{number} {what}" for number, what in waiting_for if number]

    async def _deliver_late(self) -> None:
        while True:
            await asyncio.sleep(LATE_S)
            self.fridge.post.deliver_what_was_kept()

    # ---- the server ----

    def opened(self, url: str) -> Database:
        """Open the database as a server does that starts: a witness tells whether anything is missing."""
        ids = Ids(self.clock, self.random.getrandbits)
        where = Where(SITE.code, SITE.zone)
        db = TroubledDatabase(url, site=where, keyring=KEYRING, clock=self.clock, ids=ids)
        if missing := db.be_witnessed(Witness(self.disk.folder / "witness", KEYRING.journal_key)):
            raise Broken(f"the witness misses {missing.lines} lines after a crash")
        return db

    async def restart(self, away_s: float = 0.0) -> None:
        """Lose the process in the middle of whatever it does, and start another one after a while."""
        if not self.is_up:
            return
        self.is_up = False
        self.died_at_s.append(self.clock.monotonic())
        self.broker.stop()  # its lines end first: what the dying server still confirms is heard by nobody
        left = self.place.crashed(self.url)
        await self.server.stop()
        self.db.close()
        await asyncio.sleep(away_s)
        self.url, self.db = left, self.opened(left)
        self._compare_with_what_was_told()
        self.server = self._new_server()
        await self.server.start()
        self.broker.start()
        self.is_up = True
        self._back.set()
        self._back.clear()

    async def keep_running(self) -> None:
        """Start the server again whenever it says that its disk failed, as somebody at the site does."""
        while True:
            await asyncio.sleep(NOTICED_EVERY_S)
            if self.is_up and self.db.failure:
                await self.restart(away_s=self.random.uniform(1, 90))

    def kill_broker(self) -> None:
        """Let the broker forget everything, and come back empty."""
        self.broker.stop()
        self.broker = self.fridge.post.broker = Broker(self.broker.name)
        if self.is_up:
            self.broker.start()

    def _new_server(self) -> Server:
        return Server(self.db, self.broker.url, self.clock, self.random, SETTINGS)

    # ---- what is asked of it ----

    def act(self, actor: Actor, act: Callable[[Tx], Any]) -> Any:
        """Ask for something once; return its result or the error that refused it, or raise ServerAway."""
        key, self._repeated = self._repeated or self.key(actor), None
        before = self.last_act()
        result = self._run(actor, act, key)
        if isinstance(result, Unavailable):
            if isinstance(result, StorageFull) and self.last_act() != before:
                raise LeftBehind("a commit that found no room")
            if isinstance(result, StorageFailed) and not self.db.failure:
                raise Broken("a disk that failed is written to again")
            raise ServerAway(key)
        if isinstance(result, ClinicError):
            self.refused.add(key.key)
            if self.last_act() != before:
                raise LeftBehind(str(result))
        elif isinstance(result, Exception):
            raise result
        else:
            self.acknowledged[key.key] = self.sent[-1].told
        self._check_now_and_then()
        return result

    async def insist(self, verb: Callable[[], Any]) -> Any:
        """Do something at a desk; as long as nothing can be recorded, send the same again."""
        key: RequestKey | None = None
        while True:
            while not self.is_up or self.db.failure:
                await self._back.wait()
            self._repeated = key
            try:
                return verb()
            except ServerAway as away:
                key = away.key
            finally:
                self._repeated = None
            await asyncio.sleep(ASKS_AGAIN_S)

    def receive(self, product: str, units: int, expires_on: date, place: str = STORE) -> Any:
        """See Clinic."""
        known = len(self.codes)
        received = super().receive(product, units, expires_on, place)
        self.product_of |= dict.fromkeys(self.codes[known:], product)
        return received

    def propose_lift(self, stop_id: UUID) -> Any:
        """Let the first-aider propose that a stop order ends."""
        return self.act(self.cast.first_aider, lambda tx: propose_lift(tx, stop_id, "found in order"))

    def ask_permit(self, visit_id: UUID, vaccinator: Actor, code: str, *, unconfirmed: int = 0) -> Any:
        """See Clinic; what was prepared happens as soon as a permit is granted."""
        granted = super().ask_permit(visit_id, vaccinator, code, unconfirmed=unconfirmed)
        if not isinstance(granted, ClinicError):
            self.held.append(Held(granted.permit_id, visit_id, vaccinator, code))
            if self.between_permit_and_dose:
                self.between_permit_and_dose.pop()()
        return granted

    def carry(self, taker: Actor) -> None:
        """Let somebody take the last permit and its unit to where they stand, and give the dose there."""
        held = self.held[-1]
        self.fetch(taker, held.code)
        self.give(taker, held.permit_id)

    # ---- what must hold ----

    def check(self) -> None:
        """Ask every invariant, or raise Broken."""
        self.db.read_now(self.seen.read_on)
        self.invariants_asked += 1
        if found := violations(self.seen):
            raise Broken("; ".join(found))

    def _check_now_and_then(self) -> None:
        self._acts += 1
        if self._acts % CHECKED_EVERY == 0:
            self.check()

    def _compare_with_what_was_told(self) -> None:
        """Every answer that was given is kept as it was given, and of what was refused nothing is."""
        kept = {row.key: row for row in self.db.read_now(lambda c: c.execute(select(first_answer)).all())}
        for key, told in self.acknowledged.items():
            if key not in kept:
                raise Broken(f"lost: the answer to {key}")
            if (kept[key].status, kept[key].body) != (told.status, told.body):
                raise Broken(f"doubled: another answer is kept for {key}")
        if doubled := self.refused & kept.keys():
            raise Broken(f"doubled: {doubled} was refused and is recorded")

    # ---- how it is set up ----

    def _furnish(self) -> None:
        lead = self.cast.lead
        ways = [Address(CHANNEL, f"10{number}") for number in range(PEOPLE_ON_DUTY)]
        for act in (
            partial(assign_probe, probe_id=STORE, place_code=STORE),
            partial(set_up_channel, new=NewChannel(CHANNEL, "tap", self.terminal.port.url)),
            *(partial(add_contact, new=NewContact(f"值班{way.address}", (way,))) for way in ways),
            *(partial(list_seat, code=code, zone="hall") for code in SEATS),
        ):
            self.db.write_now(act, lead)
        self.clock.pass_time(hours=SET_UP_BEFORE_H)
        self.open_site()
        for product in ("single", "double"):
            self.receive(product, 4, self.today() + timedelta(days=30))
