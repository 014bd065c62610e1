"""Theengs Gateway and OpenMQTTGateway: home/<gateway>/BTtoMQTT/<address>. Source: their usage pages. Pure.

A decoded Bluetooth advertisement: `tempc` and its twin `tempf`, no time and no sequence, so it is named by its
arrival. The topic's last level is the address without colons; the gateway is no part of the identity, for two may
hear one tag. Encrypted advertisements, and those of telephones and beacons, hold no temperature and give no samples.
"""

import re
from collections.abc import Iterator
from typing import Final

from devices.errors import BadFrame
from devices.events import TemperatureSample
from devices.fridge_probe.context import Delivery, Presence, name_in
from devices.fridge_probe.descriptions import Description, percent_of, text_of
from devices.fridge_probe.samples import by_second
from devices.fridge_probe.temperature import value_of
from devices.strict_json import decode_object

ADDRESS: Final = re.compile(r"[0-9A-F]{6,16}")


def decode_advertisement(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode one advertisement, in Celsius where it is given, else in Fahrenheit."""
    fields = decode_object(delivery.payload)
    key, unit = ("tempc", "C") if "tempc" in fields else ("tempf", "F")
    if key not in fields:
        return ()
    return (by_second(delivery, _probe_id(delivery), value_of(fields[key], unit), None),)


def describe(delivery: Delivery) -> Iterator[Description]:
    """Return the make and charge of a thermometer."""
    fields = decode_object(delivery.payload)
    if "tempc" in fields or "tempf" in fields:
        battery = percent_of(fields.get("batt"))
        yield Description(_probe_id(delivery), model=text_of(fields.get("model")), battery_percent=battery)


def _probe_id(delivery: Delivery) -> str:
    address = name_in(delivery, 3).replace(":", "").upper()
    if not ADDRESS.fullmatch(address):
        raise BadFrame("address_malformed")
    return f"theengs:{address}"


def decode_lwt(delivery: Delivery) -> Presence:
    """Decode a gateway's `online`, or its will `offline`."""
    if delivery.payload not in (b"online", b"offline"):
        raise BadFrame("lwt_unknown")
    return Presence(f"theengs:{name_in(delivery, 1)}", is_present=delivery.payload == b"online")
