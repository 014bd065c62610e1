"""Which dialects a fridge probe's spec asks for, and the topics that go with them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from devices.errors import SpecRefused
from devices.fridge_probe import mapping
from devices.fridge_probe.wire import DIALECTS, Dialect

DEFAULT_DIALECTS: Final = "own,tasmota"
MAPPING: Final = "mapping"
ANY_PROBE: Final = "+"
OPTIONS: Final = ("dialects", "probe", *mapping.OPTIONS)


@dataclass(frozen=True, slots=True)
class Listening:
    """The dialects listened to, in the order they are asked in, what the broker is asked for, and what no longer."""

    dialects: tuple[Dialect, ...]
    durable: tuple[str, ...]
    state: tuple[str, ...]
    former: tuple[str, ...]


def listening_of(options: Mapping[str, str]) -> Listening:
    """Return what a device's options `dialects`, `probe` and `mapping_...` ask for. Raises SpecRefused."""
    names = _names(options.get("dialects", DEFAULT_DIALECTS))
    if MAPPING not in names and (strays := sorted(set(options) & set(mapping.OPTIONS))):
        raise SpecRefused(f"option {strays[0]} needs mapping among option dialects")
    probe = _probe(options.get("probe", ANY_PROBE))
    # The mapping comes first: the site wrote it for these very topics.
    described = [_described(options)] if MAPPING in names else []
    dialects = (*described, *(dialect for name, dialect in DIALECTS.items() if name in names))
    durable = tuple(topic for dialect in dialects for topic in _topics(dialect.readings, probe))
    state = tuple(topic for dialect in dialects for topic in _topics(dialect.presences, probe))
    former = dict.fromkeys(topic for topic in _known_topics(probe) if topic not in {*durable, *state})
    return Listening(dialects, durable, state, tuple(former))


def _topics(table: Iterable[str], probe: str) -> Iterator[str]:
    return (pattern.replace("{probe}", probe) for pattern in table)


def _known_topics(probe: str) -> Iterator[str]:
    """Yield every topic that a device with other dialects, or without the option `probe`, would have asked for."""
    for name in (ANY_PROBE, probe):
        for dialect in DIALECTS.values():
            yield from _topics((*dialect.readings, *dialect.presences), name)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    known = [*DIALECTS, MAPPING]
    for name in names:
        if name not in known:
            raise SpecRefused(f"option dialects names {name!r}, expected some of {', '.join(known)}")
    if len(set(names)) != len(names):
        raise SpecRefused("option dialects names a dialect twice")
    return names


def _probe(probe: str) -> str:
    if "/" in probe or "#" in probe or ("+" in probe and probe != ANY_PROBE) or not probe:
        raise SpecRefused("option probe names one probe's topic level, without / # +")
    return probe


def _described(options: Mapping[str, str]) -> Dialect:
    fields = mapping.field_map(options)
    return Dialect({fields.topic: fields.decode}, descriptions={fields.topic: fields.describe})
