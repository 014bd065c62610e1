"""Everything found on this machine at once: a new way of looking is one line in the table."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from devices.finding import Found, printers, serial_ports, simulated
from devices.finding.places import place_of, places_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a finder is told: the URLs nobody may touch, and the site's broker, if it has one."""

    in_use: Collection[str] = field(repr=False)
    broker_url: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finder:
    """One way of looking, and how long it may take."""

    look: Callable[[Surroundings], Awaitable[list[Found]]]
    within_s: float


FINDERS: Final[Mapping[str, Finder]] = MappingProxyType(
    {
        "serial_ports": Finder(lambda here: serial_ports.find(here.in_use), 4.0),
        "printers": Finder(lambda _: printers.find(), 2.0),
        "simulated": Finder(lambda here: simulated.find(here.in_use), 2.0),
    }
)


async def find_here(
    in_use: Collection[str], broker_url: str | None = None, *, finders: Mapping[str, Finder] = FINDERS
) -> list[Found]:
    """Return what is plugged in and not in use; a finder that fails or hangs costs only its own."""
    here = Surroundings(in_use, broker_url)
    found_by_each = await asyncio.gather(*(_within_time(name, finder, here) for name, finder in finders.items()))
    used = places_of(in_use)
    return [found for found_by_one in found_by_each for found in found_by_one if place_of(found.url) not in used]


async def _within_time(name: str, finder: Finder, here: Surroundings) -> list[Found]:
    try:
        async with asyncio.timeout(finder.within_s):
            return await finder.look(here)
    except Exception as error:  # noqa: BLE001 - one way of looking must not hide what the others found
        log.warning("finder %s: %s", name, type(error).__name__)
        return []
