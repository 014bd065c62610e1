"""The yardstick of the readings: a bare subscriber that is sent the same messages and does nothing with them."""

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.peers import mosquitto

WITHIN_S = 120.0
LOOK_S = 0.1
MOST_IN_FLIGHT = 65_535
_TOPIC = "bare/reading"


def caught_up(payloads: Sequence[bytes]) -> float:
    """Let a broker keep messages of quality 1 for an absent subscriber; return the seconds until it has all of them."""
    with mosquitto() as url:
        subscriber, subscribed, heard = _client("subscriber"), list[int](), set[bytes]()
        subscriber.on_subscribe = lambda *_: subscribed.append(1)
        subscriber.on_message = lambda _client, _told, message: heard.add(message.payload)
        _connect(subscriber, url)
        subscriber.subscribe(_TOPIC, qos=1)
        _serve(subscriber, lambda: bool(subscribed), "the subscription")
        subscriber.disconnect()
        _publish(url, payloads)
        begun_at = time.perf_counter()
        _connect(subscriber, url)
        _serve(subscriber, lambda: len(heard) == len(payloads), f"{len(payloads)} messages")
        took_s = time.perf_counter() - begun_at
        subscriber.disconnect()
        return took_s


def _publish(url: str, payloads: Sequence[bytes]) -> None:
    publisher = _client("publisher")
    _connect(publisher, url)
    sent = [publisher.publish(_TOPIC, payload, qos=1) for payload in payloads]
    _serve(publisher, lambda: all(one.is_published() for one in reversed(sent)), "the broker has the messages")
    publisher.disconnect()


def _client(name: str) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5)
    client.max_inflight_messages_set(MOST_IN_FLIGHT)
    return client


def _connect(client: Client, url: str) -> None:
    kept = Properties(PacketTypes.CONNECT)
    kept.SessionExpiryInterval = int(WITHIN_S)
    parts = urlsplit(url)
    client.connect(parts.hostname or "", parts.port or 1883, clean_start=False, properties=kept)
    _serve(client, client.is_connected, "the broker's answer")


def _serve(client: Client, is_done: Callable[[], bool], awaited: str) -> None:
    """Let the client work until something is so; nothing else runs in between, and no other thread."""
    deadline = time.monotonic() + WITHIN_S
    while not is_done():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain: {awaited}")
        client.loop(LOOK_S)
