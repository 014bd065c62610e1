"""The only source of time. Rows hold aware UTC; waiting uses the monotonic reading."""

import time as system_time
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4
from zoneinfo import ZoneInfo

REHEARSED: Final = "rehearsal"  # what the steady seconds of clocks count from that nobody sets
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_SINCE_BOOT = getattr(system_time, "CLOCK_BOOTTIME", system_time.CLOCK_MONOTONIC)  # the former runs while it sleeps


class Clock(Protocol):
    """What the program knows of time."""

    def now(self) -> datetime:
        """Return the aware UTC instant."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...

    def steady(self) -> float:
        """Return the seconds since ``start``, which pass evenly whatever the wall clock is set to."""
        ...

    @property
    def start(self) -> str:
        """Name what the steady seconds count from; it is another one once the machine was started again."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return system_time.monotonic()

    def steady(self) -> float:
        return system_time.clock_gettime(_SINCE_BOOT)

    @property
    def start(self) -> str:
        return _boot_id()


class FastClock:
    """A wall clock that runs ``speed`` times faster than the machine's; for rehearsals. Waiting takes its real time.

    Every clock with the same ``since`` shows the same time, also one of another process.
    """

    def __init__(self, speed: float, since: datetime | None = None) -> None:
        now = datetime.now(UTC)
        self._speed = speed
        self._begin(now if since is None else since + (now - since) * speed)

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=(self.monotonic() - self._began_monotonic) * self._speed)

    def monotonic(self) -> float:
        return system_time.monotonic()

    def steady(self) -> float:
        return self.now().timestamp()

    @property
    def start(self) -> str:
        return REHEARSED

    def resume_after(self, at: datetime) -> None:
        """Go on where an earlier rehearsal's clock had come to."""
        if at > self.now():
            self._begin(at)

    def _begin(self, at: datetime) -> None:
        self._began_at = at
        self._began_monotonic = system_time.monotonic()


@cache
def _boot_id() -> str:
    """Name this run of the machine; where the system gives it no name, every start of the program is a new one."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid4())


def business_date(at: datetime, zone: ZoneInfo, day_starts_at: time) -> date:
    """Return the clinic day an instant belongs to; work after midnight still counts for the evening before."""
    local = at.astimezone(zone)
    if local.time() < day_starts_at:
        return local.date() - timedelta(days=1)
    return local.date()


def business_date_starts(on: date, zone: ZoneInfo, day_starts_at: time) -> datetime:
    """Return the UTC instant at which a clinic day begins."""
    return datetime.combine(on, day_starts_at, zone).astimezone(UTC)


def business_date_ends(on: date, zone: ZoneInfo, day_starts_at: time) -> datetime:
    """Return the UTC instant at which a clinic day is over."""
    return business_date_starts(on + timedelta(days=1), zone, day_starts_at)


def date_ends(on: date, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which a calendar date is over at a place."""
    return datetime.combine(on + timedelta(days=1), time(), zone).astimezone(UTC)
