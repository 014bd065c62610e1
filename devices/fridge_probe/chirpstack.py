"""ChirpStack v4: application/<id>/device/<devEUI>/event/up. Sources: its event page, the vendors' codecs. Pure.

The temperatures are in `object`, which ChirpStack makes with the device's codec: Dragino LHT65N `TempC_SHT` and its
probe `TempC_DS`, `TempC_TMP117` or `Ext_TempC_SHT` (which some codecs quote), Milesight EM320-TH `temperature`,
TS301/302 `temperature_chn1`. An uplink without `object` is refused: its codec is missing. A frame is named by its
deduplicationId, which several gateways and a repeated delivery share. Milesight's `history` is back-fill: each entry
has its own time and is named by that second. So has each of Dragino's memory; see dragino.py.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from devices.errors import BadFrame
from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe import dragino
from devices.fridge_probe.context import Delivery
from devices.fridge_probe.descriptions import Description, percent_of, text_of, yes_or_no
from devices.fridge_probe.instants import unix_s_of_iso, unix_s_of_number
from devices.fridge_probe.quality import measured_at
from devices.fridge_probe.samples import by_name, by_second
from devices.fridge_probe.temperature import Value, value_of
from devices.strict_json import decode_object

DEV_EUI: Final = re.compile(r"[0-9a-f]{16}")
FRAME_NAME: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CHANNEL: Final = re.compile(r"(?:Ext_)?TempC_SHT|TempC_DS|TempC_TMP117|temperature(?:_chn[1-9])?")
DRAGINO_PROBES: Final = ("TempC_DS", "TempC_TMP117", "Ext_TempC_SHT")
DRAGINO_NO_PROBE: Final = "No_connect"
MOST_BITS: Final = 63  # what a database's signed integer holds
Frame = tuple[int, int]


def decode_up(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode every temperature of an uplink, its history first, oldest time as the device sent it."""
    fields = decode_object(delivery.payload)
    probe = f"chirpstack:{_dev_eui(fields, delivery)}"
    boot, seq = _frame(fields)
    decoded = fields.get("object")
    if not isinstance(decoded, dict):
        raise BadFrame("codec_missing")
    unix_s = unix_s_of_iso(fields.get("time"), None)
    past = [
        _past(delivery, f"{probe}/{channel}", value, timestamp, ((boot, seq), position))
        for position, channel, value, timestamp in _entries(fields, decoded)
    ]
    now = [
        by_name(delivery, f"{probe}/{channel}", value, unix_s, boot=boot, seq=seq)
        for channel, value in _channels(decoded)
    ]
    return tuple(dict.fromkeys([*past, *now]))


def describe(delivery: Delivery) -> Iterator[Description]:
    """Return the charge a codec found in an uplink, charge and mains of a status, and the profile's name as make."""
    fields = decode_object(delivery.payload)
    probe, device, decoded = f"chirpstack:{_dev_eui(fields, delivery)}", fields["deviceInfo"], fields.get("object")
    given = decoded.get("battery") if isinstance(decoded, dict) else fields.get("batteryLevel")
    yield Description(
        probe,
        model=text_of(device.get("deviceProfileName")),
        battery_percent=None if fields.get("batteryLevelUnavailable") else percent_of(given),
        is_on_mains=yes_or_no(fields.get("externalPowerSource")),
        told_unix_s=unix_s_of_iso(fields["time"], None) if "time" in fields else None,
    )


def _dev_eui(fields: Mapping[str, Any], delivery: Delivery) -> str:
    device = fields.get("deviceInfo")
    dev_eui = device.get("devEui") if isinstance(device, dict) else None
    if not isinstance(dev_eui, str) or not DEV_EUI.fullmatch(dev_eui.lower()):
        raise BadFrame("dev_eui_malformed")
    if delivery.topic.split("/")[3].lower() != dev_eui.lower():
        raise BadFrame("dev_eui_is_not_the_topics")
    return dev_eui.lower()


def _frame(fields: Mapping[str, Any]) -> Frame:
    """Return the deduplicationId as boot and sequence: 126 of its 128 bits, which name it as well."""
    written = fields.get("deduplicationId")
    if not isinstance(written, str) or not FRAME_NAME.fullmatch(written.lower()):
        raise BadFrame("deduplication_id_malformed")
    number = UUID(written).int
    return number >> (128 - MOST_BITS), number & ((1 << MOST_BITS) - 1)


def _channels(decoded: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    is_unplugged = bool(decoded.get(DRAGINO_NO_PROBE))
    for channel, given in decoded.items():
        # A null probe is a device that never had one; any other null is a sensor that failed.
        is_told = channel not in DRAGINO_PROBES or not (is_unplugged or given is None)
        if is_told and CHANNEL.fullmatch(channel):
            yield channel, value_of(given, "C", may_be_text=True)
    if is_unplugged:
        channel = next((one for one in DRAGINO_PROBES if one in decoded), DRAGINO_PROBES[0])
        degrees, _ = value_of(decoded.get(channel), "C", may_be_text=True)
        yield channel, (degrees, SampleFault.DISCONNECTED)


def _entries(fields: Mapping[str, Any], decoded: Mapping[str, Any]) -> Iterator[tuple[int, str, Value, Any]]:
    """Yield place in the frame, channel, value and time of everything a device sends of its past."""
    entries = decoded.get("history", [])
    if not isinstance(entries, list):
        raise BadFrame("history_malformed")
    for position, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise BadFrame("history_malformed")
        for channel, value in _channels(entry):
            yield position, channel, value, entry.get("timestamp")
    if dragino.is_memory(decoded):
        for position, (channel, value, unix_s) in enumerate(dragino.entries_in(fields.get("data")), 1):
            yield position, channel, value, unix_s


def _past(
    delivery: Delivery, probe_id: str, value: Value, timestamp: Any, place: tuple[Frame, int]
) -> TemperatureSample:
    """Return one entry under its own second; one whose clock was never set under its place in the frame."""
    unix_s = unix_s_of_number(timestamp)
    if measured_at(unix_s) is not None:
        return by_second(delivery, probe_id, value, unix_s)
    (boot, seq), position = place
    return by_name(delivery, probe_id, value, unix_s, boot=boot, seq=(seq + position) & ((1 << MOST_BITS) - 1))
