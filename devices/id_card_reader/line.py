"""The line to a reader, at the speed its URL names or at whichever the reader answers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from devices.errors import NoAnswer, SpecRefused
from devices.id_card_reader.conversation import Conversation
from devices.id_card_reader.wire import Command, Status
from devices.links import LinkAddress, open_byte_link

DEFAULT_BAUD: Final = 115200
AUTO: Final = "auto"
FASTEST: Final = 115200
SPEEDS: Final = (FASTEST, 57600, 38400, 19200, 9600)


class Line:
    """Opens the line, at the speed the reader answered at before if it may be any.

    With `raises_speed` a slow reader is set to the fastest; one that does not answer there is left slow from then on.
    """

    def __init__(self, url: str, envelope: Callable[[bytes], bytes], *, raises_speed: bool) -> None:
        address = LinkAddress.parse(url)
        is_auto = address.query.get("baud") == AUTO
        if is_auto and address.scheme != "serial":
            raise SpecRefused("baud=auto is for serial lines; elsewhere the speed is set at the other end")
        if raises_speed and not is_auto:
            raise SpecRefused("option set_baud needs baud=auto in the URL: a reader may forget what it was set to")
        self._url = url
        self._envelope = envelope
        self._speeds: tuple[int, ...] = SPEEDS
        if not is_auto:
            self._speeds = (address.whole_number("baud", DEFAULT_BAUD, low=300, high=4_000_000),)
        self._raises_speed = raises_speed

    @asynccontextmanager
    async def open(self, monotonic: Callable[[], float]) -> AsyncIterator[Conversation]:
        """Open the line for one connection. Raises NoAnswer when the reader answers at no speed."""
        async with self._found(monotonic) as conversation:
            if not await self._becomes_faster(conversation):
                yield conversation
                return
        await self._verify_fastest(monotonic)
        async with self._found(monotonic) as conversation:
            yield conversation

    async def _becomes_faster(self, conversation: Conversation) -> bool:
        """Ask for the fastest speed; some readers confirm at the old one, some at the new one, which is not heard."""
        if not self._raises_speed or conversation.baud == FASTEST:
            return False
        try:
            answer = await conversation.ask(Command.SET_BAUD_115200)
        except NoAnswer:
            return True
        return answer.status is Status.OK

    async def _verify_fastest(self, monotonic: Callable[[], float]) -> None:
        async with self._at(FASTEST, monotonic) as conversation:
            self._raises_speed = await conversation.is_answered()
        if self._raises_speed:
            self._remember(FASTEST)

    @asynccontextmanager
    async def _found(self, monotonic: Callable[[], float]) -> AsyncIterator[Conversation]:
        for baud in self._speeds:
            async with self._at(baud, monotonic) as conversation:
                if len(self._speeds) > 1 and not await conversation.is_answered():
                    continue
                self._remember(baud)
                yield conversation
                return
        raise NoAnswer("status")

    @asynccontextmanager
    async def _at(self, baud: int, monotonic: Callable[[], float]) -> AsyncIterator[Conversation]:
        async with await open_byte_link(_at_speed(self._url, baud)) as link:
            yield Conversation(link, baud, self._envelope, monotonic)

    def _remember(self, baud: int) -> None:
        self._speeds = (baud, *(other for other in self._speeds if other != baud))


def _at_speed(url: str, baud: int) -> str:
    """Return the URL with its speed; one that names none keeps to its link's own."""
    parts = urlsplit(url)
    if "baud=auto" not in parts.query:
        return url
    return parts._replace(query=parts.query.replace("baud=auto", f"baud={baud}")).geturl()
