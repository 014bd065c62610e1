"""Lets one write or fsync of a scripted hour fail, be its last, or be slow, and compares what is left with answers."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select as select_rows

from clinic_server.kit.clock import SystemClock
from clinic_server.kit.db import Database
from clinic_server.kit.ids import Ids
from clinic_server.kit.journal import journal, verify
from clinic_server.kit.schema import upgrade
from clinic_server.kit.tx import Site
from tests.faults.disk.scripted_hour import KEYRING
from tests.faults.disk.trace import ROOT

ATTACHED_WITHIN_S = 20.0
WRITES, SYNCS = "pwrite64", "fdatasync,fsync"


@dataclass(slots=True)
class Spoilt:
    """What a run under one fault came to; ``wrong`` names everything that was told and is not so."""

    answers: int = 0
    refusals: int = 0
    was_reached: bool = False
    wrong: list[str] = field(default_factory=list)


class Disk:
    """A program that has imported everything and plays the hour in a child of its own, each time on a fresh copy."""

    def __init__(self) -> None:
        self._room = tempfile.TemporaryDirectory(prefix="clinic-faults-")
        self._folder = Path(self._room.name)
        upgrade(f"sqlite:///{self._folder / 'blank.db'}")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.disk.zygote"],
            cwd=self._folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zygote.communicate()
        self._room.cleanup()

    def spoil(self, injection: str, visits: int = 2) -> Spoilt:
        """Play the hour while strace injects, then open what is left as a server does at its start."""
        with self._copy() as folder:
            pid = int(self._ask(f"{folder} {visits}"))
            calls = injection.partition(":")[0]
            command = ["strace", "-f", "-p", str(pid), "-e", f"trace={calls}", "-e", f"inject={injection}"]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:  # noqa: S603  # our own arguments
                try:
                    said = _until_attached(strace)
                except BaseException:
                    os.kill(pid, signal.SIGKILL)
                    raise
                os.kill(pid, signal.SIGCONT)
                said += strace.communicate()[1]
            self._ask("")  # the child is gone
            spoilt = Spoilt(was_reached=b"INJECTED" in said or b"DELAYED" in said or b"SIGKILL" in said)
            _compare(folder, spoilt)
        return spoilt

    @contextmanager
    def _copy(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            shutil.copy(self._folder / "blank.db", Path(name) / "clinic.db")
            yield Path(name)

    def _ask(self, line: str) -> str:
        assert self._zygote.stdin  # as made above
        assert self._zygote.stdout  # as made above
        self._zygote.stdin.write(f"{line}\n")
        self._zygote.stdin.flush()
        return self._zygote.stdout.readline()


def until_never_reached(disk: Disk, injection: str, step: int = 1) -> Iterator[Spoilt]:
    """Spoil one call after the other until there are none left; ``{n}`` stands for its number."""
    number = 1
    while True:
        spoilt = disk.spoil(injection.format(n=number))
        if not spoilt.was_reached:
            return
        yield spoilt
        number += step


def _until_attached(strace: "subprocess.Popen[bytes]") -> bytes:
    assert strace.stderr  # as asked for
    said = b""
    while b"attached" not in said:
        if not select.select([strace.stderr], [], [], ATTACHED_WITHIN_S)[0]:
            raise TimeoutError("strace did not attach")
        if not (more := os.read(strace.stderr.fileno(), 4096)):
            raise RuntimeError(f"strace did not attach: {said.decode(errors='replace')}")
        said += more
    return said


def _compare(folder: Path, spoilt: Spoilt) -> None:
    told = _told(folder)
    clock = SystemClock()
    url = f"sqlite:///{folder / 'clinic.db'}"
    db = Database(url, site=Site("TEST"), keyring=KEYRING, clock=clock, ids=Ids(clock))
    try:
        spoilt.wrong += db.read_now(lambda connection: verify(connection, KEYRING.journal_key)).faults
        lines = {line.seq: line.hash.hex() for line in db.read_now(lambda c: c.execute(select_rows(journal)).all())}
    finally:
        db.close()
    for word, *about in told:
        spoilt.answers += word == "ACK"
        spoilt.refusals += word == "NO"
        if word == "ACK" and lines.get(int(about[0])) != about[1]:
            spoilt.wrong.append(f"line {about[0]} was told and is not there")
    last_told = max((int(about[0]) for word, *about in told if word == "ACK"), default=0)
    if spoilt.refusals and max(lines, default=0) > last_told and not any("unknown" in words[1] for words in told):
        spoilt.wrong.append(f"line {max(lines)} is there, and nobody was told it may be")


def _told(folder: Path) -> Sequence[list[str]]:
    acks = folder / "acks"
    return [line.split() for line in acks.read_text().splitlines()] if acks.exists() else []
