"""One measurement heard several times: a RuuviTag repeats its advertisement, and two gateways hear it. Pure."""

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from devices.events import TemperatureSample

HEARD_BY_SEVERAL: Final = "ruuvi:"
REMEMBERED: Final = 1024


class Echoes:
    """Remembers one connection's samples, to tell each measurement once.

    An echo has the identity and the value of the first and only another time of hearing. Its first is either stored, or
    declined, and then the connection and this memory end and the broker delivers both again.
    """

    def __init__(self) -> None:
        self._heard: OrderedDict[TemperatureSample, None] = OrderedDict()

    def is_echo(self, sample: TemperatureSample) -> bool:
        """Return whether this measurement has been heard already, and remember it."""
        if not sample.probe_id.startswith(HEARD_BY_SEVERAL):
            return False
        timeless = replace(sample, measured_at=None)
        if timeless in self._heard:
            return True
        self._heard[timeless] = None
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        return False
