"""The server as a child of a program that has imported it already: its lives begin soon, and end as any other's."""

import multiprocessing
import os
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

from clinic_server.command import main
from tests.faults.victim import Life, Victim

_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


class ForkedVictim(Victim):
    """A victim each of whose lives costs no import, which is most of what it costs to start one."""

    def _begun(self, command: str) -> Life:
        process = _FORKS.Process(target=_play, args=(command, self._folder, self._environment, self._log), daemon=True)
        process.start()
        return _Child(process)


@dataclass(frozen=True, slots=True)
class _Child:
    process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self.process.pid  # it was started
        return self.process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired(self.process.name, timeout or 0)
        return self.process.exitcode

    def send_signal(self, sig: int, /) -> None:
        if self.process.exitcode is None:
            os.kill(self.pid, sig)


def _play(command: str, folder: Path, environment: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    said = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(said, stream.fileno())
    sys.argv = ["clinic", command]
    main()
