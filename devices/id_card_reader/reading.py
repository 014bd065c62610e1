"""What is asked of a reader, and in which order: is it well, who is it, which card lies on it."""

from contextlib import suppress
from dataclasses import replace
from typing import Final

from devices.errors import BadFrame, NoAnswer, ReaderRefused
from devices.events import IdCard
from devices.id_card_reader import wire
from devices.id_card_reader.conversation import Conversation
from devices.id_card_reader.wire import Answer, Command, Status

SAM_ID_TRIES: Final = 3
ADDRESS_TRIES: Final = 2


async def wake(conversation: Conversation) -> None:
    """Return once the reader is well; one that failed its self-test is reset once. Raises NoAnswer, ReaderRefused."""
    answer = await conversation.ask(Command.STATUS)
    if answer.status is Status.SELF_TEST_FAILED:
        with suppress(NoAnswer):
            await conversation.ask(Command.RESET)
        answer = await conversation.ask(Command.STATUS)
    _refuse_unless(answer, Status.OK)


async def sam_id(conversation: Conversation) -> str:
    """Return the reader's own number, or nothing: some readers answer wrongly after power-up, some never."""
    for _ in range(SAM_ID_TRIES):
        with suppress(NoAnswer, BadFrame):
            answer = await conversation.ask(Command.SAM_ID)
            if answer.status is Status.OK:
                return wire.decode_sam_id(answer.content)
    return ""


async def set_rf_frame_length(conversation: Conversation, length: int) -> None:
    """Set how much the reader says to a card at once; one that does not know the command goes on as it was."""
    with suppress(NoAnswer):
        await conversation.ask(Command.SET_RF_FRAME_LENGTH, bytes([length]))


async def is_card_found(conversation: Conversation) -> bool:
    """Tell whether the reader sees a card it has not read yet. Raises NoAnswer, ReaderRefused."""
    answer = await conversation.ask(Command.FIND_CARD)
    if answer.status is Status.NO_CARD:
        return False
    _refuse_unless(answer, Status.CARD_FOUND)
    return True


class FoundCard:
    """Reads the card that was found, once: every read needs its own find, and what fails has to be laid down again."""

    def __init__(self, conversation: Conversation, *, keep_photo: bool) -> None:
        self._conversation = conversation
        self._keep_photo = keep_photo
        self._address_tries = ADDRESS_TRIES

    async def read(self) -> IdCard:
        """Return the card. Raises NoAnswer, BadFrame, ReaderRefused."""
        _refuse_unless(await self._conversation.ask(Command.SELECT_CARD), Status.OK)
        answer = await self._conversation.ask(Command.READ_TEXT_AND_PHOTO)
        _refuse_unless(answer, Status.OK)
        card = wire.decode_card(answer.content, keep_photo=self._keep_photo)
        newest = await self._newest_address() if card.address else ""
        return replace(card, address=newest or card.address)

    async def _newest_address(self) -> str:
        """Return the address stored after the card was printed, or nothing.

        It never costs the card. A reader that does not know the question is not asked again on this connection.
        """
        if not self._address_tries:
            return ""
        with suppress(NoAnswer, BadFrame):
            answer = await self._conversation.ask(Command.READ_NEWEST_ADDRESS)
            if answer.status in {Status.OK, Status.ITEM_EMPTY}:
                self._address_tries = ADDRESS_TRIES
                return wire.decode_newest_address(answer.content) if answer.status is Status.OK else ""
        self._address_tries -= 1
        return ""


def _refuse_unless(answer: Answer, wanted: Status) -> None:
    if answer.status is not wanted:
        raise ReaderRefused(answer.status)
