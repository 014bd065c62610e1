"""A site whose devices the hub attends, as the tests of the hub set it up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy import select

from clinic_server.app import open_house
from clinic_server.cold_chain.tables import reading
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.settings import DeviceSettings, Settings
from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.stub import FridgeProbeStub
from tests.conftest import ManualClock
from tests.devices.parts import eventually

NOBODY = system_actor("test")
START_S = int(ManualClock().now().timestamp())


@asynccontextmanager
async def opened(settings: Settings, *devices: DeviceSettings) -> AsyncIterator[House]:
    house = open_house(settings.model_copy(update={"devices": devices}), ManualClock())
    house.db.attach(asyncio.get_running_loop())
    try:
        yield house
    finally:
        await asyncio.to_thread(house.db.close)


def with_devices(house: House, *devices: DeviceSettings) -> House:
    return replace(house, settings=house.settings.model_copy(update={"devices": devices}))


def probes_of(url: str, probe_name: str) -> DeviceSettings:
    """One subscription, under a client id of this test alone."""
    return DeviceSettings(device_id=f"at-{probe_name}", kind="fridge_probe", url=url, options={"probe": probe_name})


def reader_at(station: str | None, url: str) -> DeviceSettings:
    return DeviceSettings(device_id=f"reader-{station}", kind="id_card_reader", url=url, station=station)


def stored_seqs(house: House) -> list[int]:
    return list(house.db.read_now(lambda c: c.execute(select(reading.c.seq).order_by(reading.c.seq)).scalars().all()))


async def stored(house: House, *seqs: int) -> None:
    await eventually(lambda: stored_seqs(house) == list(seqs), f"readings {seqs} are stored, once each")


async def connected(hub: DeviceHub) -> None:
    await eventually(lambda: all(one.state == "online" for one in hub.shown()), "every device is connected")


@asynccontextmanager
async def sending(url: str, probe_name: str) -> AsyncIterator[FridgeProbeStub]:
    probe = FridgeProbeStub(publisher_for(url, f"stub-{probe_name}"), probe_name)
    probe.start()
    try:
        yield probe
    finally:
        probe.stop()
