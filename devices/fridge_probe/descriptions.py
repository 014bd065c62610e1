"""What a message says of its sender beside the temperature: make, firmware, battery, mains. Pure."""

from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

LONGEST_TEXT: Final = 64
FULL_PERCENT: Final = 100
REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True)
class Description:
    """What one probe, or the device that carries several, says it is; empty or None where it says nothing.

    `part` is a sample's probe_id, or the device's name as its presence has it. `told_unix_s` is when battery and mains
    were so by the message itself, None where it does not say.
    """

    part: str
    identity: str = ""
    model: str = ""
    firmware: str = ""
    battery_percent: int | None = None
    is_on_mains: bool | None = None
    told_unix_s: int | None = None

    @property
    def tells_of_supply(self) -> bool:
        """Whether it says what its sender lives on."""
        return self.battery_percent is not None or self.is_on_mains is not None

    def after(self, known: "Description") -> "Description":
        """Return what is known now of a sender that stays the same: silence takes nothing away."""
        return Description(
            self.part,
            identity=self.identity or known.identity,
            model=self.model or known.model,
            firmware=self.firmware or known.firmware,
            battery_percent=known.battery_percent if self.battery_percent is None else self.battery_percent,
        )


class Descriptions:
    """Remembers what is known, so that a battery is told when it changes and not once a minute."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Description] = OrderedDict()

    def is_news(self, said: Description) -> bool:
        """Return whether this adds to what is known of its part, and remember it."""
        known = self._known.get(said.part, Description(said.part))
        now = said.after(known)
        if now == known:
            return False
        self._known[said.part] = now
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return True


def percent_of(given: Any) -> int | None:
    """Return whole percent, or None for whatever is no charge of a battery."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        return None
    return round(given) if Decimal(given).is_finite() and 0 <= given <= FULL_PERCENT else None


def yes_or_no(given: Any) -> bool | None:
    """Return what was said, or None for whatever is neither."""
    return given if isinstance(given, bool) else None


def text_of(given: Any) -> str:
    """Return a short printable text, or nothing."""
    return given if isinstance(given, str) and len(given) <= LONGEST_TEXT and given.isprintable() else ""
