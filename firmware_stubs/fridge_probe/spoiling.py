"""A publisher whose next message can be lost, garbled, late or cut, or the probe pulled out in its middle."""

from collections import deque
from collections.abc import Callable
from threading import Timer

from firmware_stubs.faults import LATE_S, Fault, spoilt
from firmware_stubs.fridge_probe.publishers import IsConfirmed, Publisher


def _gone() -> bool:
    return True


class SpoilingPublisher(Publisher):
    """Stands between a probe and its broker, with a connection of its own at every start.

    `unplug(abrupt)` is what takes the probe away. A probe never learns what befell its message: it counts as sent.
    """

    def __init__(self, connect: Callable[[], Publisher], unplug: Callable[[bool], None]) -> None:
        super().__init__()
        self._connect = connect
        self._unplug = unplug
        self._publisher: Publisher | None = None
        self._next_faults: deque[Fault] = deque()

    def spoil_next(self, fault: Fault) -> None:
        """Let a fault befall the next message that is no status; several befall one each, in order."""
        self._next_faults.append(fault)

    def start(self, will_topic: str, will: bytes) -> None:
        """See Publisher."""
        self._publisher = self._connect()
        self._publisher.when_connected(self._connected)
        self._publisher.start(will_topic, will)

    def stop(self, *, abrupt: bool = False) -> None:
        """See Publisher."""
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            publisher.stop(abrupt=abrupt)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> IsConfirmed:
        """See Publisher."""
        publisher = self._publisher
        if publisher is None:
            return lambda: False
        if retain or not self._next_faults:
            return publisher.publish(topic, payload, retain=retain)
        fault = self._next_faults.popleft()
        if fault is Fault.DELAY:
            _later(LATE_S, lambda: publisher.publish(topic, payload))
        elif left := spoilt(payload, fault):
            publisher.publish(topic, left)
        if fault in {Fault.UNPLUG, Fault.PULL_OUT}:
            # Not from here: the probe holds its lock while it sends, and stopping waits for the client's thread.
            _later(0, lambda: self._unplug(fault is Fault.PULL_OUT))
        return _gone


def _later(seconds: float, do: Callable[[], object]) -> None:
    timer = Timer(seconds, do)
    timer.daemon = True
    timer.start()
