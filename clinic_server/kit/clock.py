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
    """A clock that runs ``speed`` times faster than the machine's from the moment it is made; for rehearsals."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._started_at = datetime.now(UTC)
        self._started_monotonic = system_time.monotonic()

    def now(self) -> datetime:
        return self._started_at + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (system_time.monotonic() - self._started_monotonic) * self._speed


def business_date(at: datetime, zone: ZoneInfo, day_starts_at: time) -> date:
    """Return the clinic day an instant belongs to; work after midnight still counts for the evening before."""
    local = at.astimezone(zone)
    if local.time() < day_starts_at:
        return local.date() - timedelta(days=1)
    return local.date()
