"""What a desk PC finds out about itself: its system, and what is plugged in."""

import platform
from collections.abc import Collection

from devices.finding import Found
from devices.finding.here import find_here


def platform_name() -> str:
    """Return the system in a few words, such as `Windows 11 AMD64`."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"[:80]


async def found_here(in_use: Collection[str]) -> tuple[Found, ...]:
    """Return what is plugged in and not attended yet; nothing in use is touched."""
    return tuple(one for one in await find_here(in_use, None) if not one.is_simulated)  # nobody plays those here
