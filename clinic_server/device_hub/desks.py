"""The desk PCs of the site: who they are, what they bring, what is told to them, and whether they are there."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import structlog
from fastapi import Request

from clinic_server.alerts.missing import hear_witness
from clinic_server.device_hub.arrivals import Arrivals, Receive
from clinic_server.device_hub.carriers import FoundAt, SiteDevice
from clinic_server.device_hub.desk import Desk
from clinic_server.device_hub.desk_actions import AGENTS, DEVICES, agents_kept
from clinic_server.device_hub.pairing import Pairings
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.crypto import token_digest
from clinic_server.kit.journal import head_of
from clinic_server.kit.tx import Signal
from clinic_server.kit.witness import missing_from, sealed, unsealed
from devices.agent.messages import (
    LINE,
    TICK_S,
    Health,
    Tick,
    Welcome,
)
from devices.attendance import DeviceStatus
from devices.events import (
    DeviceStateChanged,
    SlipFailed,
)
from devices.words import DeviceWord

LOOK_S: Final = 1.0
_NO_LINE: Final = 0
_WITNESS: Final = system_actor("witness")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DeskShown:
    """A desk PC as people see it."""

    agent_id: UUID
    name: str
    station: str
    is_connected: bool
    last_heard_at: datetime | None
    version: str
    platform: str
    clock_offset_ms: int
    spool_depth: int
    spool_trouble: str
    dropped: int
    refused: int
    lost: int


class Desks:
    """Every desk PC, between ``async with``; lives on the event loop."""

    def __init__(self, house: House) -> None:
        self.pairings = Pairings(house.db.clock)
        self._house = house
        self.arrivals = Arrivals(house)
        self._run = secrets.token_hex(8)
        self._desks: dict[UUID, Desk] = {}
        self._by_digest: dict[bytes, Desk] = {}
        self._changes = 0  # raised on the writer's thread before a change is answered
        self._loaded = -1
        self._loading = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._house.db.watch(self._look_again)
        await self._load()
        self._task = asyncio.create_task(self._watch(), name="desks")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def refresh(self) -> None:
        """Catch up with the records, for whoever shows what was just changed."""
        if self._loaded != self._changes:
            await self._load()

    def bring_to(self, receive: Receive) -> None:
        """Say where goes what the desks bring; before that nothing is taken."""
        self.arrivals.receive = receive

    def shown(self) -> tuple[DeskShown, ...]:
        """Return every desk PC as it stands now."""
        now_s = self._house.db.clock.monotonic()
        return tuple(_shown(desk, desk.is_connected(now_s)) for desk in self._desks.values())

    def states(self) -> tuple[DeviceStatus, ...]:
        """See Carrier: of a desk that is away nobody knows how its devices are, and that is said."""
        now_s = self._house.db.clock.monotonic()
        return tuple(status for desk in self._desks.values() for status in desk.states(now_s))

    async def found(self) -> Sequence[FoundAt]:
        """See Carrier: what each connected desk PC last told it found; the telling is every fifteen seconds."""
        now_s = self._house.db.clock.monotonic()
        here = [desk for desk in self._desks.values() if desk.is_connected(now_s) and desk.health is not None]
        return [
            FoundAt(one, desk.kept.agent_id, desk.kept.name, desk.kept.station)
            for desk in here
            for one in (desk.health.found if desk.health else ())
        ]

    async def attend(self, device: SiteDevice) -> None:
        """See Carrier. Raises KeyError for a desk PC that was taken off."""
        await self.refresh()
        assert device.agent_id is not None  # noqa: S101  # the hub gives us no other
        desk = self._desks[device.agent_id]
        desk.attend(device.spec)
        self._signal(desk.topic)

    async def leave(self, device: SiteDevice) -> None:
        """See Carrier."""
        if (desk := self._carrier_of(device.spec.device_id)) is not None:
            desk.leave(device.spec.device_id)
            self._signal(desk.topic)

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """See Carrier; False also while its desk is away."""
        desk = self._desk_with(device_id)
        if not desk.is_connected(self._house.db.clock.monotonic()):
            return False
        is_taken = desk.put(device_id, word)
        self._signal(desk.topic)
        return is_taken

    def retry_now(self, device_id: str) -> None:
        """See Carrier."""
        desk = self._desk_with(device_id)
        desk.put_retry(device_id)
        self._signal(desk.topic)

    async def desk_of(self, token: str) -> Desk | None:
        """Return whose credential this is; a credential that was used is told to nobody again."""
        await self.refresh()
        digest = token_digest(token)
        desk = self._by_digest.get(digest)
        if desk is not None:
            self.pairings.done(digest)
        return desk

    async def take_health(self, desk: Desk, health: Health) -> None:
        """Note how a desk PC is, and pass on what changed at its devices."""
        clock = self._house.db.clock
        before = {one.device_id: (one.state, one.detail) for one in desk.health.devices} if desk.health else {}
        is_news = health != desk.health
        desk.hear(health, self._run)
        desk.heard_at, desk.heard_at_s = clock.now(), clock.monotonic()
        for one in health.devices:
            if desk.attends(one.device_id) and before.get(one.device_id) != (one.state, one.detail):
                await self.arrivals.receive(DeviceStateChanged(one.device_id, one.state, one.detail), None)
        for device_id, job_id in desk.forgotten_slips():
            await self.arrivals.receive(SlipFailed(device_id, job_id, "unconfirmed"), None)
        if is_news:
            self._wake.set()
            self._signal(DEVICES)

    async def bear_witness(self, desk: Desk, recorded: str) -> str:
        """Hold what a desk PC remembers against the journal, once in a run; return what it is to remember now."""
        db = self._house.db
        known = None if desk.has_witnessed else unsealed(recorded, db.keyring.journal_key)
        if known is not None and (missing := await db.read(lambda c: missing_from(c, known))) is not None:
            _log.error("records_missing", device=str(desk.kept.agent_id), waiting=missing.lines)
            await db.write(lambda tx: hear_witness(tx, known), _WITNESS)
        desk.has_witnessed = True
        return sealed(await db.read(head_of), db.keyring.journal_key)

    async def words(self, desk: Desk) -> AsyncIterator[bytes]:
        """Yield lines for a desk PC until it ends, a newer stream begins, or the server stops."""
        turn = desk.begin_stream()
        try:
            with self._house.db.broadcaster.open(frozenset({desk.topic})) as changes:
                self._signal(desk.topic)  # an older stream of this desk looks, and ends
                yield LINE.encode(Welcome(self._run)) + b"\n"
                while desk.is_current(turn):
                    for line in desk.take_lines():
                        yield LINE.encode(line) + b"\n"
                    yield LINE.encode(Tick(self._house.db.clock.now())) + b"\n"
                    with suppress(TimeoutError):
                        if await changes.next(TICK_S) is None:
                            return
        finally:
            desk.end_stream(turn)
            self._wake.set()

    def _carrier_of(self, device_id: str) -> Desk | None:
        return next((desk for desk in self._desks.values() if desk.attends(device_id)), None)

    def _desk_with(self, device_id: str) -> Desk:
        if (desk := self._carrier_of(device_id)) is None:
            raise KeyError(device_id)
        return desk

    def _look_again(self, signals: Sequence[Signal]) -> None:
        """Notice on the writer's thread that desk PCs or devices changed, before the change is answered."""
        if any(AGENTS in signal.topics for signal in signals):
            self._changes += 1
            with suppress(RuntimeError):  # the loop closed: nobody asks any more
                self._loop.call_soon_threadsafe(self._wake.set)

    async def _load(self) -> None:
        """Bring what is known of desk PCs to what is recorded; those taken off lose their stream."""
        async with self._loading:
            changes = self._changes
            if changes == self._loaded:
                return
            kept = await self._house.db.read(agents_kept)
            known, self._desks = self._desks, {}
            for one in kept:
                desk = known.pop(one.agent_id, None) or Desk(one)
                desk.kept = one
                self._desks[one.agent_id] = desk
            self._by_digest = {desk.kept.digest: desk for desk in self._desks.values()}
            for gone in known.values():
                gone.has_ended = True
                self._signal(gone.topic)
            self._loaded = changes
            self._signal(DEVICES)

    async def _watch(self) -> None:
        """Tell the pages when a desk PC came or went; silence is told by nobody else."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._load()
            except Exception as error:  # noqa: BLE001  # a database that hangs must not end the watch
                _log.error("desks_not_loaded", kind=type(error).__name__)
                continue
            now_s = self._house.db.clock.monotonic()
            for desk in self._desks.values():
                if desk.is_connected(now_s) != desk.was_connected:
                    desk.was_connected = not desk.was_connected
                    state = "online" if desk.was_connected else "offline"
                    _log.info("desk_state", device=str(desk.kept.agent_id), state=state)
                    self._signal(DEVICES)

    def _signal(self, topic: str) -> None:
        self._house.db.broadcaster.publish([Signal(_NO_LINE, frozenset({topic}))])


def _shown(desk: Desk, is_connected: bool) -> DeskShown:
    said = desk.health
    return DeskShown(
        agent_id=desk.kept.agent_id,
        name=desk.kept.name,
        station=desk.kept.station,
        is_connected=is_connected,
        last_heard_at=desk.heard_at,
        version=said.version if said else "",
        platform=said.platform if said else "",
        clock_offset_ms=said.clock_offset_ms if said else 0,
        spool_depth=said.spool_depth if said else 0,
        spool_trouble=said.spool_trouble if said else "",
        dropped=said.dropped if said else 0,
        refused=said.refused if said else 0,
        lost=said.lost if said else 0,
    )


def desks_of(request: Request) -> Desks:
    """Return the running desks."""
    desks: Desks = request.app.state.desks
    return desks
