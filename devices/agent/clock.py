"""The server's time on a desk PC whose own clock may be anything; the machine's clock is never set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

WORST_ROUND_TRIP_S: Final = 2.0


def _own_now() -> datetime:
    return datetime.now(UTC)


class ServerClock:
    """UTC as the server tells it, carried on by the monotonic clock; the machine's own until it was told."""

    def __init__(
        self, own_now: Callable[[], datetime] = _own_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._own_now = own_now
        self.monotonic = monotonic
        self._told: tuple[datetime, float] | None = None

    def utc_now(self) -> datetime:
        """Return aware UTC."""
        if self._told is None:
            return self._own_now()
        told_at, told_at_s = self._told
        return told_at + timedelta(seconds=self.monotonic() - told_at_s)

    def learn(self, server_now: datetime, asked_at_s: float) -> None:
        """Take the server's time from an answer just come: it was read half a round trip ago.

        An answer that took long says little; it is taken only while there is nothing better.
        """
        now_s = self.monotonic()
        round_trip_s = now_s - asked_at_s
        if self._told is None or round_trip_s <= WORST_ROUND_TRIP_S:
            self._told = (server_now + timedelta(seconds=round_trip_s / 2), now_s)

    @property
    def offset_ms(self) -> int:
        """How far this machine's clock is behind the server's."""
        return round((self.utc_now() - self._own_now()) / timedelta(milliseconds=1)) if self._told else 0
