"""The server as a process of its own, that is killed and started again."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, Self

from clinic_server.rehearsal import Cast, environment

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN_S = 120.0  # on a machine that has much else to do
GONE_WITHIN_S = 15.0
VERIFIED_WITHIN_S = 600.0
LOOK_S = 0.005


class NotReady(Exception):
    """The server did not come up; the message is the end of its log."""


class Life(Protocol):
    """A process, as far as it is looked after here."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...


class Victim:
    """`clinic serve` over a rehearsal's database, between ``with``; leaving it leaves no process behind.

    ``more`` are settings beside the rehearsal's own.
    """

    def __init__(self, cast: Cast, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._port = int(cast.base_url.rpartition(":")[2])
        self._folder = Path(cast.folder)
        self._log = self._folder / "server.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CLINIC_")}
        self._environment = {**inherited, **environment(cast), **more, "PYTHONPATH": str(ROOT)}
        self._process: Life | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> float:
        """Start it and return after how many seconds it answered."""
        began_at = time.monotonic()
        self._process = process = self._begun("serve")
        while not self._answers():
            if process.poll() is not None or time.monotonic() - began_at > READY_WITHIN_S:
                raise NotReady(self._end_of_log())
            time.sleep(LOOK_S)
        return time.monotonic() - began_at

    def kill(self) -> None:
        """Take its life in the middle of whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGKILL)
            process.wait()

    def freeze(self, seconds: float) -> float:
        """Let it stand still for a while, then go on; return for how long."""
        if self._process is None:
            raise NotReady("not running")
        self._process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(seconds)
        finally:
            self._process.send_signal(signal.SIGCONT)
        return seconds

    def limit_files(self, most: int) -> None:
        """Let it open no more files than so many, those it has open included."""
        if self._process is None:
            raise NotReady("not running")
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (most, most))

    def stop(self) -> int:
        """Stop it as an operator does; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            raise NotReady("not running")
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(GONE_WITHIN_S)
        finally:
            process.send_signal(signal.SIGKILL)

    def verify(self) -> int:
        """Run `clinic verify` over what it left; return its exit code."""
        return self._begun("verify").wait(VERIFIED_WITHIN_S)

    def _begun(self, command: str) -> Life:
        """Begin a command of `clinic` beside the site's files; what it says goes to the log."""
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # our own arguments
                [sys.executable, "-m", "clinic_server", command],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/api/v1/stations")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _end_of_log(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
