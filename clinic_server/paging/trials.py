"""A channel's test button: one page to an address of one's own, and what came of it, as long as memory goes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from clinic_server.kit.access import Actor
from clinic_server.kit.call import House
from clinic_server.paging.actions import record_trial
from clinic_server.paging.lanes import Lane
from clinic_server.paging.wording import trial_page
from devices.pagers.page import Outcome


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that began; ``outcome`` is None while it runs."""

    code: str
    begun_at: datetime
    outcome: Outcome | None = None


class Trials:
    """The latest trial of each channel."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._latest: dict[str, Trial] = {}
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, code: str, lane: Lane, address: str, actor: Actor) -> Trial:
        """Begin to page an address."""
        trial = self._latest[code] = Trial(code, self._house.db.clock.now())
        task = asyncio.create_task(self._run(trial, lane, address, actor), name="channel trial")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return trial

    def latest(self, code: str) -> Trial | None:
        """Return how the latest trial of a channel stands."""
        return self._latest.get(code)

    def all(self) -> Mapping[str, Trial]:
        """Return the latest trial of every channel that had one."""
        return self._latest

    async def stop(self) -> None:
        """End what still runs."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, trial: Trial, lane: Lane, address: str, actor: Actor) -> None:
        outcome = await lane.send(address, trial_page(self._house.settings.site.name))
        if outcome is not None:
            await self._house.db.write(lambda tx: record_trial(tx, trial.code, outcome), actor)
            self._latest[trial.code] = Trial(trial.code, trial.begun_at, outcome)
