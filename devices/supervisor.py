"""Runs every device of a site or a desk: the only place that reconnects."""

import asyncio
import logging
import random
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from devices.adapter import Adapter, DeviceSpec
from devices.attendance import Attendance, Clock, DeviceStatus
from devices.backoff import Backoff
from devices.events import DeviceEvent, DeviceState, Receipted
from devices.registry import adapter_for
from devices.words import DeviceWord

WAITING_LIMIT = 256
DRAIN_S = 5.0

Deliver = Callable[[DeviceEvent], Awaitable[None]]

log = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Supervisor:
    """Attends devices and gives their events to `deliver`, one at a time, each device's in order.

    While `deliver` is behind, adapters wait. When it raises, a durable event is declined (its sender delivers it
    again) and a perishable one is gone; the devices go on. Nothing runs before `async with`, nothing after it.
    """

    def __init__(  # noqa: PLR0913 - the last four are the seams a test or another clock needs
        self,
        specs: Iterable[DeviceSpec],
        deliver: Deliver,
        *,
        utc_now: Callable[[], datetime] = _utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        scatter: Callable[[], float] = random.random,
        build: Callable[[DeviceSpec], Adapter] = adapter_for,
    ) -> None:
        self._specs = tuple(specs)
        self._deliver = deliver
        self._clock = Clock(utc_now, monotonic)
        self._scatter = scatter
        self._build = build
        self._events: asyncio.Queue[DeviceEvent] = asyncio.Queue(WAITING_LIMIT)
        self._attendances: dict[str, tuple[Attendance, asyncio.Task[None]]] = {}
        self._delivery: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._delivery = asyncio.create_task(self._deliver_for_ever(), name="device events")
        for spec in self._specs:
            self.add(spec)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def add(self, spec: DeviceSpec) -> None:
        """Begin to attend a device. Raises ValueError if its id is taken; a spec that cannot work shows as offline."""
        if self._delivery is None:
            raise RuntimeError("devices are added inside `async with`")
        if spec.device_id in self._attendances:
            raise ValueError(f"device id {spec.device_id!r} is taken")
        attendance = Attendance(spec, self._build, self._events.put, self._clock, Backoff(self._scatter))
        task = asyncio.create_task(attendance.run(), name=f"device {spec.device_id}")
        self._attendances[spec.device_id] = (attendance, task)

    async def remove(self, device_id: str) -> None:
        """Stop attending a device and close its port. Raises KeyError for an unknown id."""
        attendance, task = self._attendances.pop(device_id)
        await _cancelled([task])
        await attendance.change_state(DeviceState.OFFLINE, "removed")

    def retry_now(self, device_id: str) -> None:
        """Connect again at once instead of waiting. Raises KeyError for an unknown id."""
        self._attendances[device_id][0].hurry()

    async def tell(self, device_id: str, word: DeviceWord) -> bool:
        """Tell a device something without waiting for it; False if it has no use for it. Raises KeyError.

        A verdict for a scanner that is away is dropped; a slip for a printer that is away waits for it.
        """
        return self._attendances[device_id][0].tell(word)

    def states(self) -> tuple[DeviceStatus, ...]:
        """Return how each device is, in the order they were added."""
        return tuple(attendance.status for attendance, _ in self._attendances.values())

    async def stop(self) -> None:
        """Close every port, deliver what has arrived, and end; a receiver that hangs is left after 5 s."""
        delivery, self._delivery = self._delivery, None
        if delivery is None:
            return
        try:
            await _cancelled([task for _, task in self._attendances.values()])
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._events.join()
        finally:
            await _cancelled([delivery])

    async def _deliver_for_ever(self) -> None:
        while True:
            event = await self._events.get()
            try:
                await self._deliver(event)
            except Exception as error:  # noqa: BLE001 - the receiver's mistake must not stop the devices
                frames = "".join(traceback.format_tb(error.__traceback__))
                log.error("%s of %s: %s\n%s", type(event).__name__, event.device_id, type(error).__name__, frames)  # noqa: TRY400 - the text may hold personal values
                if isinstance(event, Receipted):
                    event.receipt.decline()
            finally:
                self._events.task_done()


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["Deliver", "DeviceSpec", "DeviceStatus", "Supervisor"]
