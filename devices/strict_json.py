"""JSON as devices and services may send it: one object, no doubled keys, numbers exact and of sane length. Pure."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from devices.errors import BadFrame

PAYLOAD_LIMIT: Final = 65_536
NUMBER_LENGTH_LIMIT: Final = 24
EXPONENT_LIMIT: Final = 12


def decode_object(payload: bytes) -> Mapping[str, Any]:
    """Decode a JSON object; fractions become Decimal, NaN and Infinity too. Raises BadFrame and nothing else."""
    if len(payload) > PAYLOAD_LIMIT:
        raise BadFrame("too_large")
    try:
        decoded = json.loads(
            payload.decode("utf-8"),
            parse_float=_fraction,
            parse_int=_whole_number,
            parse_constant=Decimal,
            object_pairs_hook=_without_doubled_keys,
        )
    except (ValueError, RecursionError):
        raise BadFrame("not_json") from None
    if not isinstance(decoded, dict):
        raise BadFrame("not_an_object")
    return decoded


def whole_number_in(fields: Mapping[str, Any], name: str, *, low: int, high: int) -> int:
    """Return a required integer within low..high. Raises BadFrame."""
    number = fields.get(name)
    if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
        raise BadFrame(f"{name}_malformed")
    return number


def _whole_number(text: str) -> int:
    if len(text) > NUMBER_LENGTH_LIMIT:
        raise BadFrame("number_too_long")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > NUMBER_LENGTH_LIMIT:
        raise BadFrame("number_too_long")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise BadFrame("number_out_of_range") from None
    if number and abs(number.adjusted()) > EXPONENT_LIMIT:
        raise BadFrame("number_out_of_range")
    return number


def _without_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadFrame("key_doubled")
    return fields
