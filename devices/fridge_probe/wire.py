"""Every payload a fridge probe may publish, by dialect and topic. A new make of probe is one entry in the table. Pure.

`{probe}` is the level that names the probe, `+` any level, a closing `/#` any levels or none. Dialects whose topics
begin with a fixed word stand before those that begin with the probe's name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeVar

from devices.errors import BadFrame
from devices.fridge_probe import chirpstack, esphome, own, ruuvi, shelly, tasmota, theengs, zigbee2mqtt
from devices.fridge_probe.context import Decoded, Delivery
from devices.fridge_probe.descriptions import Description

Decoder = Callable[[Delivery], Decoded]
Describer = Callable[[Delivery], Iterable[Description]]
Meaning = TypeVar("Meaning")


def no_samples(_delivery: Delivery) -> Decoded:
    """Decode a message that is listened to for its description alone."""
    return ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's topics: `readings` are queued while we are away, `presences` are told again at every connection.

    `descriptions` says which of those topics also tell what their sender is.
    """

    readings: Mapping[str, Decoder]
    presences: Mapping[str, Decoder] = field(default_factory=dict)
    descriptions: Mapping[str, Describer] = field(default_factory=dict)


DIALECTS: Final[Mapping[str, Dialect]] = MappingProxyType(
    {
        "own": Dialect(
            {"cc/v1/{probe}/reading": own.decode_reading},
            {"cc/v1/{probe}/status": own.decode_status},
        ),
        "tasmota": Dialect(
            {"tele/{probe}/SENSOR": tasmota.decode_sensor, "stat/{probe}/STATUS8": tasmota.decode_status8},
            {"tele/{probe}/LWT": tasmota.decode_lwt, "tele/{probe}/INFO1": no_samples},
            {"tele/{probe}/SENSOR": tasmota.describe_sensors, "tele/{probe}/INFO1": tasmota.describe_device},
        ),
        "ruuvi": Dialect(
            {"ruuvi/+/{probe}": ruuvi.decode_advertisement},
            {"ruuvi/+/gw_status": ruuvi.decode_advertisement},
        ),
        "theengs": Dialect(
            {"home/+/BTtoMQTT/{probe}": theengs.decode_advertisement},
            {"home/+/LWT": theengs.decode_lwt},
            {"home/+/BTtoMQTT/{probe}": theengs.describe},
        ),
        "chirpstack": Dialect(
            {
                "application/+/device/{probe}/event/up": chirpstack.decode_up,
                "application/+/device/{probe}/event/status": no_samples,
            },
            {},
            {
                "application/+/device/{probe}/event/up": chirpstack.describe,
                "application/+/device/{probe}/event/status": chirpstack.describe,
            },
        ),
        "zigbee2mqtt": Dialect(
            {"zigbee2mqtt/{probe}/#": zigbee2mqtt.decode_device},
            {
                "zigbee2mqtt/bridge/state": zigbee2mqtt.decode_bridge_state,
                "zigbee2mqtt/{probe}/availability": zigbee2mqtt.decode_device,
            },
            {"zigbee2mqtt/{probe}/#": zigbee2mqtt.describe},
        ),
        "shelly": Dialect(
            {
                "shellies/{probe}/ext_temperature/+": shelly.decode_gen1,
                "{probe}/events/rpc": shelly.decode_notification,
                "{probe}/status/+": shelly.decode_status,
            },
            {
                "shellies/{probe}/online": shelly.decode_gen1_online,
                "shellies/{probe}/announce": no_samples,
                "{probe}/online": shelly.decode_online,
            },
            {"shellies/{probe}/announce": shelly.describe_gen1, "{probe}/events/rpc": shelly.describe},
        ),
        "esphome": Dialect(
            {"{probe}/sensor/+/state": esphome.decode_state},
            {"{probe}/status": esphome.decode_status},
        ),
    }
)


def decode(delivery: Delivery, dialects: Sequence[Dialect]) -> Decoded:
    """Decode one message by its topic, in the given dialects. Raises BadFrame and nothing else.

    A topic of a dialect that is not among them gives no samples: a broker goes on sending what was once subscribed.
    """
    decoder = _meaning_of(delivery.topic, _decoders(dialects))
    if decoder is not None:
        return decoder(delivery)
    if _meaning_of(delivery.topic, _decoders(DIALECTS.values())) is not None:
        return ()
    raise BadFrame("topic_unknown")


def describe(delivery: Delivery, dialects: Sequence[Dialect]) -> tuple[Description, ...]:
    """Return what a message says of its sender; nothing where it cannot be read. Raises nothing."""
    describer = _meaning_of(delivery.topic, (dialect.descriptions for dialect in dialects))
    if describer is None:
        return ()
    try:
        return tuple(describer(delivery))
    except BadFrame:
        return ()


def _decoders(dialects: Iterable[Dialect]) -> Iterator[Mapping[str, Decoder]]:
    for dialect in dialects:
        yield from (dialect.presences, dialect.readings)


def _meaning_of(topic: str, tables: Iterable[Mapping[str, Meaning]]) -> Meaning | None:
    levels = topic.split("/")
    for table in tables:
        for pattern, meaning in table.items():
            if _is_meant(pattern.split("/"), levels):
                return meaning
    return None


def _is_meant(wanted: Sequence[str], levels: Sequence[str]) -> bool:
    if wanted[-1] == "#":
        wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
    return len(wanted) == len(levels) and all(
        want in ("+", "{probe}", level) for want, level in zip(wanted, levels, strict=True)
    )
