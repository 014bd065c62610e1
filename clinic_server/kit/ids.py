"""UUIDv7 keys: time-ordered, so that indexes grow at their right edge (RFC 9562, section 5.7)."""

import secrets
import threading
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from clinic_server.kit.clock import Clock

_COUNTER_BITS = 42
_TAIL_BITS = 32


class Ids:
    """Makes UUIDv7 values that strictly increase within the process, even when the clock steps back."""

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock = clock
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._last_ms = 0
        self._counter = 0

    def new(self) -> UUID:
        """Return the next key."""
        with self._lock:
            now_ms = int(self._clock.now().timestamp() * 1000)
            if now_ms > self._last_ms:
                self._last_ms = now_ms
                self._counter = self._random_bits(_COUNTER_BITS - 1)
            else:
                self._counter += 1
            return _layout(self._last_ms, self._counter, self._random_bits(_TAIL_BITS))


def least_key_of(at: datetime) -> UUID:
    """Return the least key that could be made at an instant: keys made later are greater."""
    return _layout(int(at.timestamp() * 1000), 0, 0)


def _layout(unix_ms: int, counter: int, tail: int) -> UUID:
    """Place 48 bits of time, version 7, 42 bits of counter around the variant, and 32 random bits."""
    high_counter, low_counter = counter >> 30, counter & ((1 << 30) - 1)
    value = (unix_ms << 80) | (0x7 << 76) | (high_counter << 64) | (0b10 << 62) | (low_counter << _TAIL_BITS) | tail
    return UUID(int=value)
