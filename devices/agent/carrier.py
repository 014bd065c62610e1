"""Carries the devices of a desk to the server: attends them, sends what they say, hears what is told to them."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from devices.adapter import DeviceSpec
from devices.agent import __version__
from devices.agent.clock import ServerClock
from devices.agent.folder import Credential, Folder, FolderUnusable
from devices.agent.health import found_here, platform_name
from devices.agent.messages import TICK_S, DeviceList, Health, Line, RetryNow, Told, Welcome
from devices.agent.outgoing import Lasting, Moments
from devices.agent.spool import Spool
from devices.agent.standing import Standing, report_of
from devices.agent.uplink import NotTaken, ServerAway, Uplink
from devices.events import DeviceEvent, DeviceStateChanged, Receipted, SlipFailed, SlipPrinted
from devices.supervisor import Supervisor
from devices.words import PrintSlip

FIND_EVERY_S: Final = 15.0
SETTLES_S: Final = 0.1  # several changes at once are one report
SHORTEST_WAIT_S: Final = 0.5
LONGEST_WAIT_S: Final = 10.0


class Carrier:
    """One desk PC at work, between entering and leaving `running`; `standing` tells how it is."""

    def __init__(self, credential: Credential, folder: Folder) -> None:
        self.standing = Standing(credential.server, credential.name, credential.station, recorded=folder.recorded())
        self.clock = ServerClock()
        self._credential = credential
        self._folder = folder
        self._run = secrets.token_hex(8)

    async def carry(self, show: Callable[[], None]) -> None:
        """Work until cancelled, calling `show` at every change. Raises AgentEnded, SpoolTaken, SpoolFailed."""
        async with self._opened() as (uplink, moments, lasting, supervisor), _all_or_none() as together:
            for spec in self._folder.devices():
                supervisor.add(spec)
            together.create_task(lasting.keep())
            together.create_task(lasting.send())
            together.create_task(moments.run())
            together.create_task(self._report(uplink, supervisor, show))
            together.create_task(self._listen(uplink, supervisor, lasting))
            together.create_task(self._look_around(supervisor))

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Uplink, Moments, Lasting, Supervisor]]:
        spool = await asyncio.to_thread(Spool, self._folder.spool)
        async with Uplink(self._credential) as uplink:
            moments = Moments(uplink, self.standing, self.clock)
            lasting = Lasting(spool, uplink, self.standing, self.clock)

            async def deliver(event: DeviceEvent) -> None:
                if isinstance(event, Receipted | SlipPrinted | SlipFailed):
                    lasting.take(event)
                elif isinstance(event, DeviceStateChanged):
                    self.standing.news.set()
                else:
                    moments.take(event)

            try:
                async with Supervisor(
                    (), deliver, utc_now=self.clock.utc_now, monotonic=self.clock.monotonic
                ) as supervisor:
                    yield uplink, moments, lasting, supervisor
            finally:
                await lasting.close()

    async def _report(self, uplink: Uplink, supervisor: Supervisor, show: Callable[[], None]) -> None:
        """Say how we are: on every change, and often enough that the server believes it."""
        while True:
            self.standing.news.clear()
            self._note(supervisor)
            asked_at_s = self.clock.monotonic()
            try:
                heard = await uplink.report(self._health())
                if heard.now is not None:
                    self.clock.learn(heard.now, asked_at_s)
                await self._remember(heard.recorded)
                self.standing.reached(self.clock.utc_now())
            except ServerAway as away:
                self.standing.away(away.reason, self.clock.utc_now())
            except NotTaken as refusal:
                self.standing.away(refusal.code, self.clock.utc_now())
            self._note(supervisor)
            show()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_S):
                    await self.standing.news.wait()
            await asyncio.sleep(SETTLES_S)

    async def _remember(self, recorded: str) -> None:
        """Keep what the server says it has recorded, to hold it against what it has after its next start."""
        if recorded and recorded != self.standing.recorded:
            self.standing.recorded = recorded
            with contextlib.suppress(FolderUnusable):  # a full disk stops no card
                await asyncio.to_thread(self._folder.keep_recorded, recorded)

    async def _listen(self, uplink: Uplink, supervisor: Supervisor, lasting: Lasting) -> None:
        """Hear what the server says, over one stream after another."""
        wait_s = SHORTEST_WAIT_S
        while True:
            try:
                async with uplink.words() as lines:
                    async for line in lines:
                        wait_s = SHORTEST_WAIT_S
                        await self._obey(line, supervisor, lasting)
            except (ServerAway, NotTaken):
                self.standing.server_is_back.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.standing.server_is_back.wait()
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)

    async def _obey(self, line: Line, supervisor: Supervisor, lasting: Lasting) -> None:
        match line:
            case Welcome():
                if line.run != self.standing.server_run:
                    self.standing.server_run, self.standing.heard_seq = line.run, 0
            case DeviceList():
                await self._attend(line.devices, supervisor)
            case Told():
                if line.seq > self.standing.heard_seq:
                    self.standing.heard_seq = line.seq
                    await _tell(line, supervisor, lasting)
                    self.standing.news.set()
            case RetryNow():
                with contextlib.suppress(KeyError):
                    supervisor.retry_now(line.device_id)

    async def _attend(self, wanted: tuple[DeviceSpec, ...], supervisor: Supervisor) -> None:
        """Attend these devices and no other; one whose description changed is let go and taken up again."""
        running = {status.spec.device_id: status.spec for status in supervisor.states()}
        named = {spec.device_id: spec for spec in wanted}
        for device_id, spec in running.items():
            if named.get(device_id) != spec:
                await supervisor.remove(device_id)
        for device_id, spec in named.items():
            if running.get(device_id) != spec:
                supervisor.add(spec)
        if running != named:
            with contextlib.suppress(FolderUnusable):  # a full disk stops no card
                await asyncio.to_thread(self._folder.keep_devices, wanted)
        self.standing.news.set()

    async def _look_around(self, supervisor: Supervisor) -> None:
        while True:
            found = await found_here([status.spec.url for status in supervisor.states()])
            if found != self.standing.found:
                self.standing.found = found
                self.standing.news.set()
            await asyncio.sleep(FIND_EVERY_S)

    def _note(self, supervisor: Supervisor) -> None:
        self.standing.devices = tuple(report_of(status) for status in supervisor.states())
        self.standing.clock_offset_ms = self.clock.offset_ms

    def _health(self) -> Health:
        standing = self.standing
        return Health(
            run=self._run,
            version=__version__,
            platform=platform_name(),
            server_run=standing.server_run,
            heard_seq=standing.heard_seq,
            recorded=standing.recorded,
            clock_offset_ms=standing.clock_offset_ms,
            spool_depth=standing.spool_depth,
            spool_trouble=standing.spool_trouble,
            dropped=standing.dropped,
            refused=standing.refused,
            lost=standing.lost,
            devices=standing.devices,
            found=standing.found,
        )


async def _tell(told: Told, supervisor: Supervisor, lasting: Lasting) -> None:
    """Pass a word on; a slip nobody can print is answered for at once."""
    try:
        is_taken = await supervisor.tell(told.device_id, told.word)
    except KeyError:
        is_taken = False
    if isinstance(told.word, PrintSlip) and not is_taken:
        lasting.take(SlipFailed(told.device_id, told.word.job_id, "not_taken"))


@asynccontextmanager
async def _all_or_none() -> AsyncIterator[asyncio.TaskGroup]:
    """Yield a group of tasks that end together; what ended them is raised as it is, not in a group."""
    try:
        async with asyncio.TaskGroup() as together:
            yield together
    except* Exception as errors:  # noqa: BLE001 - raised again, as it is
        raise errors.exceptions[0] from None
