"""What the device tests are built of: a receiver that can be waited on, cables that misbehave, a real broker."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from devices.events import DeviceEvent, DeviceState, DeviceStateChanged
from firmware_stubs.plugs import Plug

DEADLINE_S = 60.0  # for what will happen; how soon is not asked
Event = TypeVar("Event", bound=DeviceEvent)


async def eventually(condition: Callable[[], object], what: str | Callable[[], str]) -> None:
    """Wait until a condition that no event announces holds, or fail."""
    deadline = asyncio.get_running_loop().time() + DEADLINE_S
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            pytest.fail(f"never happened: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(0.01)


class Receiver:
    """Stands where the server stands: keeps events in order and can be waited on."""

    def __init__(self) -> None:
        self.events: list[DeviceEvent] = []
        self.failures_to_come = 0
        self._news = asyncio.Condition()
        self._read = 0

    async def deliver(self, event: DeviceEvent) -> None:
        if self.failures_to_come and not isinstance(event, DeviceStateChanged):
            self.failures_to_come -= 1
            raise RuntimeError("the receiver is broken")
        async with self._news:
            self.events.append(event)
            self._news.notify_all()

    async def next_of(self, kind: type[Event], wanted: Callable[[Event], bool] = lambda _: True) -> Event:
        """Wait for the next such event after the one last returned."""
        try:
            async with asyncio.timeout(DEADLINE_S), self._news:
                while True:
                    while self._read < len(self.events):
                        event = self.events[self._read]
                        self._read += 1
                        if isinstance(event, kind) and wanted(event):
                            return event
                    await self._news.wait()
        except TimeoutError:
            pytest.fail(f"no {kind.__name__} among {self.events}")

    async def next_state(self, state: DeviceState) -> DeviceStateChanged:
        return await self.next_of(DeviceStateChanged, lambda event: event.state is state)

    def all_of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


class _Cable(Plug):
    """A plug behind a cable; subclasses say what the cable does to what is sent."""

    def __init__(self, plug: Plug) -> None:
        super().__init__()
        self._plug = plug
        plug.connect(self._pass_on)

    def _pass_on(self, received: bytes) -> None:
        self._receive(received)

    @property
    def url(self) -> str:
        return self._plug.url

    def plug_in(self) -> None:
        self._plug.plug_in()

    def unplug(self, *, abrupt: bool = False) -> None:
        self._plug.unplug(abrupt=abrupt)

    def close(self) -> None:
        self._plug.close()


class OneByteAtATime(_Cable):
    def put_on_wire(self, payload: bytes) -> None:
        for byte in payload:
            self._plug.put_on_wire(bytes([byte]))


class Lossy(_Cable):
    """Loses a byte of about every fifth transmission, the same ones in every run."""

    def __init__(self, plug: Plug) -> None:
        super().__init__(plug)
        self._chance = random.Random(2)  # noqa: S311 - with this seed each kind of answer is hit once, soon

    def put_on_wire(self, payload: bytes) -> None:
        if payload and self._chance.random() < 1 / 5:
            lost = self._chance.randrange(len(payload))
            payload = payload[:lost] + payload[lost + 1 :]
        self._plug.put_on_wire(payload)


class Mosquitto:
    """A real broker on a free loopback port, with the settings a site uses; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None:
            pytest.fail("mosquitto is missing; `python3 run.py test` installs it.")
        self._program = program
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(self.settings(folder) + ("user root\n" if os.geteuid() == 0 else ""))
        self._process: subprocess.Popen[bytes] | None = None

    def settings(self, folder: Path) -> str:
        return (
            "per_listener_settings true\n"
            "persistence true\n"
            f"persistence_location {folder}/\n"
            "autosave_on_changes true\n"
            "autosave_interval 1\n"
            "max_queued_messages 1000000\n"
            "max_queued_bytes 0\n"
            "max_inflight_messages 200\n"
            "persistent_client_expiration 60d\n"
            f"log_dest file {folder}/log\n"
            f"listener {self.port} 127.0.0.1\n"
            "allow_anonymous true\n"
        )

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        if self._process is None:
            self._process = await asyncio.to_thread(self._launch)
        await eventually(self._answers, "mosquitto listens")

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.wait)

    async def stop(self) -> None:
        """Stop as `systemctl stop` does: everything is written first."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            await asyncio.to_thread(process.wait)

    def _launch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([self._program, "-c", str(self._config)])  # noqa: S603 - our own arguments

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
