"""The only source of time. Rows hold aware UTC; waiting uses the monotonic reading."""

import time as system_time
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """What the program knows of time."""

    def now(self) -> datetime:
        """Return the aware UTC instant."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return system_time.monotonic()


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

    def resume_after(self, at: datetime) -> None:
        """Go on where an earlier rehearsal's clock had come to."""
        if at > self.now():
            self._begin(at)

    def _begin(self, at: datetime) -> None:
        self._began_at = at
        self._began_monotonic = system_time.monotonic()


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
