"""The real peers of the device tests, and the rule that no test may leave a descriptor open."""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop

from clinic_server.kit.call import House
from clinic_server.settings import DatabaseSettings, SecuritySettings, Settings
from devices.links.memory_broker import MemoryBroker
from tests.devices.hubs import opened
from tests.devices.parts import Mosquitto, Receiver, eventually
from tests.devices.pcscd import PrivatePcscd

brokers = itertools.count()


def _descriptors() -> set[tuple[str, str]]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them is gone already
            found.add((entry.name, str(entry.readlink())))
    return {(name, target) for name, target in found if not target.startswith("/proc/")}


@pytest.fixture(scope="session", name="uvloop_is_warm")
def _uvloop_is_warm() -> None:
    """uvloop opens one pipe for the whole process at its first run, and keeps it."""
    uvloop.run(asyncio.sleep(0))


@pytest.fixture(autouse=True, name="no_descriptor_leaks")
async def _no_descriptor_leaks(uvloop_is_warm: None) -> AsyncIterator[None]:  # noqa: ARG001 - it only has to come first
    # The loop's own helpers open their descriptors at the first use.
    await asyncio.to_thread(lambda: None)
    before = _descriptors()
    yield

    def all_closed() -> bool:
        if _descriptors() <= before:
            return True
        gc.collect()  # a stub's MQTT client frees its wake-up sockets only when it is collected
        return _descriptors() <= before

    await eventually(all_closed, lambda: f"{sorted(_descriptors() - before)} are closed")


@pytest.fixture(scope="session", name="mosquitto_process")
async def _mosquitto_process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mosquitto]:
    folder: Path = tmp_path_factory.mktemp("mosquitto")
    broker = Mosquitto(folder)
    await broker.start()
    yield broker
    await broker.kill()


@pytest.fixture(name="mosquitto")
async def _mosquitto(mosquitto_process: Mosquitto) -> Mosquitto:
    """The running broker, also after a test that killed it."""
    await mosquitto_process.start()
    return mosquitto_process


@pytest.fixture(scope="session", name="pcscd_process")
async def _pcscd_process() -> AsyncIterator[PrivatePcscd]:
    pcscd = PrivatePcscd()
    await pcscd.start()
    yield pcscd
    pcscd.end()


@pytest.fixture(name="pcscd")
async def _pcscd(pcscd_process: PrivatePcscd) -> PrivatePcscd:
    """The running service with its readers plugged in, also after a test that took them away."""
    await pcscd_process.start()
    return pcscd_process


@pytest.fixture(name="receiver")
async def _receiver() -> Receiver:
    return Receiver()


@pytest.fixture(name="settings")
def _settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database=DatabaseSettings(url=database_url),
        security=SecuritySettings(key_file=tmp_path / "site.key"),
    )


@pytest_asyncio.fixture(name="house")
async def _house(settings: Settings) -> AsyncIterator[House]:
    async with opened(settings) as house:
        yield house


@pytest.fixture(name="probe_name")
def _probe_name(request: pytest.FixtureRequest) -> str:
    """A probe of this test alone: the broker outlives the tests and keeps what it has."""
    return f"p{sha256(request.node.name.encode()).hexdigest()[:12]}"


@pytest.fixture(name="broker_url", params=["mosquitto", "memory"])
def _broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "mosquitto":
        yield request.getfixturevalue("mosquitto").url
        return
    broker = MemoryBroker(f"broker-{next(brokers)}")
    broker.start()
    yield broker.url
    broker.stop()
