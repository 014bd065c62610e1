"""Whether a battery is low and the mains are there, by what probes say of themselves. Pure.

What is known of a sender is the newest instants at which it told of each state. Taking the newer of two instants gives
the same whatever the order of messages and however often each comes, so that nothing else has to be remembered: a
battery is low from when it was last at the lower limit until it is next at the upper one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.cold_chain.supply.limits import SupplyLimits

OF_SUPPLY: Final = (AlertKind.BATTERY_LOW, AlertKind.POWER_LOST)
THE_SITE: Final = ""
_NEVER: Final = 0


@dataclass(frozen=True, slots=True)
class SupplyWord:
    """What a probe, or the device that carries several (``part``), said of its supply; None where it said nothing."""

    part: str
    told_at: datetime | None
    battery_percent: int | None
    is_on_mains: bool | None


@dataclass(frozen=True, slots=True)
class Supply:
    """When a sender last told of each state, in event time, 0 where it never did; and its newest charge."""

    low_unix_ms: int = _NEVER
    well_unix_ms: int = _NEVER
    off_unix_ms: int = _NEVER
    on_unix_ms: int = _NEVER
    battery_unix_ms: int = _NEVER
    battery_percent: int | None = None

    @property
    def is_low(self) -> bool:
        """Whether its battery is low; of two words of one instant the worse counts."""
        return self.low_unix_ms > _NEVER and self.low_unix_ms >= self.well_unix_ms

    @property
    def is_on_mains(self) -> bool | None:
        """Whether it has mains, None where it never told."""
        if not (self.off_unix_ms or self.on_unix_ms):
            return None
        return self.on_unix_ms > self.off_unix_ms


@dataclass(frozen=True, slots=True)
class SupplyAt:
    """What a sender in a place lives on."""

    place_code: str
    supply: Supply


def after(known: Supply, word: SupplyWord, at_unix_ms: int, limits: SupplyLimits) -> Supply:
    """Return what is known after a word of an instant; any order of words gives the same."""
    now = known
    if word.battery_percent is not None:
        now = _after_charge(now, word.battery_percent, at_unix_ms, limits)
    if word.is_on_mains is True:
        now = replace(now, on_unix_ms=max(now.on_unix_ms, at_unix_ms))
    if word.is_on_mains is False:
        now = replace(now, off_unix_ms=max(now.off_unix_ms, at_unix_ms))
    return now


def alarms_of(supplies: Iterable[SupplyAt], limits: SupplyLimits) -> Mapping[AlertKind, Mapping[str, Alarm]]:
    """Return what is to be said of each place, kind by kind; of the site under no code where all its mains failed."""
    known = list(supplies)
    low = [one for one in known if one.supply.is_low]
    telling = {one.place_code for one in known if one.supply.is_on_mains is not None}
    without = {one.place_code for one in known if one.supply.is_on_mains is False}
    if without == telling and len(without) >= limits.least_places:
        without |= {THE_SITE}
    return {
        AlertKind.BATTERY_LOW: {code: _low(code, low) for code in sorted({one.place_code for one in low})},
        AlertKind.POWER_LOST: {
            code: Alarm(AlertKind.POWER_LOST, Severity.ALARM, tell(Phrase.NO_MAINS), code) for code in sorted(without)
        },
    }


def is_of(probe_id: str, part: str) -> bool:
    """Tell whether a probe lives on what a part told of: it is that part, or one of several behind it."""
    return probe_id == part or probe_id.startswith(f"{part}/")


def _after_charge(known: Supply, percent: int, at_unix_ms: int, limits: SupplyLimits) -> Supply:
    now = known
    if percent <= limits.low_percent:
        now = replace(now, low_unix_ms=max(now.low_unix_ms, at_unix_ms))
    if percent >= limits.well_percent:
        now = replace(now, well_unix_ms=max(now.well_unix_ms, at_unix_ms))
    told = (at_unix_ms, -percent)
    if now.battery_percent is None or told > (now.battery_unix_ms, -now.battery_percent):
        now = replace(now, battery_unix_ms=at_unix_ms, battery_percent=percent)
    return now


def _low(place_code: str, low: Sequence[SupplyAt]) -> Alarm:
    worst = min(one.supply.battery_percent or 0 for one in low if one.place_code == place_code)
    return Alarm(AlertKind.BATTERY_LOW, Severity.WARNING, tell(Phrase.CHARGE, percent=worst), place_code)
