"""A vendor's temperature to integer millidegrees, exactly; and the words vendors send in its place. Pure.

Words: ESPHome sends `nan` or `None`; Home Assistant's and Zigbee2MQTT's states are `unavailable`, `unknown`, `null`.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from devices.errors import BadFrame
from devices.events import SampleFault
from devices.fridge_probe.quality import fault_of_value

Value = tuple[int | None, SampleFault | None]

LARGEST_VALUE: Final = 1_000_000
LONGEST_TEXT: Final = 32
WRITTEN_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,7}(\.[0-9]{1,18})?")
NOT_NUMBERS: Final = frozenset({"nan", "inf", "+inf", "-inf", "infinity", "-infinity"})
ABSENT: Final = frozenset({"none", "null", "unavailable", "unknown"})


def to_milli_celsius(value: Decimal, unit: str) -> int:
    """Return integer milli-Celsius of a value in "C" or "F", computed exactly and rounded half to even."""
    exact = Fraction(value)
    return round(exact * 1000 if unit == "C" else (exact - 32) * 5000 / 9)


def value_of(given: Any, unit: str, *, may_be_text: bool = False) -> Value:
    """Return milli-Celsius and fault of a JSON value. `may_be_text` is for vendors who quote their numbers.

    Raises BadFrame("temperature_malformed") for what is neither a number nor a known word for its absence.
    """
    if given is None:
        return None, SampleFault.SENSOR_ERROR
    if isinstance(given, str):
        return _value_written(given, unit, may_be_number=may_be_text)
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise BadFrame("temperature_malformed")
    return _judged(Decimal(given), unit)


def value_in_text(payload: bytes, unit: str) -> Value:
    """Return milli-Celsius and fault of a payload that is a bare number. Raises BadFrame("temperature_malformed")."""
    try:
        text = payload[: LONGEST_TEXT + 1].decode("ascii")
    except UnicodeDecodeError:
        raise BadFrame("temperature_malformed") from None
    return _value_written(text, unit, may_be_number=True)


def _value_written(text: str, unit: str, *, may_be_number: bool) -> Value:
    word = text.strip() if len(text) <= LONGEST_TEXT else ""
    if word.lower() in NOT_NUMBERS:
        return None, SampleFault.NOT_A_NUMBER
    if word.lower() in ABSENT:
        return None, SampleFault.SENSOR_ERROR
    if not may_be_number or not WRITTEN_NUMBER.fullmatch(word):
        raise BadFrame("temperature_malformed")
    return _judged(Decimal(word), unit)


def _judged(exact: Decimal, unit: str) -> Value:
    if not exact.is_finite():
        return None, SampleFault.NOT_A_NUMBER
    if abs(exact) > LARGEST_VALUE:
        raise BadFrame("temperature_malformed")
    milli_celsius = to_milli_celsius(exact, unit)
    return milli_celsius, fault_of_value(milli_celsius)
