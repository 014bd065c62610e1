"""Probes on a broker: what is heard there, one proposal for each make, and what others announced to Home Assistant.

A few seconds of listening in a session that leaves nothing behind. A make that reports every five minutes is known by
its last will alone. Nothing of an announcement is evaluated; see devices/fridge_probe/home_assistant.py.
"""

import asyncio
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from devices.errors import BadFrame, LinkLost, SpecRefused
from devices.finding import Found
from devices.fridge_probe import mapping, wire
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.home_assistant import Discovered, discovered
from devices.fridge_probe.listening import listening_of
from devices.links import Message, Subscription, open_message_link

KIND: Final = "fridge_probe"
DISCOVERY: Final = ("homeassistant/sensor/+/config", "homeassistant/sensor/+/+/config")
MAKES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "own": "This site's own probes",
        "tasmota": "Tasmota",
        "ruuvi": "Ruuvi",
        "theengs": "Theengs",
        "chirpstack": "ChirpStack",
        "zigbee2mqtt": "Zigbee2MQTT",
        "shelly": "Shelly",
        "esphome": "ESPHome",
    }
)
UNITS: Final[Mapping[str, str]] = MappingProxyType({"°C": "C", "C": "C", "°F": "F", "F": "F"})
MOST_MESSAGES: Final = 5_000
MOST_ANNOUNCED: Final = 50


async def find(broker_url: str, listen_s: float = 3.0) -> list[Found]:
    """Return what speaks on a broker. Raises LinkUnavailable, SpecRefused."""
    heard: list[Message] = []
    async with await open_message_link(broker_url, _everything()) as link:
        with suppress(TimeoutError, LinkLost):
            async with asyncio.timeout(listen_s):
                while len(heard) < MOST_MESSAGES:
                    heard.append(await link.next_message())
                    heard[-1].receipt.acknowledge()
    return [*_makes(heard, broker_url), *_announced(heard, broker_url)]


def _everything() -> Subscription:
    listening = listening_of({"dialects": ",".join(wire.DIALECTS)})
    topics = (*listening.durable, *listening.state, *DISCOVERY)
    return Subscription(f"clinic-finding-{secrets.token_hex(4)}", (), topics, passing=True)


def _makes(heard: Iterable[Message], broker_url: str) -> Iterator[Found]:
    """Yield one proposal for each make that was heard, in the order of the dialects."""
    probes: dict[str, set[str]] = {name: set() for name in wire.DIALECTS}
    devices: dict[str, set[str]] = {name: set() for name in wire.DIALECTS}
    for message in heard:
        for name, dialect in wire.DIALECTS.items():
            samples, present = _said(message, dialect)
            probes[name] |= samples
            devices[name] |= present
            if samples or present:
                break  # the first dialect that understands a topic owns it
    probes["own"] |= devices["own"]  # ours says nothing but temperatures
    for name, make in MAKES.items():
        if probes[name] or devices[name]:
            label = f"{make}: {_counted(len(probes[name]), len(devices[name]))}"
            yield Found(KIND, broker_url, label, options={"dialects": name})


def _said(message: Message, dialect: wire.Dialect) -> tuple[set[str], set[str]]:
    """Return the probes a message holds a temperature of, and the devices it is the presence of."""
    try:
        decoded = wire.decode(_delivery(message.topic, message.payload, retained=message.retained), [dialect])
    except BadFrame:
        return set(), set()
    if isinstance(decoded, Presence):
        return set(), {decoded.probe_id}
    return {sample.probe_id for sample in decoded}, set()


def _delivery(topic: str, payload: bytes, *, retained: bool = True) -> Delivery:
    now = datetime.now(UTC)
    return Delivery(topic, payload, retained, now, now.tzinfo)


def _counted(probes: int, devices: int) -> str:
    if probes:
        return "1 probe" if probes == 1 else f"{probes} probes"
    return f"{'1 device' if devices == 1 else f'{devices} devices'}, no temperature yet"


def _announced(heard: Iterable[Message], broker_url: str) -> list[Found]:
    """Return a mapping for each announced thermometer whose messages no codec of ours reads."""
    announced = (discovered(message.topic, message.payload) for message in heard)
    thermometers = {sensor.unique_id: sensor for sensor in announced if sensor and sensor.unit in UNITS}
    found = [_mapped(sensor, broker_url) for sensor in thermometers.values() if not _is_read_by_a_codec(sensor)]
    return [one for one in found if one is not None][:MOST_ANNOUNCED]


def _is_read_by_a_codec(sensor: Discovered) -> bool:
    """Return whether a make's codec reads this topic, and reads it in the announced unit: bare numbers are Celsius."""
    try:
        samples = wire.decode(_delivery(sensor.state_topic, b"1"), tuple(wire.DIALECTS.values()))
    except BadFrame as error:
        return error.reason != "topic_unknown"
    return bool(samples) and UNITS[sensor.unit] == "C"


def _mapped(sensor: Discovered, broker_url: str) -> Found | None:
    """Return the options that read this one sensor, or None where its topic cannot be written as a mapping."""
    levels = sensor.state_topic.split("/")
    name = max(levels, key=len)  # any level would do: `probe` pins it
    place = levels.index(name)
    options = {
        "dialects": "mapping",
        "probe": name,
        "mapping_topic": "/".join([*levels[:place], mapping.PROBE_LEVEL, *levels[place + 1 :]]),
        "mapping_temperature": sensor.pointer,
        "mapping_unit": UNITS[sensor.unit],
        "mapping_time_kind": "none",
    }
    try:
        listening_of(options)
    except SpecRefused:
        return None
    return Found(KIND, broker_url, f"{sensor.unique_id}: a thermometer in {sensor.unit}", options=options)
