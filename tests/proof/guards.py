"""Guards of invariants taken out one by one; the test that stands for the invariant must fail."""

import os
import queue
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tests.proof.copies import copied

FAULTS = Path(__file__).with_name("faults.toml")
TEST_ENDS_WITHIN_S = 900  # past it nothing is known, and the run ends


class State(StrEnum):
    """What became of one planted fault."""

    NOTICED = "noticed"
    UNNOTICED = "UNNOTICED"  # the test passed without the guard
    GONE = "GONE"  # the code no longer has the text: the fault was not planted
    BROKEN = "BROKEN"  # the test fails with the guard, so its failing says nothing


@dataclass(frozen=True, slots=True)
class Fault:
    """One guard: ``old`` occurs exactly once in ``file``, ``new`` is the code without it."""

    name: str
    invariant: int
    file: str
    old: str
    new: str
    test: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """A fault and what became of it."""

    fault: Fault
    state: State


def faults(words: Sequence[str] = ()) -> list[Fault]:
    """Return the planted faults, of those asked for only."""
    found = [Fault(**entry) for entry in tomllib.loads(FAULTS.read_text())["fault"]]
    return [fault for fault in found if not words or any(word in fault.name for word in words)]


def verdicts(planted: Sequence[Fault], parallel: int) -> Iterator[Verdict]:
    """Plant each fault in a copy of the project and run its test there, after the test was seen to pass."""
    with ExitStack() as stack:
        copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
        for _ in range(parallel):
            copies.put(stack.enter_context(copied()))
        with ThreadPoolExecutor(parallel) as pool:
            tests = list(dict.fromkeys(fault.test for fault in planted))
            sound = dict(zip(tests, pool.map(lambda test: _in_a_copy(copies, test), tests), strict=True))
            yield from pool.map(lambda fault: _verdict(copies, fault, is_sound=sound[fault.test]), planted)


def _verdict(copies: "queue.SimpleQueue[Path]", fault: Fault, *, is_sound: bool) -> Verdict:
    if not is_sound:
        return Verdict(fault, State.BROKEN)
    copy = copies.get()
    path = copy / fault.file
    sound = path.read_text()
    try:
        if sound.count(fault.old) != 1:
            return Verdict(fault, State.GONE)
        path.write_text(sound.replace(fault.old, fault.new))
        return Verdict(fault, State.UNNOTICED if _passes(copy, fault.test) else State.NOTICED)
    finally:
        path.write_text(sound)
        copies.put(copy)


def _in_a_copy(copies: "queue.SimpleQueue[Path]", test: str) -> bool:
    copy = copies.get()
    try:
        return _passes(copy, test)
    finally:
        copies.put(copy)


def _passes(copy: Path, test: str) -> bool:
    """Run one test on SQLite; a fault that keeps the program from starting at all is no proof and raises."""
    words = ["-q", "-x", "-p", "no:cacheprovider", "--timeout=0", "--engine=sqlite", test]  # slow is not failed
    done = subprocess.run(  # noqa: S603  # our own arguments
        [sys.executable, "-m", "pytest", *words],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TEST_ENDS_WITHIN_S,
        check=False,
    )
    if done.returncode not in (0, 1) or " error" in done.stdout.rsplit("\n", 2)[-2]:
        raise RuntimeError(f"{test} could not be run:\n{done.stdout[-2000:]}{done.stderr[-500:]}")
    return done.returncode == 0
