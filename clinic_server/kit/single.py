"""One server per database file: the second one is refused at its start."""

import fcntl
import os
from pathlib import Path

from clinic_server.kit.engines import UnsafeDatabase


class HeldFile:
    """A database file held for this process; the kernel lets go of it when the process dies."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor)

    def release(self) -> None:
        """Let another process have it."""
        self._file.close()


def hold_file(path: Path) -> HeldFile:
    """Take a database file for this process, or raise UnsafeDatabase when another server has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(_lock_of(path), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UnsafeDatabase(f"Another server is running on {path.name}.") from None
    return HeldFile(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether a server has a database file, without creating anything."""
    try:
        descriptor = os.open(_lock_of(path), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")
