"""A strict JSON form of frozen dataclasses: each object names its kind, and nothing unknown is let in.

The form follows the dataclasses' own fields. A receipt never travels: whoever reads an event gives it one.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct

from devices.receipts import Receipt

T = TypeVar("T")
KIND: Final = "is"  # the key under which an object says what it is
MOST_CHARACTERS: Final = 8192
_LARGEST: Final = 2**63 - 1


class BadMessage(Exception):
    """What came is no message of ours; `reason` is a stable word, never the content.

    too_large, not_json, unknown_kind, not_understood.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Form(Generic[T]):
    """Values of some dataclasses <-> JSON bytes of at most so many bytes; `kinds` gives each dataclass its name."""

    def __init__(self, members: tuple[type, ...], kinds: Mapping[type, str], most_bytes: int) -> None:
        self._kinds = kinds
        self._most_bytes = most_bytes
        self._mirrors: dict[type, type[Struct]] = {}
        self._originals: dict[type, type] = {}
        self._names = {kinds[member] for member in members}
        self._type = _either(tuple(self._mirror(member) for member in members))

    def encode(self, value: T) -> bytes:
        """Return the JSON of a value, on one line."""
        return msgspec.json.encode(self._plain(value))

    def decode(self, content: bytes) -> T:
        """Return the value, or raise BadMessage."""
        if len(content) > self._most_bytes:
            raise BadMessage("too_large")
        try:
            if msgspec.json.decode(content, type=_Named).kind not in self._names:
                raise BadMessage("unknown_kind")
            return cast("T", self._real(msgspec.json.decode(content, type=self._type)))
        except (msgspec.ValidationError, ValueError, TypeError) as refused:
            is_json = isinstance(refused, msgspec.ValidationError) or not isinstance(refused, msgspec.DecodeError)
            raise BadMessage("not_understood" if is_json else "not_json") from None
        except RecursionError:
            raise BadMessage("not_json") from None

    def _plain(self, value: Any) -> Any:
        if is_dataclass(value):
            kept = {one.name: getattr(value, one.name) for one in fields(value) if one.name != "receipt"}
            return {KIND: self._kinds[type(value)], **{name: self._plain(field) for name, field in kept.items()}}
        if isinstance(value, Mapping):
            return {key: self._plain(field) for key, field in value.items()}
        return [self._plain(one) for one in value] if isinstance(value, tuple) else value

    def _real(self, value: Any) -> Any:
        if isinstance(value, Struct):
            kind = self._originals[type(value)]
            given = {name: self._real(getattr(value, name)) for name in value.__struct_fields__}
            if "receipt" in kind.__dataclass_fields__:  # type: ignore[attr-defined]  # every kind is a dataclass
                given["receipt"] = Receipt.for_perishable()
            return kind(**given)
        if isinstance(value, dict):
            return {key: self._real(field) for key, field in value.items()}
        return tuple(self._real(one) for one in value) if isinstance(value, tuple) else value

    def _mirror(self, kind: type) -> type[Struct]:
        """Return the strict twin of a dataclass, under whose checks its JSON is read."""
        if kind in self._mirrors:
            return self._mirrors[kind]
        hints = get_type_hints(kind)
        named = [
            (one.name, self._read_as(hints[one.name]), *_default(one)) for one in fields(kind) if one.name != "receipt"
        ]
        named.sort(key=len)  # what must be given comes first
        twin = msgspec.defstruct(
            kind.__name__, named, tag_field=KIND, tag=self._kinds[kind], forbid_unknown_fields=True, frozen=True
        )
        self._mirrors[kind], self._originals[twin] = twin, kind
        return twin

    def _read_as(self, hint: Any) -> Any:
        origin, inner = get_origin(hint), get_args(hint)
        if is_dataclass(hint):
            return self._mirror(cast("type", hint))
        if origin in {Union, types.UnionType}:
            return _either(tuple(self._read_as(one) for one in inner))
        if origin is tuple:
            return tuple[self._read_as(inner[0]), ...]  # type: ignore[misc]  # built at run time
        if origin is not None and issubclass(origin, Mapping):
            return dict[_SHORT, self._read_as(inner[1])]  # type: ignore[misc]  # as above
        return _BOUNDED.get(hint, hint)


class _Named(Struct):
    """Any object, as far as its kind."""

    kind: str = msgspec.field(name=KIND)


_SHORT = Annotated[str, Meta(max_length=200)]
_BOUNDED: Final[Mapping[Any, Any]] = {
    str: Annotated[str, Meta(max_length=MOST_CHARACTERS)],
    int: Annotated[int, Meta(ge=-_LARGEST, le=_LARGEST)],
    datetime: Annotated[datetime, Meta(tz=True)],
}


def _either(options: tuple[Any, ...]) -> Any:
    return Union[options]  # noqa: UP007 - built at run time


def _default(one: Any) -> tuple[Any, ...]:
    if one.default_factory is not MISSING:
        return (msgspec.field(default_factory=one.default_factory),)
    return () if one.default is MISSING else (one.default,)
