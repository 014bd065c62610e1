"""No reading leaves the broker before the server has stored it, whatever is killed."""

import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
import uvloop

from devices.adapter import DeviceSpec
from devices.events import (
    DeviceDescribed,
    DeviceState,
    PayloadRejected,
    ProbePresence,
    Receipted,
    SampleFault,
    SupplyTold,
    TemperatureMeasured,
)
from devices.fridge_probe import wire
from devices.fridge_probe.adapter import FridgeProbe
from devices.links import MessageLink, Subscription, open_message_link
from devices.links.message_inbox import UNACKNOWLEDGED_LIMIT
from devices.supervisor import Supervisor
from firmware_stubs.fridge_probe.firmware.probe_core import probe as probe_core
from firmware_stubs.fridge_probe.publishers import publisher_for
from firmware_stubs.fridge_probe.stub import SENT_AGAIN, BoughtProbeStub, FridgeProbeStub, TasmotaStub
from tests.devices.broker_side import NOON, publishing, reading, settle_all, spec_for
from tests.devices.parts import Mosquitto, Receiver, eventually
from tests.wire.vectors import vectors_of

names = itertools.count()


@pytest.fixture(name="dev")
def _dev() -> str:
    """A name no other test's session or retained message has."""
    return f"fridge-{next(names)}-{time.time_ns()}"


@asynccontextmanager
async def a_probe(url: str, dev: str) -> AsyncIterator[FridgeProbeStub]:
    probe = FridgeProbeStub(publisher_for(url, dev), dev, boot=7)
    probe.start()
    try:
        yield probe
    finally:
        probe.stop()


@asynccontextmanager
async def a_tasmota(url: str, dev: str) -> AsyncIterator[TasmotaStub]:
    device = TasmotaStub(publisher_for(url, f"t-{dev}"), dev, unit="F")
    device.start()
    try:
        yield device
    finally:
        device.stop()


async def test_a_reading_comes_through_with_its_identity(broker_url: str, dev: str, receiver: Receiver) -> None:
    async with Supervisor([spec_for(broker_url, dev)], receiver.deliver), a_probe(broker_url, dev) as probe:
        await receiver.next_state(DeviceState.ONLINE)
        probe.measure(4360, unix_s=NOON)
        sample = (await receiver.next_of(TemperatureMeasured)).sample
    assert (sample.probe_id, sample.boot, sample.milli_celsius, sample.fault) == (dev, 7, 4360, None)
    assert (sample.measured_at and sample.measured_at.timestamp(), sample.retained) == (NOON, False)


def test_the_same_holds_on_the_event_loop_the_server_uses(broker_url: str, dev: str) -> None:
    async def hear_restart_and_hear_again() -> None:
        spec, receiver, again = spec_for(broker_url, dev), Receiver(), Receiver()
        async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
            await receiver.next_state(DeviceState.ONLINE)
            for seq in range(3):
                publisher.publish(f"cc/v1/{dev}/reading", reading(dev, seq))
            assert await settle_all(receiver, 1) == [0]
            await receiver.next_of(TemperatureMeasured, lambda event: event.sample.seq == 2)
        async with Supervisor([spec], again.deliver):
            assert await settle_all(again, 2) == [1, 2]

    uvloop.run(hear_restart_and_hear_again())


async def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = spec_for(broker_url, dev)
    async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        for seq in range(5):
            publisher.publish(f"cc/v1/{dev}/reading", reading(dev, seq))
        assert await settle_all(receiver, 2) == [0, 1]
        for _ in range(3):
            await receiver.next_of(TemperatureMeasured)
    again = Receiver()
    async with Supervisor([spec], again.deliver):
        assert await settle_all(again, 3) == [2, 3, 4]
    last = Receiver()
    async with Supervisor([spec], last.deliver), publishing(broker_url, dev) as publisher:
        await last.next_state(DeviceState.ONLINE)
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 5))
        assert await settle_all(last, 1) == [5]


async def test_commits_in_any_order_are_acknowledged_in_the_order_of_arrival(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    """MQTT-4.6.0-2: the second alone is stored, so neither may be acknowledged yet."""
    spec = spec_for(broker_url, dev)
    async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 1))
        await receiver.next_of(TemperatureMeasured)
        (await receiver.next_of(TemperatureMeasured)).receipt.acknowledge()
    again = Receiver()
    async with Supervisor([spec], again.deliver):
        assert await settle_all(again, 2) == [0, 1]


async def test_what_the_server_could_not_store_is_delivered_again(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    async with Supervisor([spec_for(broker_url, dev)], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        receiver.failures_to_come = 1
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
        assert (await receiver.next_state(DeviceState.OFFLINE)).detail == "link_lost: delivery_declined"
        assert await settle_all(receiver, 1) == [0]


async def test_a_receipt_of_an_earlier_connection_acknowledges_nothing(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = spec_for(broker_url, dev)
    async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
        stale = await receiver.next_of(TemperatureMeasured)
    again = Receiver()
    async with Supervisor([spec], again.deliver):
        await again.next_of(TemperatureMeasured)
        stale.receipt.acknowledge()
    last = Receiver()
    async with Supervisor([spec], last.deliver):
        assert await settle_all(last, 1) == [0]


async def test_a_retained_reading_is_marked_and_comes_once(broker_url: str, dev: str, receiver: Receiver) -> None:
    spec = spec_for(broker_url, dev)
    async with publishing(broker_url, dev) as publisher:
        confirmed = publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0), retain=True)
        await eventually(confirmed, "the broker has the retained reading")
        async with Supervisor([spec], receiver.deliver):
            event = await receiver.next_of(TemperatureMeasured)
            assert event.sample.retained
            event.receipt.acknowledge()
        again = Receiver()
        async with Supervisor([spec], again.deliver):
            await again.next_state(DeviceState.ONLINE)
            publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 1))
            live = await again.next_of(TemperatureMeasured)
            live.receipt.acknowledge()
        assert (live.sample.seq, live.sample.retained) == (1, False)
        publisher.publish(f"cc/v1/{dev}/reading", b"", retain=True)


async def test_poison_becomes_a_dead_letter_that_waits_for_its_receipt(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = spec_for(broker_url, dev)
    async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        publisher.publish(f"cc/v1/{dev}/reading", b'{"v":1')
        await receiver.next_of(PayloadRejected)
    again = Receiver()
    async with Supervisor([spec], again.deliver), publishing(broker_url, dev) as publisher:
        letter = await again.next_of(PayloadRejected)
        letter.receipt.acknowledge()
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 1))
        assert await settle_all(again, 1) == [1]
    assert (letter.reason, letter.payload, letter.origin) == ("not_json", b'{"v":1', f"cc/v1/{dev}/reading")


async def test_a_probe_that_vanishes_is_told_by_its_will(broker_url: str, dev: str, receiver: Receiver) -> None:
    async with Supervisor([spec_for(broker_url, dev)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        async with a_probe(broker_url, dev) as probe:
            assert await receiver.next_of(ProbePresence) == ProbePresence(dev, dev, is_present=True)
            probe.stop(abrupt=True)
            assert await receiver.next_of(ProbePresence) == ProbePresence(dev, dev, is_present=False)


async def test_presence_is_known_again_after_a_restart_of_the_server(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    async with a_probe(broker_url, dev):
        async with Supervisor([spec_for(broker_url, dev)], receiver.deliver):
            assert (await receiver.next_of(ProbePresence)).is_present
        again = Receiver()
        async with Supervisor([spec_for(broker_url, dev)], again.deliver):
            assert (await again.next_of(ProbePresence)).is_present


async def test_a_tasmota_message_gives_one_sample_a_sensor_and_one_acknowledgement(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = spec_for(broker_url, dev)
    async with Supervisor([spec], receiver.deliver), a_tasmota(broker_url, dev) as device:
        assert await receiver.next_of(ProbePresence) == ProbePresence(dev, f"tasmota:{dev}", is_present=True)
        device.report("2026-03-02T09:00:00", {"0301A279D4D4": 44.3, "0301A279EA92": 185.0})
        first, second = [await receiver.next_of(TemperatureMeasured) for _ in range(2)]
        first.receipt.acknowledge()
    again = Receiver()
    async with Supervisor([spec], again.deliver):
        repeated = [await again.next_of(TemperatureMeasured) for _ in range(2)]
        for event in repeated:
            event.receipt.acknowledge()
    assert [event.sample for event in repeated] == [first.sample, second.sample]
    assert (first.sample.probe_id, first.sample.milli_celsius) == ("tasmota:0301A279D4D4", 6833)
    assert (second.sample.milli_celsius, second.sample.fault) == (85_000, SampleFault.POWER_ON_VALUE)


async def test_every_dialects_messages_come_through_the_topics_it_subscribes(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = DeviceSpec(
        dev, "fridge_probe", broker_url, options={"zone": "Asia/Shanghai", "dialects": ",".join(wire.DIALECTS)}
    )
    vectors = [fields for _, fields in vectors_of("fridge_probe", "samples")]
    expected = [(sample["probe_id"], sample["milli_celsius"]) for v in vectors for sample in json.loads(v["samples"])]
    async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        for fields in vectors:
            publisher.publish(fields["topic"], fields["payload"].encode())
        arrived: list[tuple[str, int | None]] = []
        while len(arrived) < len(expected):
            event = await receiver.next_of(Receipted)
            event.receipt.acknowledge()
            if isinstance(event, TemperatureMeasured):
                arrived.append((event.sample.probe_id, event.sample.milli_celsius))
    assert arrived == expected


async def test_a_make_that_is_asked_for_no_more_is_given_back_to_the_broker(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    """The session outlives the setting: what was subscribed once would be queued and sent for ever."""
    before, after = ({"zone": "Asia/Shanghai", "dialects": names} for names in ("own,tasmota", "own"))
    async with Supervisor([DeviceSpec(dev, "fridge_probe", broker_url, options=before)], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
    link = await open_message_link(broker_url, subscription_of(dev, after))
    async with link, publishing(broker_url, dev) as publisher:
        publisher.publish(f"tele/{dev}/SENSOR", b"{}")
        publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 0))
        topics = [await topic_of_next(link)]
        while topics[-1] != f"cc/v1/{dev}/reading":
            topics.append(await topic_of_next(link))
    assert f"tele/{dev}/SENSOR" not in topics


def subscription_of(dev: str, options: Mapping[str, str]) -> Subscription:
    return FridgeProbe(DeviceSpec(dev, "fridge_probe", "mqtt://nowhere", options=options))._subscription


async def topic_of_next(link: MessageLink) -> str:
    message = await link.next_message()
    message.receipt.acknowledge()
    return message.topic


async def test_a_stub_of_another_make_is_heard_like_the_make(broker_url: str, dev: str, receiver: Receiver) -> None:
    spec = DeviceSpec(dev, "fridge_probe", broker_url, options={"dialects": "zigbee2mqtt", "probe": dev})
    async with Supervisor([spec], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
        publisher = publisher_for(broker_url, f"z-{dev}")
        probe = BoughtProbeStub(publisher, "zigbee2mqtt", dev)
        publisher.when_connected(lambda: probe.report(-4_215, unix_s=NOON))
        probe.start()
        sample = (await receiver.next_of(TemperatureMeasured)).sample
        probe.stop()
    assert (sample.probe_id, sample.seq, sample.milli_celsius) == (f"zigbee2mqtt:{dev}", NOON, -4_215)


async def test_a_battery_is_told_with_its_probe_and_again_only_when_it_changes(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = DeviceSpec(dev, "fridge_probe", broker_url, options={"dialects": "zigbee2mqtt", "probe": dev})
    async with Supervisor([spec], receiver.deliver) as supervisor, publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        for battery in (88, 88, 87):
            publisher.publish(f"zigbee2mqtt/{dev}", f'{{"battery":{battery},"temperature":4}}'.encode())
        for _ in range(3):
            (await receiver.next_of(TemperatureMeasured)).receipt.acknowledge()
        (status,) = supervisor.states()
    told = [event.battery_percent for event in receiver.all_of(DeviceDescribed)]
    assert told == [88, 87]
    supplies = [(event.part, event.battery_percent) for event in receiver.all_of(SupplyTold)]
    assert supplies == [(f"zigbee2mqtt:{dev}", one) for one in (88, 88, 87)], "what is judged is told every time"
    assert status.described[f"zigbee2mqtt:{dev}"].battery_percent == 87


async def test_a_measurement_two_gateways_heard_is_told_once_and_both_messages_are_acknowledged(
    broker_url: str, dev: str, receiver: Receiver
) -> None:
    spec = DeviceSpec(dev, "fridge_probe", broker_url, options={"dialects": "ruuvi", "probe": dev})
    async with Supervisor([spec], receiver.deliver), publishing(broker_url, dev) as publisher:
        await receiver.next_state(DeviceState.ONLINE)
        for gateway, heard_at, sequence in (("a", NOON, 1), ("b", NOON + 1, 1), ("a", NOON + 9, 2)):
            publisher.publish(f"ruuvi/{gateway}/{dev}", ruuvi(heard_at, sequence))
        assert await settle_all(receiver, 2) == [1, 2]
    again = Receiver()
    async with Supervisor([spec], again.deliver), publishing(broker_url, dev) as publisher:
        await again.next_state(DeviceState.ONLINE)
        publisher.publish(f"ruuvi/a/{dev}", ruuvi(NOON + 12, 3))
        assert await settle_all(again, 1) == [3]


def ruuvi(heard_at: int, sequence: int) -> bytes:
    data = f"0201061BFF99040503845DC0C3500000000003E8A00007{sequence:04X}D0A1B2C3D4E5"
    return json.dumps({"ts": str(heard_at), "data": data}).encode()


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_a_broker_that_went_and_came_back_delivers_again(
    how: str, mosquitto: Mosquitto, dev: str, receiver: Receiver
) -> None:
    spec = spec_for(mosquitto.url, dev)
    async with Supervisor([spec], receiver.deliver) as supervisor, a_probe(mosquitto.url, dev) as probe:
        await receiver.next_state(DeviceState.ONLINE)
        probe.measure(4000, unix_s=NOON)
        assert await settle_all(receiver, 1) == [0]
        await getattr(mosquitto, how)()
        await receiver.next_state(DeviceState.OFFLINE)
        probe.measure(4100, unix_s=NOON + 60)
        await mosquitto.start()
        supervisor.retry_now(dev)
        await receiver.next_state(DeviceState.ONLINE)
        # The acknowledgement of 0 may have died with the broker; a repetition does no harm, a loss would.
        while (await settle_all(receiver, 1)) != [1]:
            continue
        await eventually(lambda: probe.unsent == 0, "the probe knows that its readings are safe")


def test_no_more_is_under_way_to_the_server_than_a_probe_sends_again() -> None:
    """One more may be confirmed and not saved: the reading at which the broker was killed."""
    assert SENT_AGAIN == probe_core.SENT_AGAIN
    assert UNACKNOWLEDGED_LIMIT + 1 <= SENT_AGAIN


@pytest.mark.parametrize("count", [UNACKNOWLEDGED_LIMIT, 60])
async def test_nothing_the_broker_confirmed_is_lost_with_it_while_the_server_can_store_nothing(
    count: int, mosquitto: Mosquitto, dev: str, receiver: Receiver
) -> None:
    spec = spec_for(mosquitto.url, dev)
    async with Supervisor([spec], receiver.deliver) as supervisor, a_probe(mosquitto.url, dev) as probe:
        await receiver.next_state(DeviceState.ONLINE)
        for seq in range(count):
            probe.measure(4000, unix_s=NOON + seq)
            await eventually(lambda: probe.unsent == 0, "the broker confirms")
        await mosquitto.kill()
        await receiver.next_state(DeviceState.OFFLINE)
        await mosquitto.start()
        supervisor.retry_now(dev)
        await receiver.next_state(DeviceState.ONLINE)
        heard: set[int] = set()
        while len(heard) < count:
            heard |= set(await settle_all(receiver, 1))


async def test_readings_of_an_outage_of_the_server_come_in_order(broker_url: str, dev: str, receiver: Receiver) -> None:
    spec = spec_for(broker_url, dev)
    async with Supervisor([spec], receiver.deliver):
        await receiver.next_state(DeviceState.ONLINE)
    async with publishing(broker_url, dev) as publisher:
        for batch in range(11):  # a broker's default queue keeps 1,000 and drops the rest in silence
            confirmations = [
                publisher.publish(f"cc/v1/{dev}/reading", reading(dev, 100 * batch + place)) for place in range(100)
            ]
            await eventually(lambda those=confirmations: all(confirmed() for confirmed in those), "the broker has them")
    back = Receiver()
    async with Supervisor([spec], back.deliver):
        assert [(await settle_all(back, 1))[0] for _ in range(1100)] == list(range(1100))
