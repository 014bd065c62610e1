"""The three ports of a device: a line of bytes, a subscription to messages, and a slot for chip cards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from devices.receipts import Receipt


class Link(Protocol):
    """A line of bytes. Used as `async with`, so that every way out, cancellation included, closes it.

    One that cannot be read is silent for ever; it is lost like any other.
    """

    @property
    def can_be_read(self) -> bool:
        """Whether the other end can say anything."""

    async def read(self, max_bytes: int, timeout_s: float | None = None) -> bytes:
        """Return 1..max_bytes bytes, or none after `timeout_s` of silence (None waits for ever). Raises LinkLost."""

    async def write(self, payload: bytes) -> None:
        """Send all of it. Raises LinkLost."""

    async def close(self) -> None:
        """Let go of the port; twice does no harm."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a message link listens to.

    `durable` topics are queued by the broker while we are away; their retained value comes once, when the
    subscription is made. `state` topics give their retained value at every connection. `former` topics may have been
    asked for by an earlier setting and are given back: the broker would go on queueing them. A `passing` subscription
    begins anew and leaves nothing behind.
    """

    client_id: str
    durable: Sequence[str]
    state: Sequence[str] = ()
    former: Sequence[str] = ()
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came; the broker keeps it until the receipt is acknowledged (if it was sent with QoS 1)."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    receipt: Receipt = field(compare=False, repr=False)


class MessageLink(Protocol):
    """A subscription that is open. Used as `async with`, like Link."""

    async def next_message(self) -> Message:
        """Wait for the next message, in the broker's order. Raises LinkLost."""

    async def close(self) -> None:
        """Disconnect and keep the session at the broker; twice does no harm."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Card(Protocol):
    """One insertion of a chip card. Used as `async with`, so that every way out lets go of the card."""

    atr: bytes

    async def transmit(self, apdu: bytes) -> bytes:
        """Return the card's answer with its status word. Raises CardUnusable, NoAnswer, LinkLost."""

    async def close(self) -> None:
        """Let go of the card; twice does no harm."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class CardLink(Protocol):
    """A reader of chip cards that is open. Used as `async with`, like Link."""

    reader: str

    async def next_card(self) -> Card:
        """Wait for a card that was not handed out yet: each insertion is one, the same card's too. Raises LinkLost."""

    async def close(self) -> None:
        """Let go of the reader; twice does no harm."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class ClosesOnExit:
    """The `async with` half of all ports."""

    can_be_read = True

    async def close(self) -> None:
        """Let go of the port."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
