"""Probes are found by listening to a broker for a moment, and nothing is left there."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Mapping

import pytest

from devices.adapter import DeviceSpec
from devices.errors import LinkUnavailable
from devices.events import TemperatureMeasured
from devices.finding import Found, probes
from devices.fridge_probe.adapter import FridgeProbe
from devices.links import Subscription, open_message_link
from devices.links.memory_broker import MemoryBroker
from devices.supervisor import Supervisor
from tests.devices.broker_side import publishing, reading
from tests.devices.parts import Mosquitto, Receiver, eventually

names = itertools.count()
QUICK_S = 0.3


@pytest.fixture(name="quiet")
def _quiet() -> Iterator[MemoryBroker]:
    """A broker nobody else has ever spoken to."""
    broker = MemoryBroker(f"quiet-{next(names)}")
    broker.start()
    yield broker
    broker.stop()


def announcement(unique_id: str, topic: str, unit: str = "°C", template: str | None = None) -> tuple[str, bytes]:
    fields = {"unique_id": unique_id, "state_topic": topic, "unit_of_measurement": unit}
    if template is not None:
        fields["value_template"] = template
    return f"homeassistant/sensor/{unique_id}/config", json.dumps(fields).encode()


async def found_on(broker: MemoryBroker, *retained: tuple[str, bytes]) -> list[tuple[str, Mapping[str, str]]]:
    for topic, payload in retained:
        broker.publish(topic, payload, retain=True)
    return [(found.label, found.options) for found in await probes.find(broker.url, QUICK_S)]


async def test_each_make_that_is_heard_is_one_proposal(quiet: MemoryBroker) -> None:
    assert await found_on(
        quiet,
        ("cc/v1/fridge-1/status", b"online"),
        ("cc/v1/fridge-2/status", b"offline"),
        ("cc/v1/fridge-2/reading", reading("fridge-2", 1)),
        ("tele/fridge/LWT", b"Online"),
        ("zigbee2mqtt/bridge/state", b"online"),
        ("zigbee2mqtt/cold room", b'{"temperature":4.1,"battery":80}'),
        ("zigbee2mqtt/lamp", b'{"state":"ON"}'),
        ("kitchen/light/lamp/state", b"ON"),
    ) == [
        ("This site's own probes: 2 probes", {"dialects": "own"}),
        ("Tasmota: 1 device, no temperature yet", {"dialects": "tasmota"}),
        ("Zigbee2MQTT: 1 probe", {"dialects": "zigbee2mqtt"}),
    ]


async def test_what_is_said_while_we_listen_is_heard(quiet: MemoryBroker) -> None:
    finding = asyncio.create_task(probes.find(quiet.url, QUICK_S))
    message = b'{"Time":"2026-03-02T09:00:00","DS18B20":{"Id":"3CE10457A8F9","Temperature":4.5},"TempUnit":"C"}'
    while not finding.done():
        quiet.publish("tele/fridge/SENSOR", message)
        await asyncio.sleep(0.02)
    assert [found.label for found in await finding] == ["Tasmota: 1 probe"]


async def test_an_announced_thermometer_that_no_codec_reads_becomes_a_mapping(quiet: MemoryBroker) -> None:
    found = await found_on(
        quiet,
        announcement("ucool-1", "ucool/freezer-17/up", template="{{ value_json.data.temp }}"),
        announcement("kitchen-f", "kitchen/sensor/fridge_temperature/state", unit="°F"),
        announcement("kitchen-c", "kitchen/sensor/fridge_temperature/state"),
        announcement("z2m", "zigbee2mqtt/cold room", template="{{ value_json.temperature }}"),
        announcement("jinja", "ucool/x/up", template="{{ value_json.temp | float / 10 }}"),
        announcement("lqi", "ucool/x/up", unit="lqi", template="{{ value_json.linkquality }}"),
    )
    assert found == [
        (
            "ucool-1: a thermometer in °C",
            {
                "dialects": "mapping",
                "probe": "freezer-17",
                "mapping_topic": "ucool/{probe}/up",
                "mapping_temperature": "/data/temp",
                "mapping_unit": "C",
                "mapping_time_kind": "none",
            },
        ),
        (
            "kitchen-f: a thermometer in °F",
            {
                "dialects": "mapping",
                "probe": "fridge_temperature",
                "mapping_topic": "kitchen/sensor/{probe}/state",
                "mapping_temperature": "",
                "mapping_unit": "F",
                "mapping_time_kind": "none",
            },
        ),
    ]


async def test_a_proposal_works_as_it_is(quiet: MemoryBroker, receiver: Receiver) -> None:
    ((_, options),) = await found_on(quiet, announcement("u", "ucool/freezer-17/up", template="{{ value_json.t }}"))
    async with Supervisor([DeviceSpec("d", "fridge_probe", quiet.url, options=options)], receiver.deliver):
        await eventually(lambda: receiver.events, "connecting")
        quiet.publish("ucool/freezer-17/up", b'{"t":-20.5}', retain=True)
        sample = (await receiver.next_of(TemperatureMeasured)).sample
    assert (sample.probe_id, sample.milli_celsius) == ("mapping:freezer-17", -20_500)


async def test_listening_to_a_real_broker_finds_what_it_remembers(mosquitto: Mosquitto) -> None:
    name = f"found-{next(names)}"
    topic, config = announcement(name, f"vendor/{name}/state")
    async with publishing(mosquitto.url, name) as publisher:
        sent = [
            publisher.publish(f"tele/{name}/LWT", b"Online", retain=True),
            publisher.publish(topic, config, retain=True),
        ]
        await eventually(lambda: all(is_confirmed() for is_confirmed in sent), "the broker remembers")
        found: list[Found] = await probes.find(mosquitto.url, QUICK_S)
        for left in (f"tele/{name}/LWT", topic):
            publisher.publish(left, b"", retain=True)
    assert {"dialects": "tasmota"} in [one.options for one in found]
    assert f"{name}: a thermometer in °C" in [one.label for one in found]
    for one in found:
        FridgeProbe(DeviceSpec("d", one.kind, one.url, options=one.options))


async def test_a_passing_subscription_leaves_no_session_behind(broker_url: str) -> None:
    name = f"passing-{next(names)}"
    async with await open_message_link(broker_url, Subscription(name, [f"t/{name}"], passing=True)):
        pass
    async with publishing(broker_url, name) as publisher:
        await eventually(publisher.publish(f"t/{name}", b"while away"), "the broker has it")
        async with await open_message_link(broker_url, Subscription(name, [f"t/{name}"])) as link:
            publisher.publish(f"t/{name}", b"now")
            message = await link.next_message()
            message.receipt.acknowledge()
    assert message.payload == b"now"


async def test_a_broker_that_is_not_there_is_said_to_be_so() -> None:
    with pytest.raises(LinkUnavailable, match="no_such_broker"):
        await probes.find("memory://nowhere")


def test_every_make_has_a_name() -> None:
    assert list(probes.MAKES) == list(probes.wire.DIALECTS)
