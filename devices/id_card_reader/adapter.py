"""A SAM reader on a line of bytes: find, select, read, for every card that is laid down."""

import asyncio
from contextlib import suppress
from typing import Final

from devices.adapter import DeviceSpec, Session
from devices.errors import BadFrame, NoAnswer, ReaderRefused
from devices.events import CardRead, CardUnreadable, IdCard
from devices.id_card_reader import wire
from devices.id_card_reader.wire import Answer, Command, Status
from devices.links import Link, LinkAddress, open_byte_link
from devices.options import known_options_only

POLL_S: Final = 0.3  # readers ask not to be polled faster
SAME_CARD_S: Final = 1.0
FAILED_POLLS: Final = 3
BITS_PER_BYTE: Final = 10
PAUSE_S: Final = 0.3  # a reader that has begun to answer does not pause; what stopped half way is over
DEFAULT_BAUD: Final = 115200
# Thinking time and the longest answer; the time on the wire comes on top, by the line's speed.
ANSWER_S: Final = {
    Command.STATUS: (0.3, 11),
    Command.SAM_ID: (0.3, 27),
    Command.FIND_CARD: (0.3, 15),
    Command.SELECT_CARD: (0.3, 19),
    Command.READ_TEXT_AND_PHOTO: (3.0, 1295),
}


class IdCardReader:
    """The adapter. A card is announced once per laying; a failing find while it lies there is normal and says nothing.

    After a good read the reader does not find the card again until it was lifted (the readers' own protection);
    readers without that protection find it at every poll. So what is found again within a second of the last sighting
    is the same laying.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec)
        self._spec = spec
        self._baud = LinkAddress.parse(spec.url).whole_number("baud", DEFAULT_BAUD, low=300, high=4_000_000)

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        async with await open_byte_link(self._spec.url) as link:
            await _Conversation(self._spec.device_id, link, self._baud, session).hold()


class _Conversation:
    """One connection to the reader."""

    def __init__(self, device_id: str, link: Link, baud: int, session: Session) -> None:
        self._device_id = device_id
        self._link = link
        self._baud = baud
        self._session = session
        self._splitter = wire.answer_splitter()
        self._lying: IdCard | None = None
        self._is_told_unreadable = False
        self._seen_at = -SAME_CARD_S

    async def hold(self) -> None:
        """Talk until the link is lost or the reader falls silent."""
        status = await self._ask(Command.STATUS)
        if status.status is not Status.OK:
            raise ReaderRefused(status.status)
        await self._session.online(await self._sam_id())
        failed_polls = 0
        while True:
            try:
                await self._poll()
                failed_polls = 0
            except (NoAnswer, ReaderRefused):
                failed_polls += 1
                if failed_polls == FAILED_POLLS:
                    raise
            await asyncio.sleep(POLL_S)

    async def _poll(self) -> None:
        found = await self._ask(Command.FIND_CARD)
        if found.status is Status.NO_CARD:
            return
        if found.status is not Status.CARD_FOUND:
            raise ReaderRefused(found.status)
        if self._session.monotonic() - self._seen_at >= SAME_CARD_S:
            self._lying, self._is_told_unreadable = None, False
        await self._announce(await self._read_found_card())
        self._seen_at = self._session.monotonic()

    async def _read_found_card(self) -> CardRead | CardUnreadable:
        """Every read needs its own find and select; whatever fails here, the card has to be laid down again."""
        try:
            selected = await self._ask(Command.SELECT_CARD)
            if selected.status is not Status.OK:
                return CardUnreadable(self._device_id, selected.status)
            answer = await self._ask(Command.READ_TEXT_AND_PHOTO)
            if answer.status is not Status.OK:
                return CardUnreadable(self._device_id, answer.status)
            return CardRead(self._device_id, wire.decode_card(answer.content))
        except NoAnswer as error:
            return CardUnreadable(self._device_id, error.code)
        except BadFrame as error:
            return CardUnreadable(self._device_id, error.reason)

    async def _announce(self, outcome: CardRead | CardUnreadable) -> None:
        if isinstance(outcome, CardRead):
            is_news, self._lying = outcome.card != self._lying, outcome.card
        else:
            is_news, self._is_told_unreadable = not self._is_told_unreadable, True
        if is_news:
            await self._session.emit(outcome)

    async def _sam_id(self) -> str:
        # Some readers answer this wrongly after power-up; the id is a convenience, not a condition.
        try:
            answer = await self._ask(Command.SAM_ID)
            return wire.decode_sam_id(answer.content) if answer.status is Status.OK else ""
        except (NoAnswer, BadFrame):
            return ""

    async def _ask(self, command: Command) -> Answer:
        """Return the answer to one command; bytes that arrived before it was asked belong to nobody.

        Raises NoAnswer when the time is over: a frame that fails its checksum is not an answer.
        """
        await self._forget_late_bytes()
        await self._link.write(wire.encode(command))
        thinking_s, longest = ANSWER_S[command]
        deadline = self._session.monotonic() + thinking_s + longest * BITS_PER_BYTE / self._baud
        while (left_s := deadline - self._session.monotonic()) > 0:
            received = await self._link.read(wire.CONTENT_LIMIT, left_s)
            if received:
                deadline = min(deadline, self._session.monotonic() + PAUSE_S)
            for frame in self._splitter.feed(received):
                with suppress(BadFrame):
                    return wire.decode_answer(frame)
        raise NoAnswer(command.name.lower())

    async def _forget_late_bytes(self) -> None:
        self._splitter.clear()
        while await self._link.read(wire.CONTENT_LIMIT, 0):
            pass
