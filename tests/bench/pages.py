"""From the reading that makes a fridge critical to the page at a gateway, beside what MQTT alone takes."""

import asyncio
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.alerts.ladders import shipped
from clinic_server.kit.tx import Tx
from clinic_server.paging.actions import NewChannel, set_up_channel
from tests.api.gateways import Gateway, gateway
from tests.bench.figures import Spread
from tests.bench.fridges import FridgeSite, Reading, eventually, watched_fridges

STOOD = timedelta(minutes=5)
CRITICAL_MILLI_CELSIUS, CRITICAL_AFTER_S = 12_500, 180
LONGEST_RHYTHM_S = 2.5  # of whatever looks again and again between a reading and a page


@dataclass(slots=True)
class Paged:
    """Seconds from the publication of the last reading; ``bare_s`` to a subscriber that does nothing else."""

    bare_s: list[float] = field(default_factory=list)
    acknowledged_s: list[float] = field(default_factory=list)
    paged_s: list[float] = field(default_factory=list)

    def spreads(self) -> dict[str, Spread]:
        """Return the spread of each."""
        named = {"bare MQTT": self.bare_s, "reading to acknowledgement": self.acknowledged_s}
        after = [paged_s - heard_s for paged_s, heard_s in zip(self.paged_s, self.acknowledged_s, strict=True)]
        named |= {"reading to page": self.paged_s, "acknowledgement to page": after}
        return {name: Spread.of(times) for name, times in named.items()}


async def measure(count: int) -> Paged:
    """Let so many fridges grow too warm, one after the other, and wait for the page about each.

    A site pages no more than a few alerts one by one before it calls them a flood, so that it takes several.
    """
    seen, most = Paged(), shipped().flood.alerts
    for first in range(0, count, most):
        with tempfile.TemporaryDirectory(prefix="clinic-pages-") as folder:
            await _at_one_site(Path(folder), min(most, count - first), seen)
    return seen


async def _at_one_site(folder: Path, fridges: int, seen: Paged) -> None:
    (folder / "site.env").write_text('CLINIC_PAGING__MAY_REACH=["127.0.0.0/8"]\n')
    async with gateway() as hook:

        def furnish(tx: Tx) -> None:
            set_up_channel(tx, NewChannel("hook", "webhook", hook.url))
            add_contact(tx, NewContact("Duty", (Address("hook", "duty"),)))

        async with watched_fridges(folder, fridges, STOOD, furnish) as site:
            with _bare_subscriber(site.broker_url) as heard_at:
                for name in site.fridges:
                    await _one_page(site, name, hook, heard_at, seen)


async def _one_page(site: FridgeSite, name: str, hook: Gateway, heard_at: dict[bytes, float], seen: Paged) -> None:
    begun_s = int(time.time()) - CRITICAL_AFTER_S
    *before, last = [
        Reading(name, minute, begun_s + after_s, CRITICAL_MILLI_CELSIUS)
        for minute, after_s in enumerate(range(0, CRITICAL_AFTER_S + 1, 60))
    ]
    for one in before:
        site.publish(one)
    await site.acknowledged(before)
    await asyncio.sleep(random.uniform(0, LONGEST_RHYTHM_S))  # noqa: S311  # so as to meet no rhythm
    sent_at = time.perf_counter()
    site.publish(last)
    await eventually(lambda: any(name in str(page["short"]) for page in hook.received), f"a page about {name}")
    which = next(place for place, page in enumerate(hook.received) if name in str(page["short"]))
    seen.paged_s.append(hook.received_at[which] - sent_at)
    seen.acknowledged_s.append(site.tap.acknowledged_at[last.payload] - sent_at)
    seen.bare_s.append(heard_at[last.payload] - sent_at)


@contextmanager
def _bare_subscriber(url: str) -> Iterator[dict[bytes, float]]:
    """Yield when each payload came to a subscriber beside the server."""
    heard_at: dict[bytes, float] = {}
    is_listening, parts = threading.Event(), urlsplit(url)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_connect = lambda *_: client.subscribe("cc/v1/+/reading", qos=1)
    client.on_subscribe = lambda *_: is_listening.set()
    client.on_message = lambda _client, _told, message: heard_at.update({message.payload: time.perf_counter()})
    client.connect(parts.hostname or "", parts.port or 1883)
    client.loop_start()
    try:
        if not is_listening.wait(10):
            raise AssertionError("the bare subscriber hears nothing")
        yield heard_at
    finally:
        client.disconnect()
        client.loop_stop()
