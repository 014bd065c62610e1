"""What a desk PC finds out about itself: its system, and what is plugged in."""

import importlib
import platform
from collections.abc import Awaitable, Callable, Collection
from typing import cast

from devices.finding import Found

_Find = Callable[[Collection[str]], Awaitable[list[Found]]]


def platform_name() -> str:
    """Return the system in a few words, such as `Windows 11 AMD64`."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"[:80]


async def found_here(in_use: Collection[str]) -> tuple[Found, ...]:
    """Return what is plugged in and not attended yet; nothing in use is touched."""
    try:
        here = importlib.import_module("devices.finding.here")
    except ModuleNotFoundError:
        return ()
    found = await cast("_Find", here.find_here)(in_use)
    return tuple(one for one in found if not one.is_simulated)  # nobody plays those here
