"""Waiting for a port to come back: looked for again and again, because no portable event tells of a new node."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

LOOK_S: Final = 0.3


async def wait_for_another(stamp: Callable[[], object | None]) -> None:
    """Return once a port is there that was not at the look before; `stamp` is None while it is away.

    A port that is there all the time is not what we wait for; one still there at the first look may be about to go,
    for a broken read comes before the system takes the name away.
    """
    seen = stamp()
    while True:
        await asyncio.sleep(LOOK_S)
        now = stamp()
        if now not in (None, seen):
            return
        seen = now


def stamp_of(path: str) -> object | None:
    """Return what a port's name and node are told apart by, or None without one."""
    try:
        name, node = Path(path).lstat(), Path(path).stat()
    except OSError:
        return os.path.exists(path) or None  # noqa: PTH110 - never raises; Windows knows ports that are no files
    return name.st_ino, name.st_ctime_ns, node.st_rdev
