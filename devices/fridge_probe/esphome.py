"""ESPHome: <prefix>/sensor/<object id>/state, <prefix>/status. Source: ESPHome's MQTT component pages. Pure.

A state is a bare number without unit or time: Celsius is taken for granted (a device set to Fahrenheit, or one whose
object id does not say `temp`, needs the mapping). Its identity is the second of its arrival. A failed reading is
`nan`, or `None` where publish_nan_as_none is set. States are retained: a subscriber hears an old one first.
"""

import re
from typing import Final

from devices.errors import BadFrame
from devices.events import TemperatureSample
from devices.fridge_probe.context import Delivery, Presence, name_in
from devices.fridge_probe.samples import by_second
from devices.fridge_probe.temperature import value_in_text

OBJECT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
TEMPERATURE_WORD: Final = "temp"


def decode_state(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode one sensor's state; a sensor whose id does not say it is a temperature gives none."""
    object_id = delivery.topic.split("/")[2]
    if TEMPERATURE_WORD not in object_id.lower():
        return ()
    if not OBJECT_ID.fullmatch(object_id):
        raise BadFrame("topic_malformed")
    probe_id = f"esphome:{name_in(delivery, 0)}/{object_id}"
    return (by_second(delivery, probe_id, value_in_text(delivery.payload, "C"), None),)


def decode_status(delivery: Delivery) -> Presence | tuple[TemperatureSample, ...]:
    """Decode `online`, or the will `offline`; others use such topics too, and what they say there is not for us."""
    if delivery.payload not in (b"online", b"offline"):
        return ()
    return Presence(f"esphome:{name_in(delivery, 0)}", is_present=delivery.payload == b"online")
