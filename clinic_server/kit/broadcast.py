"""Signals from committed journal lines to the pages that are open."""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clinic_server.kit.tx import Signal

RESYNC = "resync"
_MOST_WAITING = 64


@dataclass(frozen=True, slots=True)
class Change:
    """One topic changed at journal line ``seq``; the topic ``resync`` means look at everything again."""

    seq: int
    topic: str


class Subscription:
    """One open page's queue of changes; it is bounded, and a page too slow for it starts afresh."""

    def __init__(self, topics: frozenset[str]) -> None:
        self._topics = topics
        self._changes: asyncio.Queue[Change | None] = asyncio.Queue(_MOST_WAITING)

    def offer(self, signal: Signal) -> None:
        """Queue what this page asked for."""
        for topic in signal.topics & self._topics:
            if self._changes.full():
                self._start_afresh(signal.seq)
                return
            self._changes.put_nowait(Change(signal.seq, topic))

    def close(self) -> None:
        """End the stream at once, whatever is still queued."""
        while not self._changes.empty():
            self._changes.get_nowait()
        self._changes.put_nowait(None)

    async def next(self, within_s: float) -> Change | None:
        """Return the next change, or None when the server is stopping; TimeoutError when none came."""
        async with asyncio.timeout(within_s):
            return await self._changes.get()

    def forget(self) -> None:
        """Drop the changes that wait: whoever is about to look at everything needs none of them."""
        waiting = [self._changes.get_nowait() for _ in range(self._changes.qsize())]
        if None in waiting:
            self._changes.put_nowait(None)

    def _start_afresh(self, seq: int) -> None:
        while not self._changes.empty():
            self._changes.get_nowait()
        self._changes.put_nowait(Change(seq, RESYNC))


class Broadcaster:
    """Hands signals to every subscription; lives on the event loop's thread."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._subscriptions)

    def publish(self, signals: Iterable[Signal]) -> None:
        """Tell every open page, in journal order."""
        for signal in signals:
            for subscription in self._subscriptions:
                subscription.offer(signal)

    @contextmanager
    def open(self, topics: frozenset[str]) -> Iterator[Subscription]:
        """Yield a page's subscription; from here on it misses nothing."""
        subscription = Subscription(topics)
        self._subscriptions.add(subscription)
        if self._closed:
            subscription.close()
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()
