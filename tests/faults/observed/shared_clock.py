"""A clock that a test moves and a server in another process reads: steady seconds, and how far the wall is off them."""

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

BEGAN_AT: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # nine in the morning at the site
_STEADY, _OFF = struct.Struct("d"), struct.Struct("d")


class SharedClock:
    """The time of a site, in a file; a kill of the server is no restart of its machine."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _STEADY.size + _OFF.size)

    @classmethod
    def made(cls, path: Path) -> Self:
        """Make the file, with no time passed."""
        path.write_bytes(bytes(_STEADY.size + _OFF.size))
        return cls(path)

    def now(self) -> datetime:
        return BEGAN_AT + timedelta(seconds=self.steady() + self.off_s)

    def monotonic(self) -> float:
        return time.monotonic()

    def steady(self) -> float:
        return float(_STEADY.unpack_from(self._shared, 0)[0])

    @property
    def start(self) -> str:
        return "the only start of this machine"

    @property
    def off_s(self) -> float:
        """By how many seconds the wall clock is set forth; back is negative."""
        return float(_OFF.unpack_from(self._shared, _STEADY.size)[0])

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, on the wall as well."""
        _STEADY.pack_into(self._shared, 0, self.steady() + seconds)

    def set_off(self, seconds: float) -> None:
        """Set the wall clock so far off the time that passed."""
        _OFF.pack_into(self._shared, _STEADY.size, seconds)
