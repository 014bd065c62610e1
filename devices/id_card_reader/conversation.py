"""Question and answer on one open line to a reader."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from devices.errors import BadFrame, NoAnswer
from devices.id_card_reader import wire
from devices.id_card_reader.wire import Answer, Command
from devices.links import Link

BITS_PER_BYTE: Final = 10
PAUSE_S: Final = 0.3  # a reader that has begun to answer does not pause; what stopped half way is over
# Thinking time and the longest answer; the time on the wire comes on top, by the line's speed.
SHORT: Final = (0.3, 27)
ANSWER_S: Final = {
    Command.RESET: (2.0, 11),
    Command.READ_TEXT_AND_PHOTO: (3.0, 1295),
    Command.READ_TEXT_PHOTO_AND_FINGERS: (5.0, 2321),
    Command.READ_NEWEST_ADDRESS: (1.5, 81),
    Command.READ_CHIP_NUMBER: (1.5, 81),
}


def answer_s(command: Command, baud: int) -> float:
    """Return how long an answer may take on a line of this speed."""
    thinking_s, longest = ANSWER_S.get(command, SHORT)
    return thinking_s + longest * BITS_PER_BYTE / baud


class Conversation:
    """One question at a time; `envelope` is what the maker wants around it."""

    def __init__(
        self, link: Link, baud: int, envelope: Callable[[bytes], bytes], monotonic: Callable[[], float]
    ) -> None:
        self.baud = baud
        self._link = link
        self._envelope = envelope
        self._monotonic = monotonic
        self._splitter = wire.answer_splitter()

    async def ask(self, command: Command, argument: bytes = b"") -> Answer:
        """Return the answer to one command; bytes that arrived before it was asked belong to nobody.

        Raises NoAnswer when the time is over: a frame that fails its checksum is not an answer.
        """
        await self._forget_late_bytes()
        await self._link.write(self._envelope(wire.encode(command, argument)))
        silent_until = latest = self._monotonic() + answer_s(command, self.baud)
        while (left_s := min(silent_until, latest) - self._monotonic()) > 0:
            received = await self._link.read(wire.CONTENT_LIMIT, left_s)
            if received:
                silent_until = self._monotonic() + PAUSE_S
            for frame in self._splitter.feed(received):
                with suppress(BadFrame):
                    return wire.decode_answer(frame)
        raise NoAnswer(command.name.lower())

    async def is_answered(self) -> bool:
        """Tell whether the reader understands us, whatever its state."""
        try:
            await self.ask(Command.STATUS)
        except NoAnswer:
            return False
        return True

    async def _forget_late_bytes(self) -> None:
        self._splitter.clear()
        while await self._link.read(wire.CONTENT_LIMIT, 0):
            pass
