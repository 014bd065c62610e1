"""One message and what a decoder must know beside it; and what a probe says about itself."""

import re
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from devices.errors import BadFrame
from devices.events import TemperatureSample

NAME: Final = re.compile(r"[^\x00-\x1f\x7f+#]{1,100}")
LONGEST_NAME: Final = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came. `zone` is the site's, for clocks that name none; `received_at` is aware UTC."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    received_at: datetime
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Presence:
    """A probe's own word, or its last will."""

    probe_id: str
    is_present: bool


Decoded = tuple[TemperatureSample, ...] | Presence


def name_in(delivery: Delivery, first: int, last: int | None = None, *, longest: int = LONGEST_NAME) -> str:
    """Return the name in a topic: one level, or the levels first..last. Raises BadFrame("topic_malformed")."""
    levels = delivery.topic.split("/")
    name = "/".join(levels[first : first + 1 if last is None else last])
    if len(name) > longest or not NAME.fullmatch(name):
        raise BadFrame("topic_malformed")
    return name
