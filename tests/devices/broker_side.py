"""What the tests of probes and of their link say to a broker, and how they answer what comes of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devices.adapter import DeviceSpec
from devices.events import TemperatureMeasured
from firmware_stubs.fridge_probe.publishers import Publisher, publisher_for
from tests.devices.parts import Receiver, eventually

NOON = 1_795_312_800


def spec_for(url: str, dev: str) -> DeviceSpec:
    return DeviceSpec(dev, "fridge_probe", url, options={"zone": "Asia/Shanghai", "probe": dev})


@asynccontextmanager
async def publishing(url: str, dev: str) -> AsyncIterator[Publisher]:
    """A bare publisher, to say what no decent probe would."""
    publisher = publisher_for(url, f"bare-{dev}")
    is_connected = False

    def connected() -> None:
        nonlocal is_connected
        is_connected = True

    publisher.when_connected(connected)
    publisher.start(f"nothing/{dev}", b"")
    try:
        await eventually(lambda: is_connected, "the publisher connected")
        yield publisher
    finally:
        publisher.stop()


def reading(dev: str, seq: int) -> bytes:
    fields = {"v": 1, "dev": dev, "boot": 7, "seq": seq, "ts": NOON, "up": 1, "mC": 4000, "err": False}
    return json.dumps(fields).encode()


async def settle_all(receiver: Receiver, count: int) -> list[int]:
    """Acknowledge the next readings and return their sequence numbers."""
    events = [await receiver.next_of(TemperatureMeasured) for _ in range(count)]
    for event in events:
        event.receipt.acknowledge()
    return [event.sample.seq for event in events]
