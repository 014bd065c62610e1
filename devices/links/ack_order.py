"""Acknowledgements in the order of arrival, whatever the order of the commits (MQTT-4.6.0-2)."""

from collections import deque
from collections.abc import Callable


class AckOrder:
    """One connection's deliveries. A stale receipt is answered by an object nobody listens to any more."""

    def __init__(self, acknowledge: Callable[[int], None]) -> None:
        self._acknowledge = acknowledge
        self._waiting: deque[int] = deque()
        self._stored: set[int] = set()

    def delivered(self, message_id: int) -> None:
        """Note a message on its way to the server."""
        self._waiting.append(message_id)

    def stored(self, message_id: int) -> None:
        """Note a commit and acknowledge everything up to the first message that still waits."""
        self._stored.add(message_id)
        while self._waiting and self._waiting[0] in self._stored:
            first = self._waiting.popleft()
            self._stored.remove(first)
            self._acknowledge(first)
