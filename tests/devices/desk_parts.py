"""What the tests of the desk agent stand on: a real server on a port of its own, real agents as processes."""

import asyncio
import gc
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import msgspec
from sqlalchemy import select

from clinic_server.app import create_app
from clinic_server.cold_chain.tables import dead_letter, reading
from clinic_server.device_hub.actions import NewDevice, confirm_device, retire_device
from clinic_server.device_hub.desk_actions import pair_agent
from clinic_server.device_hub.desks import Desks, DeskShown
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.kit.call import House
from clinic_server.kit.clock import Clock, SystemClock
from clinic_server.kit.serving import ClinicServer
from clinic_server.kit.tx import Tx
from clinic_server.settings import DatabaseSettings, SecuritySettings, ServerSettings, Settings
from clinic_server.staff import actions
from clinic_server.staff.rules import Role, StationKind
from clinic_server.staff.sessions import open_session
from devices.adapter import DeviceSpec
from devices.agent.folder import Credential, Folder
from tests.api.callers import CONSOLE, add_member
from tests.devices.parts import eventually
from tests.peers import free_port

ROOT = Path(__file__).parents[2]
STATION = "desk-1"
STARTS_WITHIN_S = 120.0


class Site:
    """One server on one port; it can be stopped and started again on the same records."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.clock = clock or SystemClock()
        self._settings = Settings(
            _env_file=None,
            database=DatabaseSettings(url=f"sqlite:///{folder}/clinic.db"),
            security=SecuritySettings(key_file=folder / "site.key"),
            server=ServerSettings(port=self.port),
        )
        self._server: ClinicServer | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._server = ClinicServer(create_app(self._settings, self.clock), "127.0.0.1", self.port)
        self._task = asyncio.create_task(self._server.serve())
        await eventually(lambda: self._server and self._server.started, "the server has started")
        gc.unfreeze()  # a server keeps for ever what is there when it starts; a test run is more than one server

    async def stop(self) -> None:
        server, task = self._server, self._task
        self._server = self._task = None
        if server is not None and task is not None:
            server.app.state.house.db.broadcaster.close()
            server.should_exit = True
            await task

    @property
    def house(self) -> House:
        assert self._server is not None
        house: House = self._server.app.state.house
        return house

    @property
    def hub(self) -> DeviceHub:
        assert self._server is not None
        hub: DeviceHub = self._server.app.state.device_hub
        return hub

    @property
    def desks(self) -> Desks:
        assert self._server is not None
        desks: Desks = self._server.app.state.desks
        return desks

    def desk(self) -> DeskShown:
        (desk,) = self.desks.shown()
        return desk

    def card_at(self, station: str = STATION) -> object:
        delivery = self.house.inbox.latest(station, "card")
        return delivery and delivery.content

    async def lead(self) -> str:
        """Return the token of a site lead who just signed in."""

        def join(tx: Tx) -> str:
            if not actions.station_exists(tx.connection, STATION):
                actions.add_station(tx, STATION, StationKind.REGISTRATION)
            return open_session(tx, add_member(tx, [Role.SITE_LEAD]), STATION)

        return await self.house.db.write(join, CONSOLE)

    async def paired(self, folder: Path, name: str = "Desk PC 1") -> UUID:
        """Pair a desk PC without typing, and give it its credential."""
        await self.lead()
        pairing = self.desks.pairings.open()
        made = await self.house.db.write(
            lambda tx: pair_agent(tx, self.desks.pairings, pairing.code, name, STATION), CONSOLE
        )
        agent_id = str(made.agent_id)
        Folder(folder).keep_credential(Credential(self.url, agent_id, name, STATION, pairing.token))
        await eventually(self.desks.shown, "the server's desks hear of it")
        return made.agent_id

    async def hang(self, agent_id: UUID, spec: DeviceSpec) -> None:
        """Confirm a device of a desk PC."""
        new = NewDevice(spec.kind, spec.url, spec.device_id, STATION, agent_id, options=spec.options)
        await self.house.db.write(lambda tx: confirm_device(tx, new), CONSOLE)

    async def take_down(self, device_id: str) -> None:
        await self.house.db.write(lambda tx: retire_device(tx, device_id), CONSOLE)

    def seqs(self) -> list[int]:
        return list(
            self.house.db.read_now(lambda c: c.execute(select(reading.c.seq).order_by(reading.c.seq)).scalars().all())
        )

    def letters(self) -> Sequence[bytes]:
        return list(self.house.db.read_now(lambda c: c.execute(select(dead_letter.c.payload)).scalars().all()))

    async def online(self, *device_ids: str) -> None:
        def are_online() -> bool:
            states = {status.spec.device_id: status.state for status in self.desks.states()}
            return all(states.get(one) == "online" for one in device_ids)

        await eventually(lambda: self.desk().is_connected and are_online(), lambda: f"online: {self.desks.states()}")

    async def away(self) -> None:
        await eventually(lambda: not self.desk().is_connected, "the desk PC is away")


class AgentProcess:
    """The program on a desk PC, on a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *words: str) -> None:
        """Start a command, `run` unless another is named; its log grows in the folder's parent."""
        log = self.folder.with_suffix(".log")
        command = [sys.executable, "-m", "devices.agent", *(words or ("run",)), "--folder", str(self.folder)]
        with log.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=out, stderr=out)

    def log(self) -> str:
        return self.folder.with_suffix(".log").read_text()

    async def code(self) -> str:
        """Return the code on its screen."""
        shown = re.compile(r"\|    ((?:\w +){7}\w)    \|")
        await eventually(lambda: shown.search(self.log()), lambda: f"a code is shown: {self.log()}")
        found = shown.search(self.log())
        assert found is not None
        return found[1].replace(" ", "")

    async def ends(self) -> int:
        assert self._process is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            return await self._process.wait()

    async def says(self, *words: str) -> dict[str, Any]:
        """Run a command beside the running one and return its JSON."""
        command = [sys.executable, "-m", "devices.agent", *words, "--folder", str(self.folder)]
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        told: dict[str, Any] = msgspec.json.decode(said)
        return told

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        return await process.wait()


@asynccontextmanager
async def serving(folder: Path, clock: Clock | None = None) -> AsyncIterator[Site]:
    site = Site(folder, clock)
    await site.start()
    try:
        yield site
    finally:
        await site.stop()


@asynccontextmanager
async def agent_at(folder: Path) -> AsyncIterator[AgentProcess]:
    """Yield the running agent of a paired folder."""
    agent = AgentProcess(folder)
    await agent.start()
    try:
        yield agent
    finally:
        await agent.kill()


async def call(site: Site, method: str, path: str, token: str = "", **more: object) -> httpx2.Response:
    """Make one call over the wire."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    headers["idempotency-key"] = os.urandom(8).hex()
    async with httpx2.AsyncClient(base_url=site.url, headers=headers, trust_env=False) as client:
        return await client.request(method, path, **more)  # type: ignore[arg-type]


__all__ = ["STATION", "AgentProcess", "Site", "agent_at", "call", "serving"]
