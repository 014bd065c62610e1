"""A server with its devices that is killed around a commit; started by the device hub's tests."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence

from clinic_server.app import open_house
from clinic_server.cold_chain.actions import COLD_CHAIN
from clinic_server.device_hub.hub import DeviceHub
from clinic_server.kit.access import system_actor
from clinic_server.kit.tx import Signal, Tx
from clinic_server.settings import Settings
from tests.conftest import ManualClock
from tests.devices.parts import eventually


def die_when_readings_are_committed(signals: Sequence[Signal]) -> None:
    if any(COLD_CHAIN in one.topics for one in signals):
        os.kill(os.getpid(), signal.SIGKILL)


async def run(moment: str, settings: Settings) -> None:
    house = open_house(settings, ManualClock())
    house.db.attach(asyncio.get_running_loop())
    if moment == "after_commit":
        house.db.watch(die_when_readings_are_committed)
    async with DeviceHub(house) as hub:
        await eventually(lambda: hub.shown()[0].state == "online", "connected")
        is_holding = threading.Event()

        def hold(_tx: Tx) -> None:
            is_holding.set()
            threading.Event().wait()

        if moment == "before_commit":
            held = asyncio.ensure_future(house.db.write(hold, system_actor("test")))
            await eventually(is_holding.is_set, "the writer is held")
        os.write(1, b"connected\n")
        await eventually(lambda: not house.db._queue.empty(), "a reading waits")
        os.write(1, b"a reading waits for its commit\n")
        await held


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Settings.model_validate_json(sys.argv[2])))
