"""Tasmota: tele/<topic>/SENSOR, tele/<topic>/LWT, stat/<topic>/STATUS8. Source: Tasmota's DS18x20 and MQTT pages. Pure.

A probe is known by its sensor's Id: losing one of several renames the others. Old firmware sends no Id.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from devices.errors import BadFrame
from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.quality import fault_of_value, measured_at
from devices.fridge_probe.strict_json import decode_object

SENSOR_KEY: Final = re.compile(r"[A-Za-z0-9_\- ]{1,32}")
SENSOR_ID: Final = re.compile(r"[0-9A-Fa-f]{6,16}")
DEVICE_TOPIC: Final = re.compile(r"[^\x00-\x1f+#]{1,64}")
FIRST_EPOCH_IN_MILLISECONDS: Final = 100_000_000_000
LAST_EPOCH_IN_MILLISECONDS: Final = 253_402_300_799_999
LARGEST_VALUE: Final = 1_000_000
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
    at = measured_at(unix_s)
    milli_celsius, fault = _value(sensor["Temperature"], unit)
    if at is None:
        fault = fault or SampleFault.CLOCK_WRONG
        # A clock that starts over at every power-up repeats its seconds; the time of arrival does not.
        unix_s = int(delivery.received_at.timestamp())
    return TemperatureSample(
        probe_id=_probe_id(delivery, key, sensor),
        boot=0,
        seq=unix_s,
        measured_at=at,
        uptime_s=None,
        milli_celsius=milli_celsius,
        fault=fault,
        retained=delivery.retained,
    )


def _value(value: Any, unit: str) -> tuple[int | None, SampleFault | None]:
    if value is None:
        return None, SampleFault.SENSOR_ERROR
    if isinstance(value, str) and value.lower() in ("nan", "inf", "-inf"):
        return None, SampleFault.NOT_A_NUMBER
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadFrame("temperature_malformed")
    exact = Decimal(value)
    if not exact.is_finite():
        return None, SampleFault.NOT_A_NUMBER
    if abs(exact) > LARGEST_VALUE:
        raise BadFrame("temperature_malformed")
    milli_celsius = to_milli_celsius(exact, unit)
    return milli_celsius, fault_of_value(milli_celsius)


def to_milli_celsius(value: Decimal, unit: str) -> int:
    """Return integer milli-Celsius of a value in "C" or "F", computed exactly and rounded half to even."""
    exact = Fraction(value)
    return round(exact * 1000 if unit == "C" else (exact - 32) * 5000 / 9)


def _unix_s(fields: Mapping[str, Any], delivery: Delivery) -> int:
    """Return the second of measurement: `Epoch` or a numeric `Time` as it is, a local `Time` by the site's zone."""
    given = fields.get("Epoch", fields.get("Time"))
    if isinstance(given, str):
        return int(_instant(given, delivery).timestamp())
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given <= LAST_EPOCH_IN_MILLISECONDS:
        raise BadFrame("time_malformed")
    return given // 1000 if given >= FIRST_EPOCH_IN_MILLISECONDS else given


def _instant(text: str, delivery: Delivery) -> datetime:
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise BadFrame("time_malformed") from None
    if written.tzinfo is None and delivery.zone is None:
        raise BadFrame("zone_unknown")
    try:
        return (written if written.tzinfo else written.replace(tzinfo=delivery.zone)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise BadFrame("time_malformed") from None


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
