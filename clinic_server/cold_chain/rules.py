"""Whether a fridge is as it should be: event time and raw integer milli-Celsius in, a condition out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from clinic_server.cold_chain.judging import Profile, ProfileUnknown
from clinic_server.cold_chain.profiles import newest, shipped
from clinic_server.kit.degrees import celsius, rounded
from clinic_server.kit.errors import Conflict, NotFound
from clinic_server.stock.whereabouts import PlaceKind

COLD_CHAIN: Final = "cold_chain"  # the topic of every page that shows temperatures
LATE_AFTER: Final = timedelta(minutes=10)  # by then the page had called the place silent
MOST_CLOCK_AHEAD: Final = timedelta(minutes=5)


class Condition(StrEnum):
    """How a place is, as far as its probes can tell."""

    IN_RANGE = "in_range"
    TOO_WARM = "too_warm"
    TOO_COLD = "too_cold"
    SILENT = "silent"
    FAULT = "fault"
    NEVER_SEEN = "never_seen"


class Reach(StrEnum):
    """Where a temperature is to its limits, by the raw value and never by the rounded one."""

    ABOVE = "above"
    WITHIN = "within"
    BELOW = "below"


class Fault(StrEnum):
    """What a probe, or the decoder of its payload, found wrong with a sample."""

    SENSOR_ERROR = "sensor_error"
    POWER_ON_VALUE = "power_on_value"
    DISCONNECTED = "disconnected"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_GATE = "out_of_gate"
    CLOCK_WRONG = "clock_wrong"

    @property
    def spoils_the_value(self) -> bool:
        """Whether the value may not be judged; a wrong clock makes no temperature wrong."""
        return self is not Fault.CLOCK_WRONG


class ProbeState(StrEnum):
    """Where a probe is in its life."""

    PLACED = "placed"
    SPARE = "spare"
    LOST = "lost"
    RETIRED = "retired"


class ProbeEnd(StrEnum):
    """Why a probe measures here no more."""

    LOST = "lost"
    RETIRED = "retired"


class ProbeUnknown(NotFound):
    """No probe of this name was ever heard or assigned."""

    code = "probe_unknown"


class ProbeIsRetired(Conflict):
    """A retired probe measures nowhere any more."""

    code = "probe_is_retired"


@dataclass(frozen=True, slots=True)
class Limits:
    """A profile: both limits are still in range (strict comparison); ``source`` says whose numbers they are."""

    profile: str
    version: int
    low_milli_celsius: int
    high_milli_celsius: int
    no_data_after: timedelta
    source: str

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Return the part of a profile that judges a single reading."""
        return cls(
            profile.profile,
            profile.version,
            profile.low_milli_celsius,
            profile.high_milli_celsius,
            timedelta(seconds=profile.no_data_after_s),
            profile.source,
        )

    def reach_of(self, milli_celsius: int) -> Reach:
        """Return where a temperature is; exactly a limit is within."""
        if milli_celsius > self.high_milli_celsius:
            return Reach.ABOVE
        return Reach.BELOW if milli_celsius < self.low_milli_celsius else Reach.WITHIN

    def shown(self, milli_celsius: int) -> str:
        """Show a temperature to the tenth, and finer where that would bring it onto a limit."""
        said = celsius(rounded(milli_celsius, (self.low_milli_celsius, self.high_milli_celsius)))
        return said.replace("-", "\N{MINUS SIGN}")


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement as a probe sent it; (probe_id, boot, seq) is its identity for ever.

    ``device_id`` is the connection it came by. A retained sample is only what a broker remembered.
    """

    probe_id: str
    boot: int
    seq: int
    measured_at: datetime | None
    milli_celsius: int | None
    fault: Fault | None = None
    uptime_s: int | None = None
    is_retained: bool = False
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A sample at its event time; ``is_last_known`` marks what a broker remembered, which is no reading."""

    at: datetime
    milli_celsius: int | None
    fault: Fault | None = None
    is_last_known: bool = False

    @property
    def is_judged(self) -> bool:
        """Whether the value is held against limits; every other sample is stored and shown."""
        return is_judged(self.milli_celsius, self.fault)


@dataclass(frozen=True, slots=True)
class ProbeNow:
    """A probe as it stands now: its last good reading, and a newer sample that may not be judged.

    ``condition`` is None where no limits apply.
    """

    probe_id: str
    condition: Condition | None
    reading: Measurement | None
    trouble: Measurement | None

    @classmethod
    def at(
        cls, now: datetime, probe_id: str, measurements: Sequence[Measurement], limits: Limits | None = None
    ) -> Self:
        """Return how a probe stands at ``now`` by its latest measurements."""
        by_time = sorted(measurements, key=lambda one: one.at)
        good = next((one for one in reversed(by_time) if one.is_judged), None)
        newest = by_time[-1] if by_time else None
        condition = condition_at(now, measurements, limits) if limits else None
        return cls(probe_id, condition, good, None if newest is None or newest.is_judged else newest)


@dataclass(frozen=True, slots=True)
class PlaceNow:
    """A place as it stands now: the worst of its probes."""

    code: str
    name: str
    kind: PlaceKind
    limits: Limits
    condition: Condition
    probes: Sequence[ProbeNow]


PROFILES: Final[Mapping[str, Limits]] = MappingProxyType(
    {profile.profile: Limits.of(profile) for profile in newest(shipped())}
)

# Worst first: what cannot be known outranks what is known to be wrong.
_WORST_FIRST: Final = (
    Condition.SILENT,
    Condition.NEVER_SEEN,
    Condition.FAULT,
    Condition.TOO_COLD,
    Condition.TOO_WARM,
    Condition.IN_RANGE,
)
_CONDITIONS: Final = MappingProxyType(
    {Reach.ABOVE: Condition.TOO_WARM, Reach.WITHIN: Condition.IN_RANGE, Reach.BELOW: Condition.TOO_COLD}
)


def condition_at(now: datetime, measurements: Iterable[Measurement], limits: Limits) -> Condition:
    """Return how a probe's place is at ``now``, from any of the probe's measurements in any order.

    What is dated later than a clock may be ahead says nothing of now.
    """
    known = [one for one in measurements if not one.is_last_known]
    if not known:
        return Condition.NEVER_SEEN
    heard = [one for one in known if -MOST_CLOCK_AHEAD <= now - one.at <= limits.no_data_after]
    if not heard:
        return Condition.SILENT
    judged = [(one.at, one.milli_celsius) for one in heard if one.milli_celsius is not None and one.is_judged]
    return _CONDITIONS[limits.reach_of(max(judged)[1])] if judged else Condition.FAULT


def worst_of(conditions: Iterable[Condition]) -> Condition:
    """Return a place's condition from its probes'; a place without a probe was never seen."""
    return min(conditions, key=rank_of, default=Condition.NEVER_SEEN)


def worst_first(probes: Iterable[ProbeNow]) -> Sequence[ProbeNow]:
    """Return a place's probes, the one that somebody has to look at first."""
    return sorted(probes, key=lambda one: rank_of(one.condition or Condition.NEVER_SEEN))


def rank_of(condition: Condition) -> int:
    """Return how many conditions are worse."""
    return _WORST_FIRST.index(condition)


def is_judged(milli_celsius: int | None, fault: Fault | None) -> bool:
    """Tell whether a sample's value may be held against limits."""
    return milli_celsius is not None and not (fault and fault.spoils_the_value)


def event_time(measured_at: datetime | None, received_at: datetime) -> datetime:
    """Return when a sample counts as taken: as the probe says, unless it has no clock or one that runs ahead."""
    if measured_at is None or measured_at - received_at > MOST_CLOCK_AHEAD:
        return received_at
    return measured_at


def limits_of(profile: str) -> Limits:
    """Return a profile's limits, or raise ProfileUnknown."""
    if profile not in PROFILES:
        raise ProfileUnknown
    return PROFILES[profile]
