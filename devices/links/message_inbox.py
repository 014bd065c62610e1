"""Messages that arrived and were not taken yet, with their receipts; shared by every message link."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from devices.errors import LinkLost
from devices.links.ack_order import AckOrder
from devices.links.port import Message
from devices.receipts import Receipt

# A broker that is killed forgets these: mosquitto saves what it queues, not what is under way. Own probes repeat the
# last 16 they sent, so it must be fewer; one more may be confirmed and not saved yet.
UNACKNOWLEDGED_LIMIT = 10
UNQUEUED_LIMIT = 1000


class MessageInbox:
    """One connection's messages. Used on the event loop; only the receipts it gives out may be used from any thread.

    Messages the broker keeps are bounded by its Receive Maximum. Those it does not keep (QoS 0) are dropped when
    nobody takes them, newest first, and counted: they may be lost on the way as well.
    """

    def __init__(self, acknowledge: Callable[[int], None]) -> None:
        self._messages: deque[Message] = deque()
        self._order = AckOrder(acknowledge)
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loss: str | None = None
        self.dropped = 0

    @property
    def loss(self) -> str | None:
        """Why the connection ended, or None while it lives."""
        return self._loss

    def arrive(self, topic: str, payload: bytes, *, retained: bool, message_id: int | None) -> None:
        """Take a message; `message_id` is None when the sender keeps nothing."""
        if message_id is None and len(self._messages) >= UNQUEUED_LIMIT:
            self.dropped += 1
            return
        self._messages.append(Message(topic, payload, retained, self._receipt_for(message_id)))
        self._arrived.set()

    def lose(self, reason: str) -> None:
        """End the connection. Untaken messages are forgotten: the broker has them."""
        if self._loss is None:
            self._loss = reason
        self._messages.clear()
        self._arrived.set()

    async def next_message(self) -> Message:
        """See MessageLink."""
        while not self._messages:
            if self._loss is not None:
                raise LinkLost(self._loss)
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()

    def _receipt_for(self, message_id: int | None) -> Receipt:
        if message_id is None:
            return Receipt.for_perishable()
        self._order.delivered(message_id)

        def settle(stored: bool) -> None:
            # RuntimeError: the event loop has closed, and the connection with it.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle, message_id, stored)

        return Receipt(settle)

    def _settle(self, message_id: int, stored: bool) -> None:
        if self._loss is not None:
            return
        if stored:
            self._order.stored(message_id)
        else:
            self.lose("delivery_declined")
