"""Any other probe, as the site describes its messages: where the topic names it, where in the JSON what stands. Pure.

Options of the device, all plain text and never taken from the wire:

* `mapping_topic`: the topic, with the level that names the probe as `{probe}`, and `+` for a level that may vary.
* `mapping_temperature`: a JSON pointer (RFC 6901); empty when the whole payload is a bare number.
* `mapping_unit`: C or F. `mapping_numbers`: `number`, or `text` for a vendor who quotes them.
* `mapping_time_kind`: iso, unix_s, unix_ms or none, and with it `mapping_time`, a JSON pointer.
* `mapping_sequence`: a JSON pointer to a counter; without one the second of the measurement (or arrival) names it.
* `mapping_battery`: a JSON pointer to whole or broken percent. `mapping_mains`: one to true or false.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, Final

from devices.errors import BadFrame, SpecRefused
from devices.events import TemperatureSample
from devices.fridge_probe.context import Delivery, name_in
from devices.fridge_probe.descriptions import Description, percent_of, yes_or_no
from devices.fridge_probe.instants import unix_s_of_iso, unix_s_of_number, unix_s_of_text
from devices.fridge_probe.samples import by_rolling_sequence, by_second
from devices.fridge_probe.temperature import Value, value_in_text, value_of
from devices.json_pointer import MISSING, found_at, is_pointer
from devices.strict_json import decode_object

PROBE_LEVEL: Final = "{probe}"
LONGEST_TOPIC: Final = 200
LAST_SEQUENCE: Final = 0x7FFF_FFFF_FFFF_FFFF
OPTIONS: Final = (
    "mapping_topic",
    "mapping_temperature",
    "mapping_unit",
    "mapping_numbers",
    "mapping_time_kind",
    "mapping_time",
    "mapping_sequence",
    "mapping_battery",
    "mapping_mains",
)
TimeRule = Callable[[Any, tzinfo | None], int]


def _unix_s_of_ms(given: Any, _zone: tzinfo | None) -> int:
    is_written = isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) <= 15  # noqa: PLR2004
    return unix_s_of_number(int(given) if is_written else given, per_second=1000)


TIME_RULES: Final[Mapping[str, TimeRule]] = MappingProxyType(
    {"iso": unix_s_of_iso, "unix_s": lambda given, _zone: unix_s_of_text(given), "unix_ms": _unix_s_of_ms}
)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """One vendor's messages as the site described them; a decoder of them."""

    topic: str
    temperature: str
    unit: str
    quotes_numbers: bool
    time_kind: str
    time: str | None
    sequence: str | None
    battery: str | None
    mains: str | None

    def decode(self, delivery: Delivery) -> tuple[TemperatureSample, ...]:
        """Decode the one temperature of a message. A place that holds nothing is refused, null is a sensor's fault."""
        probe_id = self._probe_id(delivery)
        if not self.temperature:
            return (by_second(delivery, probe_id, value_in_text(delivery.payload, self.unit), None),)
        fields = decode_object(delivery.payload)
        value, unix_s = self._value(fields), self._unix_s(fields, delivery.zone)
        if self.sequence is None:
            return (by_second(delivery, probe_id, value, unix_s),)
        return (by_rolling_sequence(delivery, probe_id, value, unix_s, sequence=self._sequence(fields)),)

    def describe(self, delivery: Delivery) -> Iterator[Description]:
        """Return what a message says of battery and mains, where the site said that it does."""
        if self.battery is None and self.mains is None:
            return
        fields = decode_object(delivery.payload)
        yield Description(
            self._probe_id(delivery),
            battery_percent=None if self.battery is None else percent_of(found_at(self.battery, fields)),
            is_on_mains=None if self.mains is None else yes_or_no(found_at(self.mains, fields)),
            told_unix_s=self._unix_s(fields, delivery.zone),
        )

    def _probe_id(self, delivery: Delivery) -> str:
        return f"mapping:{name_in(delivery, self.topic.split('/').index(PROBE_LEVEL))}"

    def _value(self, fields: Mapping[str, Any]) -> Value:
        given = found_at(self.temperature, fields)
        if given is MISSING:
            raise BadFrame("temperature_missing")
        return value_of(given, self.unit, may_be_text=self.quotes_numbers)

    def _unix_s(self, fields: Mapping[str, Any], zone: tzinfo | None) -> int | None:
        if self.time is None:
            return None
        given = found_at(self.time, fields)
        if given is MISSING:
            raise BadFrame("time_missing")
        return None if given is None else TIME_RULES[self.time_kind](given, zone)

    def _sequence(self, fields: Mapping[str, Any]) -> int:
        given = found_at(self.sequence or "", fields)
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= LAST_SEQUENCE:
            raise BadFrame("sequence_malformed")
        return given


def field_map(options: Mapping[str, str]) -> FieldMap:
    """Return the mapping that a device's options describe. Raises SpecRefused with a sentence that says what to do."""
    temperature = _pointer(options, "mapping_temperature", may_be_empty=True)
    time_kind = _one_of(options, "mapping_time_kind", *TIME_RULES, "none")
    time = options.get("mapping_time")
    sequence, battery, mains = (
        _optional_pointer(options, f"mapping_{one}") for one in ("sequence", "battery", "mains")
    )
    if (time is None) != (time_kind == "none"):
        raise SpecRefused("option mapping_time is given when option mapping_time_kind is not none, and only then")
    if not temperature and any(one is not None for one in (time, sequence, battery, mains)):
        raise SpecRefused("option mapping_temperature is empty: a bare number carries nothing beside it")
    return FieldMap(
        topic=_topic(options),
        temperature=temperature,
        unit=_one_of(options, "mapping_unit", "C", "F"),
        quotes_numbers=_one_of({"mapping_numbers": "number", **options}, "mapping_numbers", "number", "text") == "text",
        time_kind=time_kind,
        time=_optional_pointer(options, "mapping_time"),
        sequence=sequence,
        battery=battery,
        mains=mains,
    )


def _given(options: Mapping[str, str], name: str) -> str:
    if name not in options:
        raise SpecRefused(f"dialect mapping needs option {name}")
    return options[name]


def _topic(options: Mapping[str, str]) -> str:
    topic = _given(options, "mapping_topic")
    levels = topic.split("/")
    if levels.count(PROBE_LEVEL) != 1 or "".join(levels).count(PROBE_LEVEL) != 1:
        raise SpecRefused("option mapping_topic names the probe by exactly one whole level {probe}")
    if any("#" in level or ("+" in level and level != "+") for level in levels) or len(topic) > LONGEST_TOPIC:
        raise SpecRefused(
            "option mapping_topic is a topic of at most 200 characters, with + only as a whole level, no #"
        )
    if not topic.isprintable() or levels[0].startswith("$"):
        raise SpecRefused("option mapping_topic begins without $ and holds printable characters only")
    return topic


def _pointer(options: Mapping[str, str], name: str, *, may_be_empty: bool = False) -> str:
    pointer = _given(options, name)
    if not is_pointer(pointer) or not (pointer or may_be_empty):
        raise SpecRefused(f"option {name} is a JSON pointer such as /data/temp, with ~1 for / and ~0 for ~ in a key")
    return pointer


def _optional_pointer(options: Mapping[str, str], name: str) -> str | None:
    return _pointer(options, name) if name in options else None


def _one_of(options: Mapping[str, str], name: str, *choices: str) -> str:
    choice = _given(options, name)
    if choice not in choices:
        raise SpecRefused(f"option {name} is one of {', '.join(choices)}")
    return choice
