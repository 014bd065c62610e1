"""Everything found on this machine at once: a new way of looking is one line in the table."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from devices.finding import Found, keyboards, pcsc, printers, probes, serial_ports, simulated
from devices.finding.places import place_of, places_of

HEARD_HOLDS_S: Final = 30.0
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


class OnTheBroker:
    """Listens to a broker for a moment, at most twice a minute; in between it tells what it heard."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[float, list[Found]]] = {}

    async def look(self, here: Surroundings) -> list[Found]:
        """Return one proposal for each make that speaks there."""
        if here.broker_url is None:
            return []
        at, heard = self._heard.get(here.broker_url, (-HEARD_HOLDS_S, []))
        if time.monotonic() - at >= HEARD_HOLDS_S:
            heard = await probes.find(here.broker_url)
            self._heard[here.broker_url] = (time.monotonic(), heard)
        return heard


FINDERS: Final[Mapping[str, Finder]] = MappingProxyType(
    {
        "keyboards": Finder(lambda _: keyboards.find(), 2.0),
        "pcsc": Finder(lambda _: pcsc.find(), 2.0),
        "serial_ports": Finder(lambda here: serial_ports.find(here.in_use), 4.0),
        "printers": Finder(lambda _: printers.find(), 2.0),
        "probes": Finder(OnTheBroker().look, 4.5),
        "simulated": Finder(lambda here: simulated.find(here.in_use), 2.0),
    }
)


async def find_here(
    in_use: Collection[str], broker_url: str | None = None, *, finders: Mapping[str, Finder] = FINDERS
) -> list[Found]:
    """Return what is plugged in and not in use; a finder that fails or hangs costs only its own.

    A broker in use may carry makes nobody listens to yet, so what is found on it is told all the same.
    """
    here = Surroundings(in_use, broker_url)
    found_by_each = await asyncio.gather(*(_within_time(name, finder, here) for name, finder in finders.items()))
    used = places_of(in_use)
    everything = [found for found_by_one in found_by_each for found in found_by_one]
    return [found for found in everything if found.kind == probes.KIND or place_of(found.url) not in used]


async def _within_time(name: str, finder: Finder, here: Surroundings) -> list[Found]:
    try:
        async with asyncio.timeout(finder.within_s):
            return await finder.look(here)
    except Exception as error:  # noqa: BLE001 - one way of looking must not hide what the others found
        log.warning("finder %s: %s", name, type(error).__name__)
        return []
