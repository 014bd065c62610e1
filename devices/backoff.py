"""How long to wait before connecting again."""

from collections.abc import Callable
from typing import Final

SHORTEST_S: Final = 0.2
LONGEST_S: Final = 30.0
STABLE_AFTER_S: Final = 10.0


class Backoff:
    """Doubling waits from 0.2 s to 30 s, scattered by a quarter so that a whole site does not knock at once.

    A connection that stayed online for ten seconds starts over; one that fails at once does not, or two
    clients that take each other's place would fight five times a second.
    """

    def __init__(self, scatter: Callable[[], float]) -> None:
        self._scatter = scatter
        self._failures = 0

    def next_wait_s(self, was_online_s: float) -> float:
        """Return the wait after a connection that was online for so long; `scatter` gives 0 <= x < 1."""
        if was_online_s >= STABLE_AFTER_S:
            self._failures = 0
        doubled = SHORTEST_S * 2.0 ** min(self._failures, 16)
        self._failures += 1
        return min(LONGEST_S, max(SHORTEST_S, doubled * (0.75 + 0.5 * self._scatter())))
