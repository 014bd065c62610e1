"""The firmware with sensor and clock in somebody else's hands: it obeys lines and answers each with one line of JSON.

`measure 4360`, `measure none` (no answer), `measure fail` (the driver breaks), `scratchpad <hex>`, `clock <unix s>`,
`state`. The rest is the firmware as it runs on a board, on whichever interpreter this is.
"""

import asyncio
import json

from .probe_core.mqtt import Publisher
from .probe_core.probe import Clock, Probe, topic_of
from .probe_core.ring import SLOT_BYTES, Record, Ring
from .probe_core.scratchpad import milli_celsius

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any, Protocol

    from .probe_core.probe import Read
    from .probe_core.ring import Store

    class Ports(Protocol):
        """What an interpreter lends us."""

        def open_connection(self, host: str, port: int) -> Awaitable[tuple[Any, Any]]: ...

        def open_store(self, path: str, size: int) -> Store: ...

        def next_line(self) -> Awaitable[str]: ...

        def say(self, line: str) -> None: ...


FIRST_WAIT_S = 0.02  # whoever steers should not have to wait


class SteeredProbe:
    """One probe and the hands on it."""

    def __init__(self, ports: "Ports", arguments: "list[str]") -> None:
        dev, host, port, path, slots = arguments
        self._now_s = 0.0
        self._ring = Ring(ports.open_store(path, int(slots) * SLOT_BYTES), int(slots))
        publisher = Publisher(ports.open_connection, host, int(port), dev, (topic_of(dev, "status"), b"offline"))
        self.probe = Probe(dev, self._ring, Clock(now_s=lambda: self._now_s), publisher)
        self.probe.first_wait_s = self.probe.unheard_wait_s = FIRST_WAIT_S

    def obey(self, verb: str, argument: str) -> None:
        """Do as told."""
        if verb == "clock":
            self._now_s = float(argument)
        elif verb == "measure":
            self.probe.measure(_reading(argument))
        elif verb == "scratchpad":
            self.probe.measure(lambda: milli_celsius(bytes.fromhex(argument)))

    def state(self) -> str:
        """Return how things stand."""
        newest: Record | None = self._ring.newest
        return json.dumps(
            {
                "boot": self._ring.boot,
                "unsent": self._ring.unsent,
                "lost": self._ring.lost,
                "unheard": self.probe.unheard,
                "mC": newest.milli_celsius if newest else None,
            }
        )


def _reading(argument: str) -> "Read":
    if argument == "fail":
        return lambda: int("not a number")
    return lambda: None if argument == "none" else int(argument)


async def main(ports: "Ports", arguments: "list[str]") -> None:
    """Run a probe until the lines end."""
    steered = SteeredProbe(ports, arguments)
    sending = asyncio.create_task(steered.probe.send_for_ever())
    while True:
        words = (await ports.next_line()).split()
        if not words:
            break
        steered.obey(words[0], words[-1])
        ports.say(steered.state())
    sending.cancel()
