"""What a program did to its files, as strace saw it: writes, truncations and fsyncs, and the answers between them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LONGEST_S = 300
_CALLS = "pwrite64,write,ftruncate,fdatasync,fsync"
_CALL = re.compile(r"^(?P<pid>\d+) +(?P<call>\w+)\(\d+<(?P<file>[^>]*)>(?P<rest>.*)$")
_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>.*= (?P<result>-?\d+)")


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes written to a file at an offset; on no disk yet."""

    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    """A file cut to a size; on no disk yet."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """From here on what was written to a file is on the disk."""

    file: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A line of the journal that somebody was told is recorded."""

    seq: int
    hash: bytes


Event = Write | Truncate | Sync | Answer


def traced(folder: Path, words: Sequence[str], options: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a module of ours under strace."""
    command = ["strace", "-f", "-q", *options, sys.executable, "-m", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(  # noqa: S603  # our own arguments
        command, cwd=folder, env=environment, capture_output=True, timeout=LONGEST_S, check=False
    )


def recorded(folder: Path, words: Sequence[str]) -> Sequence[Event]:
    """Run a module of ours and return what it did to the files of ``folder``, and its answers, in order."""
    log = folder / "trace"
    options = ["--seccomp-bpf", "-y", "-xx", "-s", "70000", "-e", f"trace={_CALLS}", "-o", str(log)]
    done = traced(folder, words, options)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    with log.open(encoding="ascii") as lines:
        return list(_events(lines, str(folder) + "/"))


def _events(lines: Iterable[str], folder: str) -> Iterator[Event]:
    syncing: dict[str, str] = {}
    for line in lines:
        if resumed := _RESUMED.match(line):
            if resumed["call"] in {"fsync", "fdatasync"} and resumed["result"] == "0" and resumed["pid"] in syncing:
                yield Sync(syncing.pop(resumed["pid"]))
            continue
        call = _CALL.match(line)
        file = _plain(call["file"]).decode() if call else ""
        if call is None or not file.startswith(folder):
            continue
        name = file.removeprefix(folder)
        if call["call"] not in {"fsync", "fdatasync"}:
            yield _change(name, call["call"], call["rest"])
        elif "unfinished" in call["rest"]:
            syncing[call["pid"]] = name
        elif call["rest"].endswith("= 0"):
            yield Sync(name)


def _change(file: str, call: str, rest: str) -> Event:
    if call == "ftruncate":
        return Truncate(file, int(re.findall(r"\d+", rest)[0]))
    content, after = re.match(r', "([^"]*)", (.*)', rest).groups()  # type: ignore[union-attr]  # as strace writes it
    if call == "write":  # only the answers are written so
        _, seq, digest = _plain(content).split()
        return Answer(int(seq), bytes.fromhex(digest.decode()))
    return Write(file, int(re.findall(r"\d+", after)[1]), _plain(content))


def _plain(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", "")) if escaped.startswith("\\x") else escaped.encode()
