"""memory://name as a message link: a broker in the process, for a site or a demo without mosquitto."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from threading import Lock

from devices.errors import LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.message_inbox import UNACKNOWLEDGED_LIMIT, MessageInbox
from devices.links.port import ClosesOnExit, Message, Subscription


def topic_matches(pattern: str, topic: str) -> bool:
    """Return whether a topic is meant by an MQTT filter with `+` and `#`."""
    wanted, given = pattern.split("/"), topic.split("/")
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(given) or level not in ("+", given[position]):
            return False
    return len(wanted) == len(given)


@dataclass(slots=True)
class _Kept:
    message_id: int
    topic: str
    payload: bytes
    retained: bool = False


@dataclass(slots=True)
class _ClientSession:
    durable: frozenset[str] = frozenset()
    queued: deque[_Kept] = field(default_factory=deque)
    unacknowledged: dict[int, _Kept] = field(default_factory=dict)
    link: "MemoryMessageLink | None" = None
    is_passing: bool = False


class MemoryBroker:
    """Keeps sessions, retained values and unacknowledged messages as an MQTT broker does; thread-safe."""

    _running: "dict[str, MemoryBroker]" = {}  # noqa: RUF012 - the one list of names, as ports are
    _list_lock = Lock()

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = Lock()
        self._sessions: dict[str, _ClientSession] = {}
        self._retained: dict[str, bytes] = {}
        self._ids = count(1)
        self._starts = 0

    @property
    def url(self) -> str:
        """Where subscribers open it."""
        return f"memory://{self.name}"

    def start(self) -> None:
        """Let subscribers in."""
        with self._list_lock:
            if self._running.setdefault(self.name, self) is not self:
                raise ValueError(f"memory://{self.name} is running already")
            self._starts += 1

    def stop(self) -> None:
        """Drop every subscriber and let none in; sessions are kept for the next start."""
        with self._list_lock:
            if self._running.get(self.name) is self:
                del self._running[self.name]
        with self._lock:
            links = [session.link for session in self._sessions.values() if session.link is not None]
        for link in links:
            self.release(link)
            link.lose_threadsafe("broker_stopped")

    @classmethod
    def stamp(cls, name: str) -> object | None:
        """Return what one start of a broker is told from the next by, or None while it is stopped."""
        with cls._list_lock:
            broker = cls._running.get(name)
            return None if broker is None else (id(broker), broker._starts)  # noqa: SLF001 - our own

    @classmethod
    def named(cls, name: str) -> "MemoryBroker":
        """Return a running broker. Raises LinkUnavailable."""
        with cls._list_lock:
            broker = cls._running.get(name)
        if broker is None:
            raise LinkUnavailable("no_such_broker")
        return broker

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1, from any thread."""
        with self._lock:
            if retain:
                self._retained[topic] = payload
            for session in self._sessions.values():
                if any(topic_matches(pattern, topic) for pattern in session.durable):
                    session.queued.append(_Kept(next(self._ids), topic, payload))
                    self._push(session)

    def subscribe(self, link: "MemoryMessageLink", subscription: Subscription) -> None:
        """Resume or begin the client's session: unacknowledged messages first, then what was queued."""
        with self._lock:
            session = self._sessions.setdefault(subscription.client_id, _ClientSession())
            previous, session.link = session.link, link
            session.is_passing = subscription.passing
            session.queued.extendleft(reversed(session.unacknowledged.values()))
            session.unacknowledged.clear()
            news = frozenset(subscription.durable) - session.durable
            session.durable = frozenset(subscription.durable) | frozenset(subscription.state)
            for topic, payload in self._retained.items():
                if any(topic_matches(pattern, topic) for pattern in (*news, *subscription.state)):
                    session.queued.append(_Kept(next(self._ids), topic, payload, retained=True))
            self._push(session)
        if previous is not None:
            previous.lose_threadsafe("session_taken_over")

    def acknowledge(self, link: "MemoryMessageLink", message_id: int) -> None:
        """Forget a message the subscriber has stored."""
        with self._lock:
            for session in self._sessions.values():
                if session.link is link:
                    session.unacknowledged.pop(message_id, None)
                    self._push(session)

    def release(self, link: "MemoryMessageLink") -> None:
        """Note that a subscriber went; its messages wait."""
        with self._lock:
            for client_id, session in list(self._sessions.items()):
                if session.link is link:
                    session.link = None
                    if session.is_passing:
                        del self._sessions[client_id]

    def _push(self, session: _ClientSession) -> None:
        while session.link is not None and session.queued and len(session.unacknowledged) < UNACKNOWLEDGED_LIMIT:
            kept = session.queued.popleft()
            session.unacknowledged[kept.message_id] = kept
            session.link.arrive_threadsafe(kept.topic, kept.payload, kept.message_id, retained=kept.retained)


class MemoryMessageLink(ClosesOnExit):
    """One subscriber of a MemoryBroker."""

    def __init__(self, broker: MemoryBroker, subscription: Subscription) -> None:
        self._broker = broker
        self._inbox = MessageInbox(self._acknowledge)
        self._loop = asyncio.get_running_loop()
        broker.subscribe(self, subscription)

    async def next_message(self) -> Message:
        """See MessageLink."""
        return await self._inbox.next_message()

    async def close(self) -> None:
        """See MessageLink."""
        await asyncio.sleep(0)  # receipts used until now are on their way through the loop, and count
        self._broker.release(self)
        self._inbox.lose("closed")

    def arrive_threadsafe(self, topic: str, payload: bytes, message_id: int, *, retained: bool) -> None:
        """Take a message from the broker, from any thread."""

        def arrive() -> None:
            self._inbox.arrive(topic, payload, retained=retained, message_id=message_id)

        self._loop.call_soon_threadsafe(arrive)

    def lose_threadsafe(self, reason: str) -> None:
        """End the subscription, from any thread."""
        self._loop.call_soon_threadsafe(self._inbox.lose, reason)

    def _acknowledge(self, message_id: int) -> None:
        self._broker.acknowledge(self, message_id)


async def open_memory_messages(address: LinkAddress, subscription: Subscription) -> MemoryMessageLink:
    """Subscribe to a running MemoryBroker. Raises LinkUnavailable."""
    address.refuse_other_queries()
    return MemoryMessageLink(MemoryBroker.named(address.host), subscription)
