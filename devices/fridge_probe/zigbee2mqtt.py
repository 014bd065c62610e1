"""Zigbee2MQTT: zigbee2mqtt/<friendly name>, its /availability, bridge/state. Source: its MQTT topics page. Pure.

A probe is known by its IEEE address where the message holds it (include_device_information), else by its friendly
name, which may hold spaces, any script and slashes, and changes with a renaming. The time is `last_seen` where
switched on, else that of arrival; after a restart the cached state is sent again, with the old `last_seen`. Only JSON
output is understood.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.errors import BadFrame
from devices.fridge_probe.context import Decoded, Delivery, Presence, name_in
from devices.fridge_probe.descriptions import Description, percent_of, text_of
from devices.fridge_probe.instants import unix_s_of_iso, unix_s_of_number
from devices.fridge_probe.samples import by_second
from devices.fridge_probe.temperature import value_of
from devices.strict_json import decode_object

IEEE_ADDRESS: Final = re.compile(r"0x[0-9a-f]{16}")
BRIDGE: Final = "bridge"
REQUESTS: Final = frozenset({"set", "get"})
LONGEST_FRIENDLY_NAME: Final = 100
PRESENT: Final[Mapping[str, bool]] = {"online": True, "offline": False}


def decode_device(delivery: Delivery) -> Decoded:
    """Decode what one device says; the bridge's own topics and requests to devices give no samples."""
    levels = delivery.topic.split("/")
    if levels[1] == BRIDGE or REQUESTS & set(levels[2:]):
        return ()
    if len(levels) > 2 and levels[-1] == "availability":  # noqa: PLR2004 - a name stands between the two
        return Presence(f"zigbee2mqtt:{_name(delivery, len(levels) - 1)}", is_present=_is_present(delivery.payload))
    fields = decode_object(delivery.payload)
    if "temperature" not in fields:
        return ()
    probe_id = f"zigbee2mqtt:{_ieee_address(fields) or _name(delivery, len(levels))}"
    return (by_second(delivery, probe_id, value_of(fields["temperature"], "C"), _unix_s(fields, delivery)),)


def describe(delivery: Delivery) -> Iterator[Description]:
    """Return the charge of a thermometer, and its make where the bridge adds it (include_device_information)."""
    samples = decode_device(delivery)
    if not isinstance(samples, tuple) or not samples:
        return
    fields = decode_object(delivery.payload)
    about = fields.get("device")
    about = about if isinstance(about, dict) else {}
    battery_percent = percent_of(fields.get("battery"))
    yield Description(
        samples[0].probe_id,
        identity=_ieee_address(fields) or "",
        model=text_of(about.get("model")),
        firmware=text_of(about.get("softwareBuildID")),
        battery_percent=battery_percent,
        told_unix_s=None if battery_percent is None else _unix_s(fields, delivery),
    )


def decode_bridge_state(delivery: Delivery) -> Presence:
    """Decode whether the bridge itself, and so all its devices, can be heard."""
    return Presence("zigbee2mqtt:bridge", is_present=_is_present(delivery.payload))


def _name(delivery: Delivery, last: int) -> str:
    return name_in(delivery, 1, last, longest=LONGEST_FRIENDLY_NAME)


def _ieee_address(fields: Mapping[str, Any]) -> str | None:
    device = fields.get("device")
    if not isinstance(device, dict) or "ieeeAddr" not in device:
        return None
    address = device["ieeeAddr"]
    if not isinstance(address, str) or not IEEE_ADDRESS.fullmatch(address.lower()):
        raise BadFrame("ieee_address_malformed")
    return address.lower()


def _unix_s(fields: Mapping[str, Any], delivery: Delivery) -> int | None:
    last_seen = fields.get("last_seen")
    if last_seen is None:
        return None
    if isinstance(last_seen, str):
        return unix_s_of_iso(last_seen, delivery.zone)
    return unix_s_of_number(last_seen, per_second=1000)


def _is_present(payload: bytes) -> bool:
    """Read `online`, `offline`, or a JSON object whose `state` is one of them."""
    word = decode_object(payload).get("state") if payload.startswith(b"{") else payload.decode("ascii", "replace")
    if not isinstance(word, str) or word not in PRESENT:
        raise BadFrame("availability_unknown")
    return PRESENT[word]
