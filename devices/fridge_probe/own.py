"""The site's own probes: cc/v1/<dev>/reading and cc/v1/<dev>/status. See firmware_stubs/fridge_probe/WIRE.md. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

from devices.errors import BadFrame
from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.quality import fault_of_value, measured_at
from devices.strict_json import decode_object, whole_number_in

PROBE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
UNSIGNED_32: Final = 0xFFFF_FFFF
SIGNED_32: Final = 0x7FFF_FFFF
LAST_UNIX_S: Final = 253_402_300_799  # 9999-12-31


def decode_reading(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode one reading: v, dev, boot, seq, ts (unix s or null), up (minutes or null), mC (or null), err."""
    probe_id = _probe_id(delivery)
    fields = decode_object(delivery.payload)
    if whole_number_in(fields, "v", low=0, high=UNSIGNED_32) != 1:
        raise BadFrame("version_unknown")
    if fields.get("dev") != probe_id:
        raise BadFrame("dev_is_not_the_topics")
    if not isinstance(fields.get("err"), bool):
        raise BadFrame("err_malformed")
    unix_s = _optional(fields, "ts", low=0, high=LAST_UNIX_S)
    milli_celsius = _optional(fields, "mC", low=-SIGNED_32, high=SIGNED_32)
    minutes_up = _optional(fields, "up", low=0, high=UNSIGNED_32)
    at = None if unix_s is None else measured_at(unix_s)
    is_clock_wrong = unix_s is not None and at is None
    sample = TemperatureSample(
        probe_id=probe_id,
        boot=whole_number_in(fields, "boot", low=0, high=UNSIGNED_32),
        seq=whole_number_in(fields, "seq", low=0, high=UNSIGNED_32),
        measured_at=at,
        uptime_s=None if minutes_up is None else 60 * minutes_up,
        milli_celsius=milli_celsius,
        fault=_fault(milli_celsius, is_error=fields["err"], is_clock_wrong=is_clock_wrong),
        retained=delivery.retained,
    )
    return (sample,)


def decode_status(delivery: Delivery) -> Presence:
    """Decode `online`, or the will `offline`."""
    if delivery.payload not in (b"online", b"offline"):
        raise BadFrame("status_unknown")
    return Presence(_probe_id(delivery), is_present=delivery.payload == b"online")


def _probe_id(delivery: Delivery) -> str:
    probe_id = delivery.topic.split("/")[2]
    if not PROBE_ID.fullmatch(probe_id):
        raise BadFrame("dev_malformed")
    return probe_id


def _optional(fields: Mapping[str, Any], name: str, *, low: int, high: int) -> int | None:
    if name in fields and fields[name] is None:
        return None
    return whole_number_in(fields, name, low=low, high=high)


def _fault(milli_celsius: int | None, *, is_error: bool, is_clock_wrong: bool) -> SampleFault | None:
    if is_error or milli_celsius is None:
        return SampleFault.SENSOR_ERROR
    return fault_of_value(milli_celsius) or (SampleFault.CLOCK_WRONG if is_clock_wrong else None)
