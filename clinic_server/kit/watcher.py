"""What the server looks after by itself, again and again, beside the desks."""

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, Self

import structlog

LOOKS_MISSED: Final = 3  # in a row, before a watcher counts as dead
SLACK_S: Final = 15.0  # for a look that takes its time
_log = structlog.get_logger(__name__)


class Watcher(ABC):
    """Looks every so many seconds between ``async with``; lives on the event loop. ``name`` stands in the log."""

    def __init__(self, name: str, every_s: float, *, first_after_s: float = 0.0) -> None:
        self._name = name
        self._every_s = every_s
        self._first_after_s = first_after_s
        self._task: asyncio.Task[None] | None = None
        self._looked_at_s = 0.0

    @property
    def name(self) -> str:
        """What the log calls it."""
        return self._name

    def is_alive(self) -> bool:
        """Tell whether it runs and has looked without a fault lately."""
        if self._task is None or self._task.done():
            return False
        silent_s = self._task.get_loop().time() - self._looked_at_s
        return silent_s < LOOKS_MISSED * self._every_s + SLACK_S

    @abstractmethod
    async def look(self) -> None:
        """Look once, and do what is to be done."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch(), name=self._name)
        self._looked_at_s = self._task.get_loop().time() + self._first_after_s
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
                self._looked_at_s = asyncio.get_running_loop().time()
            except Exception as error:  # noqa: BLE001  # a full disk passes; the next look tries again
                _log.error("watcher_failed", kind=self._name, code=type(error).__name__)  # a trace may tell data
            await asyncio.sleep(self._every_s)
