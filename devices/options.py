"""Reading the options of a device or a pager: a misspelt one is refused, not ignored."""

from collections.abc import Mapping
from typing import Protocol

from devices.errors import OptionRefused


class HasOptions(Protocol):
    """What was set up by a person, of whatever kind."""

    @property
    def kind(self) -> str:
        """What it is set up as."""

    @property
    def options(self) -> Mapping[str, str]:
        """What was said about it."""


def known_options_only(spec: HasOptions, *known: str) -> None:
    """Raise SpecRefused when the spec has an option its kind does not know."""
    if unknown := sorted(set(spec.options) - set(known)):
        raise OptionRefused(f"unknown option of a {spec.kind}: {', '.join(unknown)}")


def whole_number(spec: HasOptions, name: str, default: int, *, low: int, high: int) -> int:
    """Return an option as an integer within low..high. Raises SpecRefused."""
    text = spec.options.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and low <= int(text[:12]) <= high):
        raise OptionRefused(f"option {name} must be a whole number from {low} to {high}")
    return int(text)


def one_of(spec: HasOptions, name: str, default: str, *known: str) -> str:
    """Return an option that is one of a few words. Raises SpecRefused."""
    chosen = spec.options.get(name, default)
    if chosen not in known:
        raise OptionRefused(f"option {name} must be one of {', '.join(known)}")
    return chosen
