"""The firmware of the site's own probe, the same files on CPython and on MicroPython, against a real broker."""

import asyncio
import itertools
import json
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from clinic_server.cold_chain.actions import Stored, store_readings
from clinic_server.device_hub.translation import sample_of
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from devices.adapter import DeviceSpec
from devices.events import DeviceState, ProbePresence, SampleFault, TemperatureMeasured, TemperatureSample
from devices.supervisor import Supervisor
from firmware_stubs.fridge_probe.firmware.probe_core.mqtt import BrokerLost, Publisher
from tests.devices.boards import FIRMWARE, VIRTUAL_MACHINE, Board, Cable, cable_to, node, powered
from tests.devices.parts import DEADLINE_S, Mosquitto, Receiver

PowerUp = Callable[..., AbstractAsyncContextManager[Board]]
names = itertools.count()
NOON = 1_795_312_800
READ_BY_MICROPYTHON = """
import fs from 'node:fs';
const { loadMicroPython } = await import(process.argv[1]);
const mp = await loadMicroPython();
for (const [name, source] of Object.entries(JSON.parse(fs.readFileSync(0, 'utf8')))) {
  mp.globals.set('source', source);
  mp.runPython('compile(source, "firmware", "exec")');
  console.log(name);
}
"""


@pytest.fixture(name="board", params=["cpython", "micropython"])
def _board(request: pytest.FixtureRequest) -> str:
    """The interpreter the firmware runs on."""
    name: str = request.param
    return name


@pytest.fixture(name="dev")
def _dev() -> str:
    """A name no other test's session or retained message has."""
    return f"board-{next(names)}-{time.time_ns()}"


@pytest.fixture(name="power_up")
def _power_up(board: str, dev: str, tmp_path: Path) -> PowerUp:
    """Powers this test's probe, on a broker's port; its flash stays from one power-up to the next."""
    return partial(powered, board, dev, tmp_path / "readings")


@pytest.fixture(name="cable")
async def _cable(mosquitto: Mosquitto) -> AsyncIterator[Cable]:
    async with cable_to(mosquitto.port) as cable:
        yield cable


@pytest.fixture(name="server")
async def _server(mosquitto: Mosquitto, dev: str, receiver: Receiver) -> AsyncIterator[Supervisor]:
    async with listening(mosquitto, dev, receiver) as server:
        yield server


@asynccontextmanager
async def listening(mosquitto: Mosquitto, dev: str, receiver: Receiver) -> AsyncIterator[Supervisor]:
    """The server's adapter, listening to one probe alone."""
    spec = DeviceSpec(dev, "fridge_probe", mosquitto.url, options={"probe": dev})
    async with Supervisor([spec], receiver.deliver) as server:
        await receiver.next_state(DeviceState.ONLINE)
        yield server


async def heard(receiver: Receiver, count: int) -> list[TemperatureSample]:
    """Store the next readings, each before many more come, and return them."""
    samples = []
    for _ in range(count):
        event = await receiver.next_of(TemperatureMeasured)
        event.receipt.acknowledge()
        samples.append(event.sample)
    return samples


@pytest.mark.usefixtures("server")
async def test_a_probe_is_there_measures_and_is_missed_when_its_power_goes(
    power_up: PowerUp, mosquitto: Mosquitto, dev: str, receiver: Receiver
) -> None:
    async with power_up(mosquitto.port) as probe:
        assert await receiver.next_of(ProbePresence) == ProbePresence(dev, dev, is_present=True)
        await probe.obey(f"clock {NOON}")
        state = await probe.obey("measure -4360")
        (sample,) = await heard(receiver, 1)
        await probe.pull_the_plug()
        assert await receiver.next_of(ProbePresence) == ProbePresence(dev, dev, is_present=False)
    assert (sample.probe_id, sample.boot, sample.seq) == (dev, state["boot"], 0)
    assert (sample.milli_celsius, sample.measured_at, sample.uptime_s) == (-4360, datetime.fromtimestamp(NOON, UTC), 0)
    assert (sample.fault, sample.retained) == (None, False)


async def test_readings_of_an_outage_of_the_broker_are_replayed_in_order(
    power_up: PowerUp, mosquitto: Mosquitto, dev: str, receiver: Receiver, server: Supervisor
) -> None:
    async with power_up(mosquitto.port) as probe:
        await probe.obey("measure 4000")
        await heard(receiver, 1)
        await probe.until(unsent=0)
        await mosquitto.stop()
        await receiver.next_state(DeviceState.OFFLINE)
        for step in range(1, 6):
            await probe.obey(f"measure {4000 + step}")
        assert (await probe.obey("state"))["unsent"] == 5
        await mosquitto.start()
        server.retry_now(dev)
        await receiver.next_of(TemperatureMeasured, lambda event: event.sample.seq == 5)
        await probe.until(unsent=0, lost=0)
    samples = [event.sample for event in receiver.all_of(TemperatureMeasured)]
    # Our own acknowledgement of 0 may have died with the broker: then 0 comes again, by its name the same.
    assert list(dict.fromkeys(sample.seq for sample in samples)) == [0, 1, 2, 3, 4, 5]
    assert {(sample.seq, sample.milli_celsius) for sample in samples} == {(step, 4000 + step) for step in range(6)}
    assert len({sample.boot for sample in samples}) == 1


@pytest.mark.usefixtures("server")
async def test_a_full_ring_counts_what_it_lost_and_keeps_the_newest(
    power_up: PowerUp, cable: Cable, receiver: Receiver
) -> None:
    async with power_up(cable.port, slots=64) as probe:
        for step in range(100):
            state = await probe.obey(f"measure {step}")
        assert (state["unsent"], state["lost"]) == (64, 36)
        await cable.open()
        assert [sample.seq for sample in await heard(receiver, 64)] == list(range(36, 100))
        await probe.until(unsent=0)


@pytest.mark.usefixtures("server")
async def test_readings_outlive_two_reboots_under_the_name_of_their_own_boot(
    power_up: PowerUp, cable: Cable, receiver: Receiver
) -> None:
    expected = []
    for count in (3, 2):
        async with power_up(cable.port) as probe:
            for _ in range(count):
                boot = (await probe.obey("measure 4000"))["boot"]
                expected.append((boot, len(expected)))
    await cable.open()
    async with power_up(cable.port) as probe:
        boot = (await probe.obey("measure 4000"))["boot"]
        expected.append((boot, 5))
        assert [(sample.boot, sample.seq) for sample in await heard(receiver, 6)] == expected
        await probe.until(unsent=0)
    assert {one - boot for one, _ in expected} == {-2, -1, 0}
    async with power_up(cable.port) as probe:
        assert (await probe.obey("state"))["unsent"] == 0


@pytest.mark.usefixtures("server")
async def test_a_reading_has_no_time_until_the_clock_is_set(
    power_up: PowerUp, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    async with power_up(mosquitto.port) as probe:
        await probe.obey("measure 4000")
        await probe.obey("clock 946684860")  # a minute into 2000, where some boards begin
        await probe.obey("measure 4000")
        await probe.obey(f"clock {NOON}")
        await probe.obey("measure 4000")
        samples = await heard(receiver, 3)
    assert [sample.measured_at for sample in samples] == [None, None, datetime.fromtimestamp(NOON, UTC)]
    assert [sample.fault for sample in samples] == [None, None, None]


@pytest_asyncio.fixture(name="new_broker")
async def _new_broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """A broker where nobody has ever subscribed; the one of all tests keeps the sessions of servers long gone."""
    (tmp_path / "broker").mkdir()
    broker = Mosquitto(tmp_path / "broker")
    await broker.start()
    yield broker
    await broker.kill()


async def test_a_reading_that_nobody_listens_to_is_kept_until_somebody_does(
    power_up: PowerUp, new_broker: Mosquitto, dev: str, receiver: Receiver
) -> None:
    """As before the server's first day, or after a broker lost its sessions: it confirms and throws away."""
    async with power_up(new_broker.port) as probe:
        await probe.obey("measure 4000")
        async with asyncio.timeout(DEADLINE_S):
            while not (await probe.obey("state"))["unheard"]:
                continue
        async with listening(new_broker, dev, receiver):
            assert [sample.milli_celsius for sample in await heard(receiver, 1)] == [4000]
            await probe.until(unsent=0)


@pytest.mark.usefixtures("server")
async def test_a_sensor_that_does_not_answer_is_a_reading_of_its_own_kind(
    power_up: PowerUp, mosquitto: Mosquitto, receiver: Receiver
) -> None:
    async with power_up(mosquitto.port) as probe:
        for how in ("none", "fail"):
            await probe.obey(f"measure {how}")
        samples = await heard(receiver, 2)
    assert [(sample.milli_celsius, sample.fault) for sample in samples] == [(None, SampleFault.SENSOR_ERROR)] * 2


async def test_a_scratchpad_is_judged_alike_by_every_interpreter(power_up: PowerUp, cable: Cable) -> None:
    after_a_reset, shorted, undriven = "50054b467fff0c101c", "00" * 9, "ff" * 9
    warm, cold = "91014b467fff0f1025", "90fc4b467fff1010ee"  # 25.0625 and -55 degrees in the data sheet
    async with power_up(cable.port) as probe:
        said = [
            (await probe.obey(f"scratchpad {scratchpad}"))["mC"]
            for scratchpad in (after_a_reset, shorted, undriven, warm, cold)
        ]
    assert said == [None, None, None, 25_062, -55_000]


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.usefixtures("server")
async def test_a_reading_whose_confirmation_was_lost_comes_twice_and_is_stored_once(
    power_up: PowerUp, cable: Cable, receiver: Receiver, db: Database
) -> None:
    await cable.open()
    async with power_up(cable.port) as probe:
        await probe.obey("measure 3000")
        await heard(receiver, 1)
        await probe.until(unsent=0)
        cable.is_mute = True
        await probe.obey("measure 4000")
        first = await receiver.next_of(TemperatureMeasured)
        await cable.cut()
        assert (await probe.obey("state"))["unsent"] == 1
        cable.is_mute = False
        await cable.open()
        await receiver.next_of(TemperatureMeasured)  # the one before it, which the broker had confirmed
        again = await receiver.next_of(TemperatureMeasured)
        await probe.until(unsent=0)
    samples = [sample_of(event) for event in (first, again)]
    assert again.sample == first.sample
    stored = db.write_now(lambda tx: store_readings(tx, samples), system_actor("devices"))
    assert stored == Stored(new=1, repeated=1, contradicting=0)


def test_every_file_of_the_firmware_is_read_by_micropython() -> None:
    """Also the board's own, which the tests cannot run: whatever it cannot read stops here and not on a wall."""
    sources = {str(path.relative_to(FIRMWARE)): path.read_text() for path in sorted(FIRMWARE.rglob("*.py"))}
    assert {"main.py", "probe_core/mqtt.py"} <= sources.keys()
    done = subprocess.run(  # noqa: S603 - our own words
        [node(), "--input-type=module", "--eval", READ_BY_MICROPYTHON, VIRTUAL_MACHINE.as_uri()],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.split(), done.returncode) == (list(sources), 0), done.stderr[-500:]


async def test_packet_numbers_begin_again_after_the_last(mosquitto: Mosquitto, dev: str) -> None:
    publisher = Publisher(asyncio.open_connection, "127.0.0.1", mosquitto.port, dev, ("nowhere", b""))
    publisher._packet_id = 0xFFFE
    await publisher.connect()
    try:
        for _ in range(3):
            await publisher.publish(f"nowhere/{dev}", b"")
        await publisher.ping()
    finally:
        publisher.close()
    assert publisher._packet_id == 2


async def test_a_confirmation_of_another_message_confirms_nothing(dev: str) -> None:
    connected, of_another = b"\x20\x03\x00\x00\x00", b"\x40\x02\x00\x63"

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(connected + of_another)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as liar:
        port = liar.sockets[0].getsockname()[1]
        publisher = Publisher(asyncio.open_connection, "127.0.0.1", port, dev, ("nowhere", b""))
        publisher.answer_s = 0.1
        await publisher.connect()
        with pytest.raises(BrokerLost, match="broker_does_not_answer"):
            await publisher.publish("nowhere", b"")
        publisher.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(b"", "broker_does_not_answer", id="silence"),
        pytest.param(b"\x20\x02\x00\x05", "connection_not_permitted", id="a refusal"),
        pytest.param(b"\x20\xff\xff\xff\x7f", "packet_malformed", id="a packet of 256 MB"),
        pytest.param(b"\x20\x02\x00", "broker_does_not_answer", id="half an answer"),
    ],
)
async def test_no_broker_can_hold_a_probe_for_longer_than_an_answer_takes(answer: bytes, reason: str, dev: str) -> None:
    async def converse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await _reader.read()
        writer.close()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as liar:
        port = liar.sockets[0].getsockname()[1]
        publisher = Publisher(asyncio.open_connection, "127.0.0.1", port, dev, ("nowhere", b""))
        publisher.answer_s = 0.1
        with pytest.raises(BrokerLost) as lost:
            await publisher.connect()
        publisher.close()
    assert lost.value.reason == reason
