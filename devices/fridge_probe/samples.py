"""How a sample of a bought probe gets its identity, by what its vendor offers. Pure.

* `by_second`: no sequence. Boot 0 and the unix second of the device's time; where there is no trustworthy time, the
  second of arrival. A message the broker delivers again then has another identity and is stored again, and two
  messages of one probe that arrive within one second contradict each other: the later is kept as a dead letter.
* `by_rolling_sequence`: a sequence that starts over (16 bits, a new battery). The hour stands in for the boot, so
  that a number that comes round again names another reading. The hour of arrival where there is no trustworthy time:
  a delivery repeated in another hour is stored again.
* `by_name`: the message itself has a name for ever.
"""

from datetime import datetime
from typing import Final

from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe.context import Delivery
from devices.fridge_probe.instants import unix_s_at
from devices.fridge_probe.quality import measured_at
from devices.fridge_probe.temperature import Value

HOUR_S: Final = 3600


def by_second(
    delivery: Delivery, probe_id: str, value: Value, unix_s: int | None, *, boot: int = 0
) -> TemperatureSample:
    """Return a sample named by its second; `unix_s` is None when the device sends no time."""
    return by_name(delivery, probe_id, value, unix_s, boot=boot, seq=_trusted_second(delivery, unix_s))


def by_rolling_sequence(
    delivery: Delivery, probe_id: str, value: Value, unix_s: int | None, *, sequence: int
) -> TemperatureSample:
    """Return a sample named by a sequence within its hour; `unix_s` is None when the device sends no time."""
    hour = _trusted_second(delivery, unix_s) // HOUR_S
    return by_name(delivery, probe_id, value, unix_s, boot=hour, seq=sequence)


def by_name(  # noqa: PLR0913 - a sample has these parts
    delivery: Delivery, probe_id: str, value: Value, unix_s: int | None, *, boot: int, seq: int
) -> TemperatureSample:
    """Return a sample under an identity the message carries; a clock that was never set is a fault, none is not."""
    milli_celsius, fault = value
    at = _measured_at(unix_s)
    if at is None and unix_s is not None:
        fault = fault or SampleFault.CLOCK_WRONG
    return TemperatureSample(
        probe_id=probe_id,
        boot=boot,
        seq=seq,
        measured_at=at,
        uptime_s=None,
        milli_celsius=milli_celsius,
        fault=fault,
        retained=delivery.retained,
    )


def _trusted_second(delivery: Delivery, unix_s: int | None) -> int:
    # A clock that starts over at every power-up repeats its seconds; the time of arrival does not.
    return unix_s_at(delivery.received_at) if unix_s is None or measured_at(unix_s) is None else unix_s


def _measured_at(unix_s: int | None) -> datetime | None:
    return None if unix_s is None else measured_at(unix_s)
