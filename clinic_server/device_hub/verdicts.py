"""What became of a scan sounds at the scanner that sent it; no request waits for that."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from clinic_server.kit.inbox import Delivery
from devices.words import DeviceWord, Verdict


class Verdicts:
    """Tells devices what the desks decided, one task each; lives on the event loop, between ``async with``."""

    def __init__(self, tell: Callable[[str, DeviceWord], Awaitable[bool]]) -> None:
        self._tell = tell
        self._telling: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._telling:
            task.cancel()
        await asyncio.gather(*self._telling, return_exceptions=True)

    def hear(self, delivery: Delivery, accepted: bool) -> None:
        """Pass a verdict on to the device a delivery came from."""
        if delivery.origin:
            self.say(delivery.origin, Verdict.GOOD if accepted else Verdict.BAD)

    def say(self, device_id: str, verdict: Verdict) -> None:
        """Have a device sound, if it can."""
        task = asyncio.create_task(self._say(device_id, verdict), name=f"verdict for {device_id}")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _say(self, device_id: str, verdict: Verdict) -> None:
        await self._tell(device_id, verdict)
