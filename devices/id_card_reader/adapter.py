"""A SAM reader on a line of bytes: every card that is laid down is told, once."""

import asyncio
from typing import Final

from devices.adapter import DeviceSpec, Session
from devices.errors import BadFrame, NoAnswer, OtherDevice, ReaderRefused
from devices.events import CardRead, CardUnreadable, DeviceDescribed, DocumentKind
from devices.id_card_reader.conversation import Conversation
from devices.id_card_reader.envelopes import ENVELOPES, NO_ENVELOPE
from devices.id_card_reader.line import Line
from devices.id_card_reader.reading import FoundCard, is_card_found, sam_id, set_rf_frame_length, wake
from devices.options import known_options_only, one_of, whole_number

POLL_S: Final = 0.3  # readers ask not to be polled faster
SAME_CARD_S: Final = 1.0
FAILED_POLLS: Final = 3
UNCHANGED: Final = 0
KIND_LENGTH: Final = 5  # of a SAM id: "05.01-…"


class IdCardReader:
    """The adapter.

    Option `photo` (drop, keep) is whether a card's photo is told; `sam_id` is the only reader welcome on this port;
    `set_baud` (leave, 115200) is whether a slow reader is made fast, for URLs with `baud=auto`; `envelope` is what the
    maker puts around a question (none, handheld, pass_through); `rf_frame_bytes` (1..255) goes to the reader as it is.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "photo", "sam_id", "set_baud", "envelope", "rf_frame_bytes")
        self._spec = spec
        self._keep_photo = one_of(spec, "photo", "drop", "drop", "keep") == "keep"
        self._rf_frame_bytes = whole_number(spec, "rf_frame_bytes", UNCHANGED, low=0, high=255)
        raises_speed = one_of(spec, "set_baud", "leave", "leave", "115200") == "115200"
        envelope = ENVELOPES[one_of(spec, "envelope", NO_ENVELOPE, *ENVELOPES)]
        self._line = Line(spec.url, envelope, raises_speed=raises_speed)

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        async with self._line.open(session.monotonic) as conversation:
            await wake(conversation)
            await self._introduce(session, await sam_id(conversation))
            if self._rf_frame_bytes:
                await set_rf_frame_length(conversation, self._rf_frame_bytes)
            found_card = FoundCard(conversation, keep_photo=self._keep_photo)
            await _Watch(self._spec.device_id, conversation, found_card, session).keep()

    async def _introduce(self, session: Session, identity: str) -> None:
        """Say who the reader is; another one on this port may be another desk's. Raises OtherDevice."""
        if self._spec.options.get("sam_id", identity) != identity:
            raise OtherDevice("sam_id_differs" if identity else "sam_id_unknown")
        if identity:
            model = f"SAM {identity[:KIND_LENGTH]}"
            await session.emit(DeviceDescribed(device_id=self._spec.device_id, identity=identity, model=model))
        await session.online(identity)


class _Watch:
    """Looks for cards on one connection. A failing find while a card lies there is normal and says nothing.

    After a good read the reader does not find the card again until it was lifted (the readers' own protection);
    readers without that protection find it at every poll. So what is found again within a second of the last sighting
    is the same laying.
    """

    def __init__(self, device_id: str, conversation: Conversation, found_card: FoundCard, session: Session) -> None:
        self._device_id = device_id
        self._conversation = conversation
        self._found_card = found_card
        self._session = session
        self._lying: tuple[DocumentKind, str] | None = None
        self._is_told_unreadable = False
        self._seen_at = -SAME_CARD_S

    async def keep(self) -> None:
        """Look until the link is lost or the reader falls silent."""
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
        if not await is_card_found(self._conversation):
            return
        if self._session.monotonic() - self._seen_at >= SAME_CARD_S:
            self._lying, self._is_told_unreadable = None, False
        await self._tell(await self._outcome())
        self._seen_at = self._session.monotonic()

    async def _outcome(self) -> CardRead | CardUnreadable:
        try:
            return CardRead(self._device_id, await self._found_card.read())
        except NoAnswer as error:
            return CardUnreadable(self._device_id, error.code)
        except BadFrame as error:
            return CardUnreadable(self._device_id, error.reason)
        except ReaderRefused as error:
            return CardUnreadable(self._device_id, error.status)

    async def _tell(self, outcome: CardRead | CardUnreadable) -> None:
        if isinstance(outcome, CardRead):
            document = outcome.card.document_kind, outcome.card.number
            is_news, self._lying = document != self._lying, document
        else:
            is_news, self._is_told_unreadable = not self._is_told_unreadable, True
        if is_news:
            await self._session.emit(outcome)
