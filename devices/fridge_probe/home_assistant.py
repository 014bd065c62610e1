"""Home Assistant discovery: homeassistant/sensor/<node>/<object>/config. Source: its MQTT discovery page. Pure.

For onboarding only: it says which topic a probe will use, and in which unit. Nothing of it is ever evaluated: a
template is either `{{ value_json.a.b }}`, read here as a JSON pointer, or the message is passed over.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from devices.errors import BadFrame
from devices.json_pointer import pointer_to
from devices.strict_json import decode_object

TOPIC: Final = re.compile(r"homeassistant/sensor(?:/[A-Za-z0-9_-]{1,128}){1,2}/config")
TEMPLATE: Final = re.compile(r"\{\{ *value_json((?:\.[A-Za-z_][A-Za-z0-9_]{0,63}){1,8}) *\}\}")
PUBLISHED: Final = re.compile(r"[^\x00-\x1f\x7f+#]{1,200}")
NAME: Final = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
LONGEST_UNIT: Final = 16


@dataclass(frozen=True, slots=True)
class Discovered:
    """A sensor somebody announced; `unit` as it was written ("°C", "°F", "lqi"), `pointer` is "" for a bare state."""

    unique_id: str
    state_topic: str
    unit: str
    pointer: str


def discovered(topic: str, payload: bytes) -> Discovered | None:
    """Return what a discovery message announces, or None for anything that is not plainly a sensor's."""
    if not TOPIC.fullmatch(topic):
        return None
    try:
        fields = decode_object(payload)
    except BadFrame:
        return None
    unique_id = fields.get("unique_id", fields.get("uniq_id"))
    state_topic = _expanded(fields.get("state_topic", fields.get("stat_t")), fields.get("~"))
    unit = fields.get("unit_of_measurement", fields.get("unit_of_meas"))
    pointer = _pointer(fields.get("value_template", fields.get("val_tpl")))
    if not isinstance(unit, str) or len(unit) > LONGEST_UNIT or pointer is None:
        return None
    if not isinstance(unique_id, str) or not NAME.fullmatch(unique_id):
        return None
    if state_topic is None or not PUBLISHED.fullmatch(state_topic):
        return None
    return Discovered(unique_id, state_topic, unit, pointer)


def _expanded(topic: Any, base: Any) -> str | None:
    """Put the base topic in the place of a ~ at either end, as the abbreviated form has it."""
    if not isinstance(topic, str):
        return None
    if not isinstance(base, str):
        return topic
    if topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if topic.endswith("~") else topic


def _pointer(template: Any) -> str | None:
    if template is None:
        return ""
    found = TEMPLATE.fullmatch(template) if isinstance(template, str) else None
    return pointer_to(*found[1].split(".")[1:]) if found else None
