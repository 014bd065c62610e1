"""Chip card readers that the PC/SC service lists; none, and at once, where there is no service or no pyscard."""

import asyncio
import contextlib

from devices.errors import LinkUnavailable
from devices.finding import Found
from devices.links.pcsc import pcsc_url
from devices.links.winscard import PcscFailure, readers_listed


async def find() -> list[Found]:
    """Return every reader with the name the service gives it, whatever is in it or uses it."""
    with contextlib.suppress(LinkUnavailable, PcscFailure):
        names = await asyncio.to_thread(readers_listed)
        return [Found("smart_card_reader", pcsc_url(name), name, identity=name) for name in names]
    return []
