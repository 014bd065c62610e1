"""Servers as children of a program that has imported them already: processes of their own that begin at once."""

import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final, ParamSpec, Self

from clinic_server.command import main

P = ParamSpec("P")
LOOK_S: Final = 0.02
WHERE_IT_STANDS: Final = signal.SIGUSR1  # to which it answers with the stacks of its threads
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])


class Forked:
    """A process, as far as tests look after one; killed, at the latest, on leaving a ``with``."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()

    @property
    def pid(self) -> int:
        assert self._process.pid  # it was started
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return self._process.exitcode

    def send_signal(self, sig: int, /) -> None:
        if self._process.exitcode is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a process is begun in. What it says is added to `out`, and its complaints to `err`."""

    folder: Path
    environment: Mapping[str, str]
    out: Path
    err: Path

    def enter(self) -> None:
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        for stream, path in ((sys.stdout, self.out), (sys.stderr, self.err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), stream.fileno())


def begun(play: Callable[P, None], around: Surroundings, *args: P.args, **named: P.kwargs) -> Forked:
    """Begin a function of some module as a process of its own."""
    process = _FORKS.Process(target=_play, args=(play, around, args, named), daemon=True)
    process.start()
    return Forked(process)


def clinic(*words: str, folder: Path, environment: Mapping[str, str], out: Path, err: Path | None = None) -> Forked:
    """Begin `clinic WORDS` in a folder; it complains where it speaks, unless told otherwise."""
    return begun(_type, Surroundings(folder, dict(environment), out, err or out), words)


@contextmanager
def serving(folder: Path, environment: Mapping[str, str]) -> Iterator[Forked]:
    """Serve a site from when it listens until left."""
    log = folder / "forked.log"
    with clinic("serve", folder=folder, environment=environment, out=log) as server:
        while not (log.exists() and "Listening on " in log.read_text()):
            assert server.poll() is None, log.read_text()
            time.sleep(LOOK_S)
        yield server


def _play(play: Callable[..., None], around: Surroundings, args: tuple[Any, ...], named: dict[str, Any]) -> None:
    around.enter()
    faulthandler.register(WHERE_IT_STANDS, all_threads=True)
    play(*args, **named)


def _type(words: tuple[str, ...]) -> None:
    sys.argv = ["clinic", *words]
    main()
