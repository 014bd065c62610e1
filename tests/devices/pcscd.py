"""A pcscd with two virtual readers of its own, as any user: in private namespaces, so that no system's pcscd, no real
reader and no other run is in the way. Its TCP ports are nobody else's; cards reach them through Unix sockets.

Run as a program it is the inside of those namespaces, and obeys one word a line.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from devices.links.winscard import UNAWARE, Context, PcscFailure, Slot, readers_listed

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
FIRST_PORT = 23333
ROOT = Path(__file__).parents[2]
READERS = ("Clinic Virtual Reader 00 00", "Clinic Virtual Reader 00 01")
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
WAIT_S = 60.0


class PrivatePcscd:
    """The real service on a folder of its own; it can be killed, stopped, and started with its readers or without."""

    def __init__(self) -> None:
        if not DRIVER.exists() or not shutil.which("pcscd", path=PATH):
            pytest.fail("pcscd or its virtual reader is missing; `python3 run.py test` installs them.")
        self._folder = Path(os.environ["PCSCLITE_CSOCK_NAME"]).parent
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "readers").mkdir(parents=True)
        shutil.copy(DRIVER, self._folder)
        self._inside: subprocess.Popen[str] | None = None
        self._is_running = self._has_readers = False

    def slot(self, number: int) -> Path:
        """Where a virtual card reaches a reader."""
        return self._folder / f"slot-{number}"

    async def start(self, *, with_readers: bool = True) -> None:
        """Start it if it does not run; a reader of this kind is plugged in before it starts, or not at all."""
        if self._is_running and self._has_readers != with_readers:
            await self.stop()
        self._has_readers, self._is_running = with_readers, True
        (self._folder / "readers" / "clinic").write_text(self._settings() if with_readers else "")
        await self._do("start")
        await eventually_is(self._readers, list(READERS if with_readers else ()))

    async def kill(self) -> None:
        """Kill it as a crash would: its socket stays behind."""
        self._is_running = False
        await self._do("kill")

    async def stop(self) -> None:
        """Stop it as `systemctl stop` does."""
        self._is_running = False
        await self._do("stop")

    async def sees_no_card(self, *readers: str) -> None:
        """Wait until readers are empty for the service too: it looks every 0.4 s, and no hand is quicker."""
        await eventually_is(lambda: asyncio.to_thread(_is_any_card_seen, readers or READERS), expected=False)

    def end(self) -> None:
        """Stop everything and clear up."""
        if self._inside is not None:
            self._inside.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _settings(self) -> str:
        return (
            f'FRIENDLYNAME "Clinic Virtual Reader"\nDEVICENAME /dev/null:{FIRST_PORT:#x}\n'
            f"LIBPATH {self._folder / DRIVER.name}\nCHANNELID {FIRST_PORT:#x}\n"
        )

    async def _readers(self) -> list[str]:
        """Return what it lists, once it answers at all."""
        async with asyncio.timeout(WAIT_S):
            while True:
                with contextlib.suppress(PcscFailure):
                    return await asyncio.to_thread(readers_listed)
                await asyncio.sleep(0.02)

    async def _do(self, word: str) -> None:
        said = await asyncio.to_thread(self._ask, word)
        assert said == f"{word}: done\n", said

    def _ask(self, word: str) -> str:
        if self._inside is None:
            command = [
                "unshare",
                "--map-root-user",
                "--mount",
                "--net",
                sys.executable,
                "-m",
                __name__,
                str(self._folder),
            ]
            self._inside = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)  # noqa: S603 - our own arguments
        assert self._inside.stdin
        assert self._inside.stdout
        self._inside.stdin.write(f"{word}\n")
        self._inside.stdin.flush()
        return self._inside.stdout.readline()


async def eventually_is(ask: Callable[[], Awaitable[object]], expected: object) -> None:
    """Wait until an answer is as expected."""
    async with asyncio.timeout(WAIT_S):
        while (await ask()) != expected:  # noqa: ASYNC110 - the service tells nobody but its users
            await asyncio.sleep(0.02)


def _is_any_card_seen(readers: Sequence[str]) -> bool:
    context = Context()
    try:
        states = context.changes(dict.fromkeys(readers, UNAWARE), 0)
        return any(Slot.of(state).is_present for state, _ in states.values())
    finally:
        context.release()


class Inside:
    """What runs within the namespaces."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        _bring_loopback_up()
        for command in (
            ["mount", "-t", "tmpfs", "none", "/usr/lib/pcsc/drivers"],  # no driver for a real reader
            ["mount", "-t", "tmpfs", "none", "/run"],
            ["mkdir", "/run/pcscd"],
            ["mount", "--bind", str(folder), "/run/pcscd"],
        ):
            subprocess.run(command, check=True)  # noqa: S603 - our own arguments
        for number in range(len(READERS)):
            Relay(folder / f"slot-{number}", FIRST_PORT + number).start()

    def obey(self, word: str) -> None:
        """Do what one line says."""
        process = self._process
        if word == "start" and process is None:
            settings = str(self._folder / "readers")
            command = [shutil.which("pcscd", path=PATH) or "pcscd", "--foreground", "--config", settings]
            with (self._folder / "log").open("ab") as log:
                self._process = subprocess.Popen([*command, "--debug"], stdout=log, stderr=log)  # noqa: S603 - our own arguments
        elif word in {"kill", "stop"} and process is not None:
            process.send_signal(signal.SIGKILL if word == "kill" else signal.SIGTERM)
            process.wait()
            self._process = None


class Relay(threading.Thread):
    """Takes cards on a Unix socket and puts them into a port of vpcd."""

    def __init__(self, path: Path, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()

    def run(self) -> None:
        """Serve one card after the other, and those that come before the last one is gone."""
        while True:
            card, _ = self._listener.accept()
            try:
                reader = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                card.close()
                continue
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for source, target in ((card, reader), (reader, card)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            if source.family == socket.AF_INET:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            chunk = source.recv(65536)
            if not chunk:
                break
            target.sendall(chunk)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _bring_loopback_up() -> None:
    with socket.socket() as any_socket:
        up = struct.pack("16sh", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, up)  # SIOCSIFFLAGS


def main() -> None:
    """Obey until the other side is gone."""
    inside = Inside(Path(sys.argv[1]))
    try:
        for line in sys.stdin:
            inside.obey(line.strip())
            print(f"{line.strip()}: done", flush=True)  # noqa: T201 - this is how it is heard
    finally:
        inside.obey("kill")


if __name__ == "__main__":
    main()
