"""A device under the contract: a stub on a plug, how it is made to speak, and what repetition means on a bad line."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import pytest

from devices.adapter import DeviceSpec
from devices.errors import LinkUnavailable
from devices.events import DeviceEvent, DeviceState, ProbePresence
from devices.links import Subscription, open_byte_link, open_message_link
from devices.supervisor import Supervisor
from devices.words import DeviceWord
from firmware_stubs.faults import Fault
from firmware_stubs.plugs import Plug
from tests.devices.parts import DEADLINE_S, Receiver

ONCE = 1
REPEATED = 40  # on a line that loses every fifth transmission
REPEATS_AFTER_S = 1.0
SETTLES_S = 0.3  # a half message is over when nothing more comes


@dataclass
class Device:
    """A device speaks by itself (`speak`) or because it was told something (`word`); `said` reads a message's number.

    A message that did not come through is said again: `word` gets how often it was said, `speak` does the same again.
    """

    kind: str
    plug: Plug
    said: Callable[[DeviceEvent], int | None]
    speak: Callable[[int], None] = lambda _: None
    word: Callable[[int, int], DeviceWord] | None = None
    spoil: Callable[[Fault], None] | None = None
    is_lossy: bool = False
    options: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.kind

    @property
    def spec(self) -> DeviceSpec:
        return DeviceSpec("device-1", self.kind, self.plug.url, simulated=True, options=self.options)

    @contextmanager
    def plugged_in(self) -> Iterator[Self]:
        with self.plug:
            yield self

    async def plug_in(self) -> None:
        await asyncio.to_thread(self.plug.plug_in)

    async def unplug(self, *, abrupt: bool) -> None:
        await asyncio.to_thread(lambda: self.plug.unplug(abrupt=abrupt))

    async def take_port(self, within_s: float = 0.0) -> None:
        """Be its owner for a moment: fails unless everybody else has let go of it, or does in that time."""
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                async with await open_byte_link(self.plug.url) as link:
                    return await link.write(b"the port is free again")
            except LinkUnavailable:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.01)

    async def begins(self, number: int, supervisor: Supervisor, time: int = 1) -> None:
        self.speak(number)
        if self.word is not None:
            assert await supervisor.tell("device-1", self.word(number, time))

    async def says(self, number: int, receiver: Receiver, supervisor: Supervisor) -> None:
        """Say a message, again and again on a lossy line only, until it is told."""
        times, wait_s = (REPEATED, REPEATS_AFTER_S) if self.is_lossy else (ONCE, DEADLINE_S)
        for time in range(1, times + 1):
            await self.begins(number, supervisor, time)
            if await within(wait_s, lambda: number in map(self.said, receiver.events)):
                return
            supervisor.retry_now("device-1")  # the line may have been given up over a lost answer
        pytest.fail(f"message {number} of {self.kind}, said {times} times, is never told")

    async def suffers(self, fault: Fault, receiver: Receiver, supervisor: Supervisor) -> None:
        """Say a message that a fault befalls, and be as well as before."""
        (self.spoil or self.plug.spoil_next)(fault)
        await self.begins(1, supervisor)
        if fault in {Fault.UNPLUG, Fault.PULL_OUT}:
            await self.comes_back(receiver)
        else:
            await asyncio.sleep(SETTLES_S)

    async def comes_back(self, receiver: Receiver) -> None:
        await receiver.next_state(DeviceState.OFFLINE)
        await self.plug_in()
        await receiver.next_state(DeviceState.ONLINE)


@dataclass
class DeviceBehindABroker(Device):
    """The link is the broker's: it goes when the broker stops, and outlives the device."""

    connect: Callable[[], None] = lambda: None
    disconnect: Callable[[], None] = lambda: None

    @contextmanager
    def plugged_in(self) -> Iterator[Self]:
        with self.plug:
            self.connect()
            try:
                yield self
            finally:
                self.disconnect()

    async def take_port(self, within_s: float = 0.0) -> None:
        """A broker lets everybody in, but an opening under way has the same name and may push this one out once."""
        subscription = Subscription("clinic-device-1", ("cc/v1/none",))
        give_up_at = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                async with await open_message_link(self.plug.url, subscription):
                    return
            except LinkUnavailable:
                if asyncio.get_running_loop().time() >= give_up_at:
                    raise
                await asyncio.sleep(0.05)

    async def comes_back(self, receiver: Receiver) -> None:
        await receiver.next_of(ProbePresence, lambda event: not event.is_present)
        await asyncio.to_thread(self.connect)


async def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True
