"""Every payload a fridge probe may publish, by topic. A new make of probe is one line in the table."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from devices.errors import BadFrame
from devices.events import TemperatureSample
from devices.fridge_probe import own, tasmota
from devices.fridge_probe.context import Delivery, Presence

Decoded = tuple[TemperatureSample, ...] | Presence
Decoder = Callable[[Delivery], Decoded]

READINGS: Final[Mapping[str, Decoder]] = MappingProxyType(
    {
        "cc/v1/+/reading": own.decode_reading,
        "tele/+/SENSOR": tasmota.decode_sensor,
        "stat/+/STATUS8": tasmota.decode_status8,
    }
)
PRESENCES: Final[Mapping[str, Decoder]] = MappingProxyType(
    {
        "cc/v1/+/status": own.decode_status,
        "tele/+/LWT": tasmota.decode_lwt,
    }
)
DECODERS: Final[Mapping[str, Decoder]] = MappingProxyType({**READINGS, **PRESENCES})


def decode(delivery: Delivery) -> Decoded:
    """Decode one message by its topic. Raises BadFrame and nothing else."""
    levels = delivery.topic.split("/")
    for pattern, decoder in DECODERS.items():
        wanted = pattern.split("/")
        if len(wanted) == len(levels) and all(want in ("+", level) for want, level in zip(wanted, levels, strict=True)):
            return decoder(delivery)
    raise BadFrame("topic_unknown")
