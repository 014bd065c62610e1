"""The way in for what must not be lost: stored in batches, acknowledged after the commit, kept while it cannot be."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import structlog

from clinic_server.cold_chain.actions import Letter, keep_dead_letter, store_readings
from clinic_server.cold_chain.supply.actions import store_supplies
from clinic_server.device_hub.translation import letter_of, sample_of, supply_of
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.errors import Unavailable
from clinic_server.kit.idempotency import Answer, RequestKey, once
from clinic_server.kit.tx import Tx
from devices.events import PayloadRejected, Receipted, SupplyTold, TemperatureMeasured

MOST_PER_WRITE: Final = 200
MOST_WAITING: Final = 5_000
FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 30.0
DRAIN_S: Final = 3.0
_DEVICES = system_actor("devices")
_log = structlog.get_logger(__name__)

_Taken = tuple[Receipted, RequestKey | None]


class Intake:
    """Stores durable events in the order they came; lives on the event loop, between ``async with``."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: asyncio.Queue[_Taken] = asyncio.Queue(MOST_WAITING)
        self._is_full = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._store_for_ever(), name="device intake")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Store what has come, unless that is impossible now: its senders still have it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._waiting.join()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def is_alive(self) -> bool:
        """Tell whether what the devices say is being stored."""
        return self._task is not None and not self._task.done()

    def take(self, event: Receipted, key: RequestKey | None = None) -> None:
        """Take an event, or decline it while too many wait: then its sender keeps it.

        A dead letter with a key is stored once; a reading has an identity of its own.
        """
        try:
            self._waiting.put_nowait((event, key))
        except asyncio.QueueFull:
            if not self._is_full:
                _log.error("intake_full", device=event.device_id)
            self._is_full = True
            event.receipt.decline()
        else:
            self._is_full = False

    async def _store_for_ever(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MOST_PER_WRITE and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._settle(batch)
            for _ in batch:
                self._waiting.task_done()

    async def _settle(self, batch: Sequence[_Taken]) -> None:
        """Store a batch and acknowledge it; one event the database refuses does not hold up the others."""
        try:
            await self._write(lambda tx: _store(tx, batch), len(batch))
        except Exception as error:  # noqa: BLE001  # whatever one payload did, fridges go on being watched
            # Only the kind: an error's text may hold values.
            _log.error("device_events_refused", kind=type(error).__name__, size=len(batch))
            if len(batch) > 1:
                for taken in batch:
                    await self._settle([taken])
                return
            await self._keep_evidence(batch[0][0])
        for event, _ in batch:
            event.receipt.acknowledge()

    async def _keep_evidence(self, event: Receipted) -> None:
        """Keep what can be kept of an event that cannot be stored; unacknowledged it would block all behind it."""
        payload = event.payload if isinstance(event, PayloadRejected) else repr(event).encode()
        letter = Letter(event.device_id, "", "not_storable", payload)
        try:
            await self._write(lambda tx: keep_dead_letter(tx, letter), 1)
        except Exception as error:  # noqa: BLE001  # as above
            _log.error("device_event_lost", device=event.device_id, kind=type(error).__name__)

    async def _write(self, action: Callable[[Tx], None], size: int) -> None:
        """Run an action, waiting for as long as nothing can be recorded."""
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._db.write(action, _DEVICES)
            except Unavailable as refused:
                _log.warning("device_events_wait", code=refused.code, waiting=size + self._waiting.qsize())
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            else:
                return


def _store(tx: Tx, batch: Sequence[_Taken]) -> None:
    samples = [sample_of(event) for event, _ in batch if isinstance(event, TemperatureMeasured)]
    if samples:
        store_readings(tx, samples)
    supplies = [supply_of(event) for event, _ in batch if isinstance(event, SupplyTold)]
    if supplies:
        store_supplies(tx, supplies)
    for event, key in batch:
        if isinstance(event, PayloadRejected):
            _store_letter(tx, letter_of(event), key)


def _store_letter(tx: Tx, letter: Letter, key: RequestKey | None) -> None:
    def store(tx: Tx) -> Answer:
        keep_dead_letter(tx, letter)
        return Answer(HTTPStatus.CREATED, b"")

    (once(key, store) if key else store)(tx)
