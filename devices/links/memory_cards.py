"""memory://name — a chip card reader without hardware or service, for simulated devices and tests."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from devices.errors import CardUnusable, LinkLost, LinkUnavailable
from devices.links.address import LinkAddress
from devices.links.port import ClosesOnExit


@dataclass(frozen=True, eq=False)
class CardInMemory:
    """One insertion of a card that is only a program."""

    atr: bytes = field(repr=False)
    answer: Callable[[bytes], bytes] = field(repr=False)


class MemoryCardReader:
    """The reader's own end. While it is plugged in, `memory://name` is opened by one user at a time; thread-safe."""

    _plugged: "dict[str, MemoryCardReader]" = {}  # noqa: RUF012 - the one list of names, as a service keeps it
    _lock = Lock()

    def __init__(self, name: str) -> None:
        self.name = name
        self._link: MemoryCardLink | None = None
        self._card: CardInMemory | None = None

    @property
    def url(self) -> str:
        """Where the reader is opened."""
        return f"memory://{self.name}"

    def plug_in(self) -> None:
        """Make the name known."""
        with self._lock:
            if self._plugged.setdefault(self.name, self) is not self:
                raise ValueError(f"memory://{self.name} is plugged in already")

    def unplug(self) -> None:
        """Take the name away; whoever uses the reader loses it."""
        with self._lock:
            if self._plugged.get(self.name) is self:
                del self._plugged[self.name]
            link, self._link = self._link, None
        if link is not None:
            link.tell_threadsafe(lambda: link.lose("unplugged"))

    def insert(self, atr: bytes, answer: Callable[[bytes], bytes]) -> None:
        """Put a card in, instead of the one that is there."""
        self._card = CardInMemory(atr, answer)
        self._show()

    def pull(self) -> None:
        """Take the card out, whatever is being asked of it."""
        self._card = None
        self._show()

    def holds(self, card: CardInMemory) -> bool:
        """Whether this insertion is the one that is in."""
        return self._card is card

    @classmethod
    def named(cls, name: str) -> "MemoryCardReader":
        """Return a reader that is plugged in. Raises LinkUnavailable."""
        with cls._lock:
            reader = cls._plugged.get(name)
        if reader is None:
            raise LinkUnavailable("no_such_reader")
        return reader

    def take(self, link: "MemoryCardLink") -> None:
        """Give the reader to its only user, with the card that is in it. Raises LinkUnavailable."""
        with self._lock:
            if self._link is not None:
                raise LinkUnavailable("port_taken")
            self._link = link
        self._show()

    def release(self, link: "MemoryCardLink") -> None:
        """Let the next user in."""
        with self._lock:
            if self._link is link:
                self._link = None

    def _show(self) -> None:
        link, card = self._link, self._card
        if link is not None:
            link.tell_threadsafe(lambda: link.show(card))


class MemoryCardLink(ClosesOnExit):
    """The user's end."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: CardInMemory | None = None
        self._loss: str | None = None
        self._news = asyncio.Event()
        self._reader = MemoryCardReader.named(name)
        self._reader.take(self)
        self.reader = name

    async def next_card(self) -> "MemoryCard":
        """See CardLink."""
        while self._loss is None:
            card, self._waiting = self._waiting, None
            if card is not None:
                return MemoryCard(self._reader, card)
            self._news.clear()
            await self._news.wait()
        raise LinkLost(self._loss)

    async def close(self) -> None:
        """See CardLink."""
        self.lose("closed")
        self._reader.release(self)

    def show(self, card: CardInMemory | None) -> None:
        """Take note of what is in the reader now."""
        self._waiting = card
        self._news.set()

    def lose(self, reason: str) -> None:
        """End the use of the reader."""
        self._loss = self._loss or reason
        self._news.set()

    def tell_threadsafe(self, what: Callable[[], None]) -> None:
        """Hand something on to the event loop, from any thread."""
        with suppress(RuntimeError):  # it closed first, nobody is left to tell
            self._loop.call_soon_threadsafe(what)


class MemoryCard(ClosesOnExit):
    """One insertion, as its user holds it."""

    def __init__(self, reader: MemoryCardReader, card: CardInMemory) -> None:
        self.atr = card.atr
        self._reader = reader
        self._card = card

    async def transmit(self, apdu: bytes) -> bytes:
        """See Card."""
        await asyncio.sleep(0)
        answer = self._card.answer(apdu) if self._reader.holds(self._card) else b""
        if len(answer) < 2 or not self._reader.holds(self._card):  # noqa: PLR2004 - the status word
            raise CardUnusable("card_pulled")
        return answer

    async def close(self) -> None:
        """See Card."""


async def open_memory_cards(address: LinkAddress) -> MemoryCardLink:
    """Take a reader that is plugged in. Raises LinkUnavailable."""
    address.refuse_other_queries()
    return MemoryCardLink(address.host)
