"""pcsc://reader%20name — chip card readers through pcscd, or through Windows' own service.

The name is percent-encoded and may be cut short: a link takes every reader whose name begins so, `pcsc://` all of them.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import quote, unquote

from devices.errors import CardUnusable, LinkLost, LinkUnavailable, NoAnswer
from devices.links import winscard
from devices.links.address import LinkAddress
from devices.links.pcsc_thread import HeldCard, PcscThread
from devices.links.port import ClosesOnExit
from devices.links.winscard import PcscFailure

Value = TypeVar("Value")

OPEN_S: Final = 5.0
CLOSE_S: Final = 3.0
NUDGE_S: Final = 0.05
ANSWER_S: Final = 10.0  # longer than any card here thinks
READER_WATCH_S: Final = 0.5
HANGS: Final = "reader_hangs"


class _Shared:
    """The thread of this process, while there is one, and one in which a call hangs, which cannot be ended."""

    lock = threading.Lock()
    thread: PcscThread | None = None
    hanging: PcscThread | None = None


async def open_pcsc(address: LinkAddress) -> "PcscLink":
    """Take the readers that are meant. Raises LinkUnavailable, SpecRefused."""
    address.refuse_other_queries()
    await asyncio.to_thread(winscard.library)
    link = PcscLink(reader_wanted(address))
    try:
        await link.open()
    except BaseException:
        await link.close()
        raise
    return link


def pcsc_url(reader: str) -> str:
    """Return the address of a reader."""
    return f"pcsc://{quote(reader, safe='')}"


def reader_wanted(address: LinkAddress) -> str:
    """Return how the name of the reader begins, without case: what stands there in a URL has none."""
    return unquote(address.host).casefold()


async def wait_for_reader(address: LinkAddress) -> None:
    """Return once a reader that is away now has come back; one that is there is not what we wait for."""
    wanted = reader_wanted(address)
    if await asyncio.to_thread(_is_there, wanted):
        await asyncio.Event().wait()
    while not await asyncio.to_thread(_is_there, wanted):  # noqa: ASYNC110 - a service that is down tells nothing
        await asyncio.sleep(READER_WATCH_S)


class PcscLink(ClosesOnExit):
    """One or more readers, used as one. What the thread calls is handed on to the event loop."""

    def __init__(self, wanted: str) -> None:
        self.reader = ""
        self._wanted = wanted
        self._loop = asyncio.get_running_loop()
        self._thread: PcscThread | None = None
        self._loss: str | None = None
        self._waiting: deque[HeldCard] = deque()
        self._news = asyncio.Event()

    async def open(self) -> None:
        """Wait until a reader is ours. Raises LinkUnavailable."""
        self._thread = thread = _joined(self)
        try:
            async with asyncio.timeout(OPEN_S):
                while not await self._hears_within(NUDGE_S):
                    await asyncio.to_thread(thread.nudge)
        except TimeoutError:
            raise LinkUnavailable(HANGS) from None
        if self._loss is not None:
            raise LinkUnavailable(self._loss)

    async def next_card(self) -> "PcscCard":
        """See CardLink."""
        while self._loss is None and self._thread is not None:
            if self._waiting:
                return PcscCard(self._thread, self._waiting.popleft())
            self._news.clear()
            await self._news.wait()
        raise LinkLost(self._loss or "closed")

    async def close(self) -> None:
        """See CardLink."""
        self._lose("closed")
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.leave(self)
            await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(_finish, thread)))

    def wants(self, reader: str) -> bool:
        """See ReaderUser."""
        return reader.casefold().startswith(self._wanted)

    def opened(self, readers: list[str]) -> None:
        """See ReaderUser."""
        self._hand_on(self._name, readers)

    def lost(self, reason: str) -> None:
        """See ReaderUser."""
        self._hand_on(self._lose, reason)

    def inserted(self, card: HeldCard) -> None:
        """See ReaderUser."""
        self._hand_on(self._waiting.append, card)

    def removed(self, card: HeldCard) -> None:
        """See ReaderUser."""
        self._hand_on(self._forget, card)

    async def _hears_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        return self._news.is_set()

    def _hand_on(self, take: Callable[[Value], None], what: Value) -> None:
        def take_and_tell() -> None:
            take(what)
            self._news.set()

        with contextlib.suppress(RuntimeError):  # the event loop closed first, nobody is left to tell
            self._loop.call_soon_threadsafe(take_and_tell)

    def _name(self, readers: list[str]) -> None:
        self.reader = ", ".join(readers)

    def _lose(self, reason: str) -> None:
        self._loss = self._loss or reason

    def _forget(self, card: HeldCard) -> None:
        with contextlib.suppress(ValueError):  # handed out already, and told at its next question
            self._waiting.remove(card)


class PcscCard(ClosesOnExit):
    """One insertion."""

    def __init__(self, thread: PcscThread, card: HeldCard) -> None:
        self.atr = card.atr
        self._thread = thread
        self._card = card

    async def transmit(self, apdu: bytes) -> bytes:
        """See Card; a reader that never answers is given up with the thread that waits for it."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.wrap_future(self._thread.transmit(self._card, apdu))
        except TimeoutError:
            _give_up(self._thread)
            raise NoAnswer(HANGS) from None

    async def close(self) -> None:
        """See Card."""
        letting_go = asyncio.wrap_future(self._thread.let_go(self._card))
        with contextlib.suppress(LinkLost, CardUnusable, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await letting_go


def _joined(link: PcscLink) -> PcscThread:
    """Return the running thread with one more user, or a new one. Raises LinkUnavailable while one hangs."""
    with _Shared.lock:
        if _Shared.hanging is not None and _Shared.hanging.is_alive:
            raise LinkUnavailable(HANGS)
        if _Shared.thread is None or not _Shared.thread.join(link):
            _Shared.thread = PcscThread(link)
        return _Shared.thread


def _finish(thread: PcscThread) -> None:
    if thread is not _Shared.hanging and not thread.finish(CLOSE_S):
        _give_up(thread)


def _give_up(thread: PcscThread) -> None:
    with _Shared.lock:
        _Shared.hanging = thread
    thread.end(HANGS)


def _is_there(wanted: str) -> bool:
    with contextlib.suppress(PcscFailure, LinkUnavailable):
        return any(name.casefold().startswith(wanted) for name in winscard.readers_listed())
    return False
