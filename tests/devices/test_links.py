"""A port that comes back is noticed at once, also by a device that has waited for it through a long absence."""

import asyncio
from collections.abc import Callable

import pytest

from devices import backoff
from devices.adapter import DeviceSpec
from devices.events import DeviceState
from devices.links import presence, wait_until_present
from devices.links.memory_broker import MemoryBroker
from devices.supervisor import Supervisor
from firmware_stubs.barcode_scanner.stub import BarcodeScannerStub
from firmware_stubs.plugs import MemoryPlug, Plug, PtyPlug
from tests.devices.parts import DEADLINE_S, Receiver

WATCHED: dict[str, Callable[[], Plug]] = {"memory": lambda: MemoryPlug("watched"), "pty": PtyPlug}


async def watching(url: str) -> "asyncio.Task[None]":
    """Begin to watch, with the first look taken."""
    watch = asyncio.ensure_future(asyncio.wait_for(wait_until_present(url), DEADLINE_S))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return watch


@pytest.mark.parametrize("make", WATCHED.values(), ids=WATCHED)
async def test_a_port_that_was_away_is_noticed_when_it_comes(make: Callable[[], Plug]) -> None:
    plug = make()
    watch = await watching(plug.url)
    with plug:
        await watch


@pytest.mark.parametrize("make", WATCHED.values(), ids=WATCHED)
async def test_a_port_still_there_at_the_first_look_is_noticed_when_it_comes_again(make: Callable[[], Plug]) -> None:
    with make() as plug:
        watch = await watching(plug.url)
        plug.unplug(abrupt=True)
        plug.plug_in()
        await watch


@pytest.mark.parametrize("make", WATCHED.values(), ids=WATCHED)
async def test_a_port_that_stays_where_it_is_is_no_news(make: Callable[[], Plug]) -> None:
    with make() as plug, pytest.raises(TimeoutError):
        async with asyncio.timeout(3 * presence.LOOK_S):
            await wait_until_present(plug.url)


async def test_a_broker_of_this_process_is_noticed_when_it_starts_again() -> None:
    broker = MemoryBroker("watched-broker")
    broker.start()
    watch = await watching(broker.url)
    broker.stop()
    broker.start()
    await watch
    broker.stop()


@pytest.mark.parametrize("make", WATCHED.values(), ids=WATCHED)
async def test_a_long_absence_does_not_make_the_return_slow(
    make: Callable[[], Plug], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait before the next attempt is an hour here; the watch cuts it short."""
    monkeypatch.setattr(backoff, "LONGEST_S", 3600.0)
    plug = make()
    BarcodeScannerStub(plug)
    spec = DeviceSpec("scanner", "barcode_scanner", plug.url)
    async with Supervisor([spec], receiver.deliver, scatter=lambda: 1e6):
        await receiver.next_state(DeviceState.OFFLINE)
        with plug:
            plug.unplug()
            plug.plug_in()
            await receiver.next_state(DeviceState.ONLINE)
