"""The servers of the bench, each in a process of its own, and the sending again of what one of them recorded."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ROOT = Path(__file__).parents[3]
READY_WITHIN_S = 120.0
LOOK_S = 0.01
_INHERITED = {name: value for name, value in os.environ.items() if not name.startswith("CLINIC_")}


@contextmanager
def running(
    module: str, *arguments: str, port: int, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server (``served.py`` or ``yardsticks.py``) until the end of the block."""
    command = [sys.executable, "-m", f"tests.bench.visits.{module}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, env={**_INHERITED, **environment}, stdout=subprocess.DEVNULL) as process:  # noqa: S603  # our own
        try:
            _wait_for(port, process)
            yield process
        finally:
            process.terminate()


def sent_again(recording: Path, url: str, together: int, environment: Mapping[str, str]) -> Sequence[float]:
    """Send a recording to a database (``statements.py``), and return the seconds of each commit."""
    command = [sys.executable, "-m", "tests.bench.visits.statements", str(recording), url, str(together)]
    done = subprocess.run(command, cwd=ROOT, env={**_INHERITED, **environment}, stdout=subprocess.PIPE, check=True)  # noqa: S603  # as above
    seconds: list[float] = json.loads(done.stdout)
    return seconds


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"no server came up: {process.args}")
        time.sleep(LOOK_S)


def _answers(port: int) -> bool:
    """Tell whether anything is answered at all."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", "/api/v1/visits/x/leave")
        return connection.getresponse().status > 0
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
