"""What the server looks after by itself, again and again, beside the desks."""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import structlog

_log = structlog.get_logger(__name__)


class Watcher(ABC):
    """Looks every so many seconds between ``async with``; lives on the event loop. ``name`` stands in the log."""

    def __init__(self, name: str, every_s: float, *, first_after_s: float = 0.0) -> None:
        self._name = name
        self._every_s = every_s
        self._first_after_s = first_after_s
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def look(self) -> None:
        """Look once, and do what is to be done."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name=self._name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        await asyncio.sleep(self._first_after_s)
        while True:
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  # a full disk passes; the next look tries again
                _log.error("watcher_failed", kind=self._name, code=type(error).__name__)  # a trace may tell data
            await asyncio.sleep(self._every_s)
