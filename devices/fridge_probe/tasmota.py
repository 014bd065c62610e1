"""Tasmota: tele/<topic>/SENSOR, tele/<topic>/LWT, stat/<topic>/STATUS8. Source: Tasmota's DS18x20 and MQTT pages. Pure.

A probe is known by its sensor's Id: losing one of several renames the others. Old firmware sends no Id.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.errors import BadFrame
from devices.events import TemperatureSample
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.descriptions import Description, percent_of, text_of
from devices.fridge_probe.instants import unix_s_of_iso, unix_s_of_number
from devices.fridge_probe.samples import by_second
from devices.fridge_probe.temperature import value_of
from devices.strict_json import decode_object

SENSOR_KEY: Final = re.compile(r"[A-Za-z0-9_\- ]{1,32}")
SENSOR_ID: Final = re.compile(r"[0-9A-Fa-f]{6,16}")
DEVICE_TOPIC: Final = re.compile(r"[^\x00-\x1f+#]{1,64}")
FIRST_EPOCH_IN_MILLISECONDS: Final = 100_000_000_000
UNITS: Final = frozenset("CF")


def decode_sensor(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode every temperature of a SENSOR message; a message without one (a power meter's) gives none."""
    return _samples(delivery, decode_object(delivery.payload))


def decode_status8(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode the answer to `Status 8`: the same fields inside StatusSNS."""
    fields = decode_object(delivery.payload).get("StatusSNS")
    if not isinstance(fields, dict):
        raise BadFrame("status_sns_missing")
    return _samples(delivery, fields)


def decode_lwt(delivery: Delivery) -> Presence:
    """Decode `Online`, or the will `Offline`."""
    if delivery.payload not in (b"Online", b"Offline"):
        raise BadFrame("lwt_unknown")
    return Presence(f"tasmota:{_device(delivery)}", is_present=delivery.payload == b"Online")


def describe_sensors(delivery: Delivery) -> Iterator[Description]:
    """Return the charge of every sensor that has a battery of its own: those heard over Bluetooth."""
    fields = decode_object(delivery.payload)
    for key, sensor in fields.items():
        if isinstance(sensor, dict) and "Temperature" in sensor:
            battery_percent = percent_of(sensor.get("Battery"))
            told_unix_s = None if battery_percent is None else _unix_s(fields, delivery)
            yield Description(
                _probe_id(delivery, key, sensor), battery_percent=battery_percent, told_unix_s=told_unix_s
            )


def describe_device(delivery: Delivery) -> Iterator[Description]:
    """Return the module and version a device tells at every start."""
    fields = decode_object(delivery.payload).get("Info1")
    if isinstance(fields, dict):
        model, firmware = text_of(fields.get("Module")), text_of(fields.get("Version"))
        yield Description(f"tasmota:{_device(delivery)}", model=model, firmware=firmware)


def _samples(delivery: Delivery, fields: Mapping[str, Any]) -> tuple[TemperatureSample, ...]:
    sensors = [(key, sensor) for key, sensor in fields.items() if isinstance(sensor, dict) and "Temperature" in sensor]
    if not sensors:
        return ()
    unit = fields.get("TempUnit")
    if not isinstance(unit, str) or unit not in UNITS:
        raise BadFrame("unit_unknown")
    unix_s = _unix_s(fields, delivery)
    samples = tuple(_sample(delivery, key, sensor, unit, unix_s) for key, sensor in sensors)
    if len({sample.probe_id for sample in samples}) != len(samples):
        raise BadFrame("sensor_id_doubled")
    return samples


def _sample(delivery: Delivery, key: str, sensor: Mapping[str, Any], unit: str, unix_s: int) -> TemperatureSample:
    return by_second(delivery, _probe_id(delivery, key, sensor), value_of(sensor["Temperature"], unit), unix_s)


def _unix_s(fields: Mapping[str, Any], delivery: Delivery) -> int:
    """Return the second of measurement: `Epoch` or a numeric `Time` as it is, a local `Time` by the site's zone."""
    given = fields.get("Epoch", fields.get("Time"))
    if isinstance(given, str):
        return unix_s_of_iso(given, delivery.zone)
    if not isinstance(given, int):
        raise BadFrame("time_malformed")
    return unix_s_of_number(given, per_second=1000 if given >= FIRST_EPOCH_IN_MILLISECONDS else 1)


def _probe_id(delivery: Delivery, key: str, sensor: Mapping[str, Any]) -> str:
    if "Id" not in sensor:
        if not SENSOR_KEY.fullmatch(key):
            raise BadFrame("sensor_key_malformed")
        return f"tasmota:{_device(delivery)}/{key}"
    sensor_id = sensor["Id"]
    if not isinstance(sensor_id, str) or not SENSOR_ID.fullmatch(sensor_id):
        raise BadFrame("sensor_id_malformed")
    return f"tasmota:{sensor_id.upper()}"


def _device(delivery: Delivery) -> str:
    device = "/".join(delivery.topic.split("/")[1:-1])
    if not DEVICE_TOPIC.fullmatch(device):
        raise BadFrame("topic_malformed")
    return device
