"""How a stub probe reaches its broker: a real MQTT client, or the broker in the process."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from devices.errors import LinkUnavailable
from devices.links.memory_broker import MemoryBroker

Nothing = Callable[[], None]
IsConfirmed = Callable[[], bool]


def _never() -> bool:
    return False


class Publisher(ABC):
    """Publishes with QoS 1."""

    def __init__(self) -> None:
        self._connected: Nothing = lambda: None

    def when_connected(self, connected: Nothing) -> None:
        """Name what is called at every connection."""
        self._connected = connected

    @abstractmethod
    def start(self, will_topic: str, will: bytes) -> None:
        """Connect, and connect again whenever the connection is lost."""

    @abstractmethod
    def stop(self, *, abrupt: bool = False) -> None:
        """Say goodbye, or vanish so that the will is sent."""

    @abstractmethod
    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> IsConfirmed:
        """Publish and return a question: has the broker taken it? Without a connection nothing is sent."""


class MqttPublisher(Publisher):
    """A paho client on its own thread."""

    def __init__(self, url: str, client_id: str) -> None:
        super().__init__()
        self._url = urlsplit(url)
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5)
        self._client.on_connect = self._on_connect

    def start(self, will_topic: str, will: bytes) -> None:
        """See Publisher."""
        if self._url.username is not None:
            self._client.username_pw_set(self._url.username, self._url.password)
        self._client.will_set(will_topic, will, qos=1, retain=True)
        self._client.reconnect_delay_set(1, 5)
        self._client.connect_async(self._url.hostname or "127.0.0.1", self._url.port or 1883, keepalive=30)
        self._client.loop_start()

    def stop(self, *, abrupt: bool = False) -> None:
        """See Publisher."""
        connection = self._client.socket()
        if abrupt and connection is not None:
            with contextlib.suppress(OSError):
                connection.close()
        else:
            self._client.disconnect()
        self._client.loop_stop()
        # Without this cycle the client is freed with us, and with it the sockets paho closes only then.
        self._client.on_connect = None

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> IsConfirmed:
        """See Publisher."""
        if not self._client.is_connected():
            return _never
        sent = self._client.publish(topic, payload, qos=1, retain=retain)

        def is_confirmed() -> bool:
            # paho raises when the connection went while the message was handed to it.
            with contextlib.suppress(RuntimeError, ValueError):
                return sent.is_published()
            return False

        return is_confirmed

    def _on_connect(self, *_: Any) -> None:
        self._connected()


class MemoryPublisher(Publisher):
    """Publishes to a MemoryBroker of this process."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._will = ("", b"")

    def start(self, will_topic: str, will: bytes) -> None:
        """See Publisher."""
        self._will = (will_topic, will)
        self._connected()

    def stop(self, *, abrupt: bool = False) -> None:
        """See Publisher."""
        if abrupt:
            topic, will = self._will
            self.publish(topic, will, retain=True)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> IsConfirmed:
        """See Publisher."""
        try:
            broker = MemoryBroker.named(self._name)
        except LinkUnavailable:
            return _never
        broker.publish(topic, payload, retain=retain)
        return lambda: True


def publisher_for(url: str, client_id: str) -> Publisher:
    """Return the publisher of a broker's URL: mqtt://host:port or memory://name."""
    parts = urlsplit(url)
    return MemoryPublisher(parts.netloc) if parts.scheme == "memory" else MqttPublisher(url, client_id)
