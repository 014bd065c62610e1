"""The desk PCs of the site: who they are, what they bring, what is told to them, and whether they are there."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import structlog

from clinic_server.device_hub.desk import Desk
from clinic_server.device_hub.desk_actions import AGENTS, DEVICES, AgentKept, agents_kept
from clinic_server.device_hub.intake import Intake
from clinic_server.device_hub.pairing import Pairings
from clinic_server.kit.call import House
from clinic_server.kit.crypto import token_digest
from clinic_server.kit.errors import Busy, NotPermitted, Refused
from clinic_server.kit.idempotency import RequestKey
from clinic_server.kit.tx import Signal
from devices.adapter import DeviceSpec
from devices.agent.messages import (
    EVENT,
    LINE,
    PERISHES_AFTER_S,
    TICK_S,
    BadMessage,
    Batch,
    Health,
    Message,
    Moment,
    Tick,
    Welcome,
)
from devices.attendance import DeviceStatus
from devices.events import (
    DeviceEvent,
    DeviceStateChanged,
    PayloadRejected,
    SlipFailed,
    SlipPrinted,
    TemperatureMeasured,
)
from devices.finding import Found
from devices.receipts import Receipt
from devices.words import DeviceWord

LOOK_S: Final = 1.0
STORED_WITHIN_S: Final = 20.0
_NO_LINE: Final = 0
_log = structlog.get_logger(__name__)


class NotYourDevice(NotPermitted):
    """A desk PC spoke for a device that does not hang there."""

    code = "not_your_device"


class MomentPerished(Refused):
    """A card or a scan came too late to be anybody's."""

    code = "moment_perished"


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

    def __init__(self, house: House, intake: Intake, receive: Callable[[DeviceEvent], Awaitable[None]]) -> None:
        self.pairings = Pairings(house.db.clock)
        self._house = house
        self._intake = intake
        self._receive = receive
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

    def shown(self) -> tuple[DeskShown, ...]:
        """Return every desk PC as it stands now."""
        now_s = self._house.db.clock.monotonic()
        return tuple(_shown(desk, desk.is_connected(now_s)) for desk in self._desks.values())

    def states(self) -> tuple[DeviceStatus, ...]:
        """Return how every device at a desk stands."""
        now_s = self._house.db.clock.monotonic()
        return tuple(status for desk in self._desks.values() for status in desk.states(now_s))

    def found(self) -> Mapping[UUID, tuple[Found, ...]]:
        """Return what each connected desk PC found plugged in."""
        now_s = self._house.db.clock.monotonic()
        here = [desk for desk in self._desks.values() if desk.is_connected(now_s)]
        return {desk.kept.agent_id: desk.health.found for desk in here if desk.health is not None}

    def station_of(self, device_id: str) -> str | None:
        """Return where a device at a desk delivers: its own station, or that of its desk."""
        desk = self._carrier_of(device_id)
        return None if desk is None else desk.kept.stations.get(device_id) or desk.kept.station

    def at_station(self, station: str, kind: str) -> tuple[str, ...]:
        """Return the ids of the devices of a kind at desks that deliver to a station."""
        specs = [spec for desk in self._desks.values() for spec in desk.kept.devices if spec.kind == kind]
        return tuple(spec.device_id for spec in specs if self.station_of(spec.device_id) == station)

    def assign(self, agent_id: UUID, specs: Iterable[DeviceSpec]) -> None:
        """Let a desk PC attend these devices and no other, until its records change."""
        desk = self._desks[agent_id]
        devices = tuple(specs)
        stations = {spec.device_id: None for spec in devices} | desk.kept.stations
        self._keep(desk, replace(desk.kept, devices=devices, stations=stations))

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """Tell a device at a desk something without waiting for it; False when its desk is away or it is not known."""
        desk = self._carrier_of(device_id)
        if desk is None or not desk.is_connected(self._house.db.clock.monotonic()):
            return False
        is_taken = desk.put(device_id, word)
        self._signal(desk.topic)
        return is_taken

    def retry_now(self, device_id: str) -> None:
        """Have a device connected at once. Raises KeyError for one that hangs on no desk."""
        desk = self._carrier_of(device_id)
        if desk is None:
            raise KeyError(device_id)
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
                await self._receive(DeviceStateChanged(one.device_id, one.state, one.detail))
        for device_id, job_id in desk.forgotten_slips():
            await self._receive(SlipFailed(device_id, job_id, "unconfirmed"))
        if is_news:
            self._wake.set()
            self._signal(DEVICES)

    async def take_moment(self, desk: Desk, moment: Moment) -> None:
        """Pass on what is worth something now; the same once more changes nothing."""
        if isinstance(moment.event, TemperatureMeasured | PayloadRejected | SlipPrinted | SlipFailed):
            raise MomentPerished
        if not desk.attends(moment.event.device_id):
            _log.warning("foreign_device", device=moment.event.device_id, reason=str(desk.kept.agent_id))
            raise NotYourDevice
        if not 0 <= moment.age_ms <= PERISHES_AFTER_S * 1000:
            raise MomentPerished
        if desk.is_new(moment.id):
            desk.note(moment.id)
            await self._receive(moment.event)

    async def take_batch(self, desk: Desk, batch: Batch) -> Mapping[str, str]:
        """Store durable events; return, by message id, why some can never be. Raises Unavailable: all come again."""
        refused: dict[str, str] = {}
        stored: list[Awaitable[None]] = []
        for message in batch.messages:
            try:
                event = _durable(message)
            except BadMessage as bad:
                refused[message.id] = bad.reason
                continue
            if desk.may_speak_for(event.device_id):
                stored.append(self._store(desk, message.id, event))
            else:
                _log.warning("foreign_device", device=event.device_id, reason=str(desk.kept.agent_id))
                refused[message.id] = NotYourDevice.code
        try:
            async with asyncio.timeout(STORED_WITHIN_S):
                await asyncio.gather(*stored)
        except TimeoutError:
            raise Busy from None
        return refused

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

    async def _store(self, desk: Desk, message_id: str, event: DeviceEvent) -> None:
        """Return once an event is committed, or raise Unavailable."""
        if isinstance(event, SlipPrinted | SlipFailed):
            if desk.is_new(message_id):
                await self._receive(event)
                desk.note(message_id)
                desk.printed(event.job_id)
            return
        assert isinstance(event, TemperatureMeasured | PayloadRejected)  # noqa: S101  # _durable lets nothing else in
        settled: asyncio.Future[bool] = self._loop.create_future()
        event = replace(event, receipt=Receipt(lambda is_stored: _settle(settled, is_stored=is_stored)))
        self._intake.take(event, self._key_of(desk, message_id, event))
        if not await settled:
            raise Busy

    def _key_of(self, desk: Desk, message_id: str, event: TemperatureMeasured | PayloadRejected) -> RequestKey | None:
        """Return the key under which a dead letter is kept once; a reading has an identity of its own."""
        if isinstance(event, TemperatureMeasured):
            return None
        print_of = self._house.db.keyring.fingerprint(event.device_id.encode(), event.payload)
        return RequestKey(f"agent:{desk.kept.agent_id}", message_id, print_of)

    def _carrier_of(self, device_id: str) -> Desk | None:
        return next((desk for desk in self._desks.values() if desk.attends(device_id)), None)

    def _look_again(self, signals: Sequence[Signal]) -> None:
        """Notice on the writer's thread that desk PCs or devices changed, before the change is answered."""
        if any({AGENTS, DEVICES} & signal.topics for signal in signals):
            self._changes += 1
            with suppress(RuntimeError):  # the loop closed: nobody asks any more
                self._loop.call_soon_threadsafe(self._wake.set)

    async def _load(self) -> None:
        """Bring what is known of desk PCs to what is recorded; those taken off lose their stream."""
        async with self._loading:
            changes = self._changes
            if changes == self._loaded:
                return
            db, zone = self._house.db, self._house.settings.site.time_zone
            kept = await db.read(lambda connection: agents_kept(connection, db.keyring, zone))
            known, self._desks = self._desks, {}
            for one in kept:
                desk = known.pop(one.agent_id, None) or Desk(one)
                self._desks[one.agent_id] = desk
                self._keep(desk, one)
            self._by_digest = {desk.kept.digest: desk for desk in self._desks.values()}
            for gone in known.values():
                gone.has_ended = True
                self._signal(gone.topic)
            self._loaded = changes
            self._signal(DEVICES)

    def _keep(self, desk: Desk, kept: AgentKept) -> None:
        is_new_list = desk.kept.devices != kept.devices
        desk.kept = kept
        if is_new_list:
            desk.put_devices()
            self._signal(desk.topic)

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


def _durable(message: Message) -> DeviceEvent:
    event = EVENT.decode(bytes(message.event))
    if not isinstance(event, TemperatureMeasured | PayloadRejected | SlipPrinted | SlipFailed):
        raise BadMessage("not_durable")
    return event


def _settle(settled: asyncio.Future[bool], *, is_stored: bool) -> None:
    if not settled.done():
        settled.set_result(is_stored)


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
