"""Plays the scripted hour in a child, over and over, without importing anything again.

A line ``FOLDER VISITS`` makes a child that has stopped itself and answers with its process number; an empty line waits
until it is gone and answers with how it ended.
"""

import os
import signal
import sys

from tests.faults.disk.scripted_hour import main


def serve() -> None:
    """Answer each line of the input."""
    pid = 0
    for line in sys.stdin:
        if line.strip():
            pid = os.fork()
            if pid == 0:
                _play(line.split())
            os.waitpid(pid, os.WUNTRACED)
            answer = pid
        else:
            answer = os.waitpid(pid, 0)[1]
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


def _play(words: list[str]) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)
    sys.argv[1:] = words
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="ascii")  # noqa: SIM115, PTH123  # for as long as it lives
    try:
        os._exit(main())
    except BaseException:  # noqa: BLE001  # a child of its own: whatever it was, nothing of it may reach the parent
        os._exit(2)


if __name__ == "__main__":
    serve()
