"""The one thread that speaks PC/SC: it watches every reader in use, and carries the questions put to their cards.

It lives from the first reader that is opened to the last that is closed. When the service fails, all readers are lost
and the thread ends; whoever connects again starts the next one. Nothing here is retried.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from devices.errors import CardUnusable, LinkLost, LinkUnavailable
from devices.links import winscard
from devices.links.winscard import PNP, UNAWARE, Context, PcscFailure, Slot

T = TypeVar("T")

WATCH_MS: Final = 1000  # a wake-up that came a moment too early costs this much
LINGER_S: Final = 0.05  # while a card is being read, for its next question
TURN_S: Final = 0.5  # then the other readers are looked at
SERVICE_DOWN: Final = "pcsc_service_down"
SERVICE_FAULTS: Final = frozenset({winscard.NO_SERVICE, winscard.SERVICE_STOPPED})
CARD_FAULTS: Final = {
    winscard.UNRESPONSIVE: "card_mute",
    winscard.UNPOWERED: "card_mute",
    winscard.SHARING_VIOLATION: "card_in_use",
}
PULLED: Final = "card_pulled"


class ReaderUser(Protocol):
    """Who uses readers. Each of these is called from the thread and returns at once."""

    def wants(self, reader: str) -> bool:
        """Whether a reader of this name is meant."""

    def opened(self, readers: list[str]) -> None:
        """These readers are there and are the user's own; later ones come without a word."""

    def lost(self, reason: str) -> None:
        """The readers are gone, or never were: the last that is said."""

    def inserted(self, card: "HeldCard") -> None:
        """A card was put in; it stays connected until it is let go."""

    def removed(self, card: "HeldCard") -> None:
        """The card is out."""


@dataclass(frozen=True, eq=False)
class HeldCard:
    """A card in a reader: its handle and protocol, or the reason why it cannot be spoken to."""

    reader: str
    user: ReaderUser
    atr: bytes = field(repr=False)
    connection: tuple[int, int] | None
    fault: str = ""


class PcscThread:
    """See the module. What is public is thread-safe; the rest belongs to the thread."""

    def __init__(self, first: ReaderUser) -> None:
        self._lock = threading.Lock()
        self._users = [first]
        self._loss: str | None = None
        self._context: Context | None = None
        self._context_lock = threading.Lock()  # apart: a service that hangs must not hold up those who leave
        self._owners: dict[str, ReaderUser] = {}
        self._states: dict[str, int] = {PNP: UNAWARE}
        self._held: list[HeldCard] = []
        self._questions: queue.SimpleQueue[Callable[[Context | None], None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="pcsc", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread has not ended, even if it should."""
        return self._thread.is_alive()

    def join(self, user: ReaderUser) -> bool:
        """Take a user on; False when the thread is ending and another must be started."""
        with self._lock:
            if self._loss is None:
                self._users.append(user)
            return self._loss is None

    def leave(self, user: ReaderUser) -> None:
        """Let a user go, with readers and cards; after the last one the thread ends."""
        with self._lock:
            if user in self._users:
                self._users.remove(user)

    def nudge(self) -> None:
        """Wake the thread if it waits. May block as long as the service does."""
        with self._context_lock:
            if self._context is not None:
                self._context.cancel()

    def finish(self, within_s: float) -> bool:
        """Wait until the thread has ended, waking it; whether it has, or somebody uses it again."""
        deadline = time.monotonic() + within_s
        while self.is_alive and not self._users and time.monotonic() < deadline:
            self.nudge()
            self._thread.join(LINGER_S)
        return bool(self._users) or not self.is_alive

    def transmit(self, card: HeldCard, apdu: bytes) -> "Future[bytes]":
        """Put a question to a card. The future raises CardUnusable or LinkLost."""

        def carry(context: Context) -> bytes:
            if card.connection is None or card not in self._held:
                raise CardUnusable(card.fault or PULLED)
            answer = context.transmit(*card.connection, apdu)
            if len(answer) < 2:  # noqa: PLR2004 - not even a status word: that is how a pulled card looks
                raise CardUnusable(PULLED)
            return answer

        return self._put(carry)

    def let_go(self, card: HeldCard) -> "Future[None]":
        """Disconnect a card."""
        return self._put(lambda context: self._disconnect(context, card))

    def end(self, reason: str) -> None:
        """Lose all users; the thread ends as soon as no call hangs in it."""
        with self._lock:
            self._loss = self._loss or reason
            users, self._users = self._users, []
        for user in users:
            user.lost(reason)
        with suppress(queue.Empty):
            while True:
                self._questions.get_nowait()(None)

    def _put(self, work: Callable[[Context], T]) -> "Future[T]":
        future: Future[T] = Future()

        def answer(context: Context | None) -> None:
            if not future.set_running_or_notify_cancel():
                return
            if context is None:
                future.set_exception(LinkLost(self._loss or SERVICE_DOWN))
                return
            try:
                future.set_result(work(context))
            except PcscFailure as failure:
                future.set_exception(_told(failure))
            except (CardUnusable, LinkLost) as error:
                future.set_exception(error)

        with self._lock:
            is_over = self._loss is not None
            if not is_over:
                self._questions.put(answer)
        if is_over:
            answer(None)
        return future

    def _run(self) -> None:
        try:
            context = Context()
        except PcscFailure:
            self.end(SERVICE_DOWN)
            return
        except LinkUnavailable as error:
            self.end(error.reason)
            return
        with self._context_lock:
            self._context = context
        try:
            self._serve(context)
        except PcscFailure:
            self.end(SERVICE_DOWN)
        finally:
            self.end("closed")
            with self._context_lock:
                self._context = None
            for card in list(self._held):
                self._disconnect(context, card)
            context.release()

    def _serve(self, context: Context) -> None:
        while users := self._present_users():
            self._seat(context.readers(), users)
            for card in [card for card in self._held if card.user not in self._owners.values()]:
                self._disconnect(context, card)
            self._look(context)
            self._answer_questions(context)

    def _present_users(self) -> list[ReaderUser]:
        """Return the users; once there are none, nobody can join any more."""
        with self._lock:
            if not self._users:
                self._loss = self._loss or "closed"
            return list(self._users)

    def _seat(self, readers: list[str], users: list[ReaderUser]) -> None:
        """Give every reader its user, and tell the users whose readers are not there."""
        seated = set(self._owners.values())
        self._owners = {name: user for name, user in self._owners.items() if name in readers and user in users}
        for user in users:
            wanted = [name for name in readers if user.wants(name)]
            own = [name for name in wanted if self._owners.setdefault(name, user) is user]
            if not own:
                self.leave(user)
                user.lost("unplugged" if user in seated else "port_taken" if wanted else "no_such_reader")
            elif user not in seated:
                user.opened(own)
        self._states = {name: self._states.get(name, UNAWARE) for name in (PNP, *self._owners)}

    def _look(self, context: Context) -> None:
        """Wait for news of any reader, not at all while a card is being read."""
        if not self._owners:
            return
        news = context.changes(self._states, 0 if self._held else WATCH_MS)
        for reader, (state, atr) in news.items():
            was, now = Slot.of(self._states[reader]), Slot.of(state)
            self._states[reader] = state
            if reader == PNP:
                continue
            is_new = now.is_insertion_after(was)
            for card in [card for card in self._held if card.reader == reader and (is_new or not now.is_present)]:
                self._disconnect(context, card)
                card.user.removed(card)
            if is_new:
                self._connect(context, reader, atr)

    def _connect(self, context: Context, reader: str, atr: bytes) -> None:
        user = self._owners[reader]
        try:
            card = HeldCard(reader, user, atr, context.connect(reader))
        except PcscFailure as failure:
            if failure.number in SERVICE_FAULTS:
                raise
            card = HeldCard(reader, user, atr, None, CARD_FAULTS.get(failure.number, PULLED))
        self._held.append(card)
        user.inserted(card)

    def _disconnect(self, context: Context, card: HeldCard) -> None:
        if card in self._held:
            self._held.remove(card)
            if card.connection is not None:
                context.disconnect(card.connection[0])

    def _answer_questions(self, context: Context) -> None:
        turn_ends = time.monotonic() + TURN_S
        with suppress(queue.Empty):
            while time.monotonic() < turn_ends:
                self._questions.get(block=bool(self._held), timeout=LINGER_S)(context)


def _told(failure: PcscFailure) -> CardUnusable | LinkLost:
    """Return what a failed question means: the service, the reader, or a card that was pulled."""
    if failure.number in SERVICE_FAULTS:
        return LinkLost(SERVICE_DOWN)
    if failure.number in winscard.READER_GONE:
        return LinkLost("unplugged")
    return CardUnusable(CARD_FAULTS.get(failure.number, PULLED))
