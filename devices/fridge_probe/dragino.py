"""Dragino LHT65N's memory, sent when it is asked for or after an outage. Source: its user manual. Pure.

Its codec makes a text of it, in the local time of whoever runs the codec; so the frame's own bytes are read, in which
the time is unix seconds. An entry has eleven: external and built-in temperature in hundredths, humidity, a status whose
low half names the external sensor, time.
"""

import base64
import binascii
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from devices.errors import BadFrame
from devices.fridge_probe.quality import fault_of_value
from devices.fridge_probe.temperature import Value

ENTRY: Final = struct.Struct(">hhHBI")
LONGEST_FRAME: Final = 255
TEXTS: Final = frozenset({"DATALOG", "retransmission_message"})
BUILT_IN: Final = "TempC_SHT"
EXTERNAL: Final[Mapping[int, str]] = MappingProxyType(
    {1: "TempC_DS", 9: "TempC_DS", 2: "TempC_TMP117", 10: "TempC_TMP117", 11: "Ext_TempC_SHT"}
)
SENSOR_BITS: Final = 0x0F
MILLI_CELSIUS_A_STEP: Final = 10


def is_memory(decoded: Mapping[str, Any]) -> bool:
    """Return whether a codec made the text of a memory of this frame; some put it one level deeper."""
    inner = decoded.get("data")
    return bool(TEXTS & decoded.keys()) or (isinstance(inner, dict) and bool(TEXTS & inner.keys()))


def entries_in(data: Any) -> Iterator[tuple[str, Value, int]]:
    """Yield channel, value and unix second of each temperature in a frame's bytes, base64. Raises BadFrame."""
    for external, built_in, _humidity, status, unix_s in ENTRY.iter_unpack(_frame(data)):
        yield BUILT_IN, _value(built_in), unix_s
        if (channel := EXTERNAL.get(status & SENSOR_BITS)) is not None:
            yield channel, _value(external), unix_s


def _frame(data: Any) -> bytes:
    try:
        frame = base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except (binascii.Error, ValueError):
        raise BadFrame("datalog_malformed") from None
    if not frame or len(frame) % ENTRY.size or len(frame) > LONGEST_FRAME:
        raise BadFrame("datalog_malformed")
    return frame


def _value(steps: int) -> Value:
    milli_celsius = MILLI_CELSIUS_A_STEP * steps
    return milli_celsius, fault_of_value(milli_celsius)
