"""Chip card readers under the contract: what hangs on the link is a slot, and a message is a card put into it."""

import asyncio

from devices.errors import LinkUnavailable
from devices.links import open_card_link
from firmware_stubs.plugs import Plug
from firmware_stubs.smart_card.stub import SmartCardReaderStub
from tests.devices.contract import SETTLES_S, Device
from tests.devices.parts import Receiver


class SlotPlug(Plug):
    """A whole reader in memory, to be plugged in and out like any other device."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.reader = SmartCardReaderStub(name)

    @property
    def url(self) -> str:
        return self.reader.url

    def plug_in(self) -> None:
        self.reader.plug_in()

    def unplug(self, *, abrupt: bool = False) -> None:  # noqa: ARG002 - a service tells no difference
        self.reader.unplug()

    def put_on_wire(self, payload: bytes) -> None:
        """Say something that nobody asked for: a card cannot, and no reader would pass it on."""


class DeviceWithASlot(Device):
    """Pulled out is the card; the reader stays."""

    async def take_port(self, within_s: float = 0.0) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                async with await open_card_link(self.plug.url):
                    return
            except LinkUnavailable:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.01)

    async def comes_back(self, receiver: Receiver) -> None:  # noqa: ARG002 - it was never away
        await asyncio.sleep(SETTLES_S)
