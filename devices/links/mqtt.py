"""mqtt://[user:password@]host:1883 — one paho client per connection, driven by the event loop: no thread that can die.

A link is one connection for its whole life. Receipts of an earlier link therefore cannot acknowledge a message of a
later one that happens to carry the same id, and reconnecting stays the supervisor's alone.
"""

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import Callable
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from devices.errors import AddressRefused, LinkLost, LinkUnavailable, NoAnswer
from devices.links.address import LinkAddress
from devices.links.message_inbox import UNACKNOWLEDGED_LIMIT, MessageInbox
from devices.links.port import ClosesOnExit, Message, Subscription

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 5.0
KEEPALIVE_S = 30
FAREWELL_S = 1.0
TICK_S = 1.0
CHUNK = 65_536
SESSION_EXPIRY_S: Final = 60 * 86_400  # the longest outage a probe's readings should survive
PACKET_LIMIT = 1 << 20
NO_SUBSCRIBERS: Final = 0x10
UNREADABLE_TOPIC: Final = "\ufffd"

log = logging.getLogger(__name__)


async def open_mqtt(address: LinkAddress, subscription: Subscription) -> "MqttLink":
    """Connect, resume the session and subscribe. Raises LinkUnavailable, SpecRefused."""
    address.refuse_other_queries("keepalive_s", "session_expiry_s")
    if not address.host:
        raise AddressRefused("an mqtt URL names its broker: mqtt://host:1883")
    link = MqttLink(address, subscription)
    try:
        await link.connect()
    except BaseException:
        await link.close()
        raise
    return link


class MqttLink(ClosesOnExit):
    """An open MQTT 5 connection with manual acknowledgement."""

    def __init__(self, address: LinkAddress, subscription: Subscription) -> None:
        self._address = address
        self._subscription = subscription
        self._loop = asyncio.get_running_loop()
        self._inbox = MessageInbox(self._acknowledge)
        self._answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._published: dict[int, asyncio.Future[ReasonCode]] = {}
        self._is_resumed = False
        self._tick: asyncio.TimerHandle | None = None
        self._watched: socket.socket | None = None
        self._client = self._new_client()

    async def next_message(self) -> Message:
        """See MessageLink."""
        return await self._inbox.next_message()

    async def connect(self) -> None:
        """Go from nothing to subscribed. Raises LinkUnavailable."""
        connecting = self._loop.run_in_executor(None, self._dial)
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(lambda _: self._hang_up())
            raise
        except OSError:
            raise LinkUnavailable("connection_refused") from None
        self._keep_alive()
        await self._accepted("connection_not_permitted")
        if self._is_resumed and self._subscription.former:
            self._answer = self._loop.create_future()
            self._client.unsubscribe(list(self._subscription.former))
            await self._accepted("unsubscription_not_permitted")
        self._answer = self._loop.create_future()
        self._client.subscribe(self._topics())
        await self._accepted("subscription_not_permitted")

    async def publish(self, topic: str, payload: bytes) -> str | None:
        """Publish with QoS 1; return None once the broker has it, or why it goes nowhere. Raises NoAnswer, LinkLost."""
        sent = self._client.publish(topic, payload, qos=1)
        answer = self._published[sent.mid] = self._loop.create_future()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                reason = await answer
        except TimeoutError:
            raise NoAnswer from None
        finally:
            del self._published[sent.mid]
        if reason.value == NO_SUBSCRIBERS:
            return "nobody_subscribes"
        return "publication_not_permitted" if reason.is_failure else None

    async def close(self) -> None:
        """See MessageLink."""
        await asyncio.sleep(0)  # receipts used until now are on their way through the loop, and count
        was_alive = self._inbox.loss is None
        self._inbox.lose("closed")
        try:
            if was_alive and self._watched is not None:
                await self._let_acknowledgements_arrive(self._watched)
        finally:
            self._hang_up()

    async def _let_acknowledgements_arrive(self, connection: socket.socket) -> None:
        """End our half and wait for the broker's: when it closes, it has read everything we sent.

        A DISCONNECT with a close at once would race the next connection: the broker may take the session over with
        acknowledgements still unread, and deliver those messages twice.
        """
        with contextlib.suppress(Exception):
            self._client.loop_write()
        self._unwatch()
        with contextlib.suppress(OSError, TimeoutError):
            connection.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(FAREWELL_S):
                while await self._loop.sock_recv(connection, CHUNK):
                    pass

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._subscription.client_id,
            protocol=MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self._address.username is not None:
            client.username_pw_set(self._address.username, self._address.password)
        client.on_connect = self._contained(self._on_connect)
        client.on_subscribe = self._contained(self._on_answer)
        client.on_unsubscribe = self._contained(self._on_answer)
        client.on_message = self._contained(self._on_message)
        client.on_publish = self._contained(self._on_publish)
        client.on_disconnect = self._contained(self._on_disconnect)
        client.on_socket_open = self._contained(self._on_socket_open)
        client.on_socket_close = self._contained(self._on_socket_close)
        client.on_socket_register_write = self._contained(self._on_write_wanted)
        client.on_socket_unregister_write = self._contained(self._on_write_done)
        return client

    def _dial(self) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it so
        expiry_s = self._address.whole_number("session_expiry_s", SESSION_EXPIRY_S, low=0, high=0xFFFF_FFFE)
        is_passing = self._subscription.passing
        properties.SessionExpiryInterval = 0 if is_passing else expiry_s
        properties.ReceiveMaximum = UNACKNOWLEDGED_LIMIT
        properties.MaximumPacketSize = PACKET_LIMIT
        keepalive_s = self._address.whole_number("keepalive_s", KEEPALIVE_S, low=5, high=600)
        port = self._address.port or 1883
        self._client.connect(self._address.host, port, keepalive_s, clean_start=is_passing, properties=properties)

    def _topics(self) -> list[tuple[str, SubscribeOptions]]:
        # An existing durable subscription is renewed without its retained values: they were readings once, not now.
        once = SubscribeOptions(qos=1, retainAsPublished=False, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        always = SubscribeOptions(qos=1, retainAsPublished=False)
        return [(topic, once) for topic in self._subscription.durable] + [
            (topic, always) for topic in self._subscription.state
        ]

    async def _accepted(self, refusal: str) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                reasons = await self._answer
        except TimeoutError:
            raise LinkUnavailable("broker_does_not_answer") from None
        if not reasons:
            raise LinkUnavailable(self._inbox.loss or "closed")
        if any(reason.is_failure for reason in reasons):
            raise LinkUnavailable(refusal)

    def _acknowledge(self, message_id: int) -> None:
        self._client.ack(message_id, qos=1)

    def _keep_alive(self) -> None:
        self._step(self._client.loop_misc)
        if self._inbox.loss is None:
            self._tick = self._loop.call_later(TICK_S, self._keep_alive)

    def _step(self, advance: Callable[[], Any]) -> None:
        try:
            advance()
        except Exception as error:  # noqa: BLE001 - a hostile packet may break paho anywhere; the link is then lost
            log.warning("mqtt connection given up: %s", type(error).__name__)
            self._lose("protocol_broken")
            self._hang_up()

    def _contained(self, callback: Callable[..., None]) -> Callable[..., None]:
        """Keep any mistake of ours from unwinding through paho: it would leave the client half dead."""

        @functools.wraps(callback)
        def call(_client: Client, _userdata: Any, *given: Any) -> None:
            try:
                callback(*given)
            except Exception as error:  # noqa: BLE001 - as the docstring says
                log.warning("mqtt callback failed: %s", type(error).__name__)
                self._loop.call_soon_threadsafe(self._lose, "callback_failed")

        return call

    def _lose(self, reason: str) -> None:
        self._inbox.lose(reason)
        if not self._answer.done():
            self._answer.set_result([])
        for answer in self._published.values():
            if not answer.done():
                answer.set_exception(LinkLost(self._inbox.loss or reason))

    def _hang_up(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        with contextlib.suppress(Exception):
            self._client.disconnect()
            self._client.loop_write()
        self._unwatch()
        connection = self._client.socket()
        if connection is not None:
            connection.close()

    def _on_connect(self, flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None) -> None:
        self._is_resumed = flags.session_present
        if not self._answer.done():
            self._answer.set_result([reason])

    def _on_answer(self, _mid: int, reasons: list[ReasonCode], _properties: Properties | None) -> None:
        if not self._answer.done():
            self._answer.set_result(reasons)

    def _on_publish(self, mid: int, reason: ReasonCode, _properties: Properties | None) -> None:
        answer = self._published.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(reason)

    def _on_message(self, message: MQTTMessage) -> None:
        message_id = message.mid if message.qos else None
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = UNREADABLE_TOPIC  # told as a dead letter; refusing it here would bring it again for ever
        self._inbox.arrive(topic, bytes(message.payload), retained=message.retain, message_id=message_id)

    def _on_disconnect(self, _flags: DisconnectFlags, _reason: ReasonCode, _properties: Properties | None) -> None:
        self._lose("disconnected")

    # paho calls the next four from the thread that dials as well as from the loop.

    def _on_socket_open(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.call_soon_threadsafe(self._step, functools.partial(self._watch, connection))

    def _on_socket_close(self, _connection: socket.socket) -> None:
        self._unwatch()

    def _on_write_wanted(self, _connection: socket.socket) -> None:
        self._loop.call_soon_threadsafe(self._step, self._watch_writing)

    def _on_write_done(self, _connection: socket.socket) -> None:
        if self._watched is not None:
            self._loop.remove_writer(self._watched)

    def _watch(self, connection: socket.socket) -> None:
        if self._client.socket() is connection:
            self._watched = connection
            self._loop.add_reader(connection, self._step, self._client.loop_read)

    def _watch_writing(self) -> None:
        if self._watched is not None and self._client.want_write():
            self._loop.add_writer(self._watched, self._step, self._client.loop_write)

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            self._loop.remove_reader(watched)
            self._loop.remove_writer(watched)
