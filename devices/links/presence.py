"""Waiting for a port to come back: looked for again and again, because no portable event tells of a new node."""

import asyncio
from collections.abc import Callable
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
