"""Sentinels and limits a single value can be judged by. Pure.

Those that need a sample's neighbours are the cold chain's evaluator's: -0.0625 and -0.6 (an unplugged DS18B20), a
sudden 0.0 (a shorted bus), -20 out of nowhere (seen from a Zigbee sensor in a living room), any jump no fridge can
make.
"""

from datetime import UTC, datetime
from typing import Final

from devices.events import SampleFault

GATE_MILLI_CELSIUS: Final = range(-95_000, 60_001)
POWER_ON_MILLI_CELSIUS: Final = 85_000  # the DS18B20's register after a reset
# DallasTemperature's two "no device" values, a DS18B20's register of all ones (127.9375), and Dragino's "no probe".
DISCONNECTED_MILLI_CELSIUS: Final = frozenset({-127_000, -196_600, 127_938, 327_670})
FIRST_SANE_S: Final = 1_577_836_800  # 2020-01-01: before it, a clock was never set
LAST_SANE_S: Final = 4_102_444_800  # 2100-01-01


def fault_of_value(milli_celsius: int) -> SampleFault | None:
    """Return why a value cannot be a fridge's temperature, or None."""
    if milli_celsius == POWER_ON_MILLI_CELSIUS:
        return SampleFault.POWER_ON_VALUE
    if milli_celsius in DISCONNECTED_MILLI_CELSIUS:
        return SampleFault.DISCONNECTED
    return None if milli_celsius in GATE_MILLI_CELSIUS else SampleFault.OUT_OF_GATE


def measured_at(unix_s: int) -> datetime | None:
    """Return the aware UTC time, or None when no set clock shows this second."""
    return datetime.fromtimestamp(unix_s, UTC) if FIRST_SANE_S <= unix_s < LAST_SANE_S else None
