"""Ruuvi Gateway: ruuvi/<gateway>/<tag>, an advertisement as heard. Sources: Ruuvi's MQTT and format 5 pages. Pure.

`data` is the advertisement in hex; inside, the manufacturer 0x0499 and data format 5 (RAWv2): temperature as a signed
16-bit number of 0.005 °C, 0x8000 for none, a measurement sequence of 16 bits, 0xFFFF for none, and the tag's address.
`ts` is a decimal string; a gateway may be set to send none. A tag is known by its address, so that two gateways that
hear one measurement name it the same: by its sequence within the hour.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from devices.errors import BadFrame
from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe.context import Decoded, Delivery, Presence, name_in
from devices.fridge_probe.instants import unix_s_of_text
from devices.fridge_probe.quality import fault_of_value
from devices.fridge_probe.samples import by_rolling_sequence, by_second
from devices.fridge_probe.temperature import Value
from devices.strict_json import decode_object

HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){1,255}")
TAG: Final = re.compile(r"[0-9A-F]{12}")
MANUFACTURER_DATA: Final = 0xFF
RUUVI_RAWV2: Final = bytes.fromhex("990405")  # the company 0x0499 little-endian, then the format
RAWV2_LENGTH: Final = 26
NO_TEMPERATURE: Final = 0x8000
NO_SEQUENCE: Final = 0xFFFF
NO_ADDRESS: Final = b"\xff" * 6
MILLI_CELSIUS_A_STEP: Final = 5
GATEWAY_STATUS: Final = "gw_status"


def decode_advertisement(delivery: Delivery) -> Decoded:
    """Decode one advertisement; one that is not a RuuviTag's in data format 5 gives none."""
    if delivery.topic.endswith("/" + GATEWAY_STATUS):
        return _gateway(delivery)
    fields = decode_object(delivery.payload)
    measured = next((found for found in _structures(fields.get("data")) if _is_rawv2(found)), None)
    if measured is None:
        return ()
    probe_id = f"ruuvi:{_tag(delivery, measured[20:26])}"
    unix_s = None if fields.get("ts") is None else unix_s_of_text(fields["ts"])
    sequence = int.from_bytes(measured[18:20], "big")
    if sequence == NO_SEQUENCE:
        return (by_second(delivery, probe_id, _value(measured[3:5]), unix_s),)
    return (by_rolling_sequence(delivery, probe_id, _value(measured[3:5]), unix_s, sequence=sequence),)


def _gateway(delivery: Delivery) -> tuple[TemperatureSample, ...] | Presence:
    state = decode_object(delivery.payload).get("state")
    if state not in ("online", "offline"):
        raise BadFrame("gateway_status_unknown")
    return Presence(f"ruuvi:{name_in(delivery, 1)}", is_present=state == "online")


def _structures(data: Any) -> Iterator[bytes]:
    """Yield the manufacturer's structures of an advertisement: each is its length, its type, and so many bytes."""
    if not isinstance(data, str) or not HEX.fullmatch(data):
        raise BadFrame("data_malformed")
    rest = bytes.fromhex(data)
    while rest and rest[0]:
        length = rest[0]
        if len(rest) <= length:
            raise BadFrame("advertisement_cut_short")
        if rest[1] == MANUFACTURER_DATA:
            yield rest[2 : 1 + length]
        rest = rest[1 + length :]


def _is_rawv2(structure: bytes) -> bool:
    return structure.startswith(RUUVI_RAWV2) and len(structure) == RAWV2_LENGTH


def _value(raw: bytes) -> Value:
    if int.from_bytes(raw, "big") == NO_TEMPERATURE:
        return None, SampleFault.SENSOR_ERROR
    milli_celsius = MILLI_CELSIUS_A_STEP * int.from_bytes(raw, "big", signed=True)
    return milli_celsius, fault_of_value(milli_celsius)


def _tag(delivery: Delivery, address: bytes) -> str:
    tag = address.hex().upper() if address != NO_ADDRESS else name_in(delivery, 2).replace(":", "").upper()
    if not TAG.fullmatch(tag):
        raise BadFrame("tag_malformed")
    return tag
