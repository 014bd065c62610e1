"""Resident identity cards through a PC/SC reader that has a police SAM inside: the reader gives them as pages.

Pages of 256 bytes over one stream: two lengths, text, photo. A reader without that SAM finds the card and
reads nothing.
"""

from dataclasses import replace
from typing import Final

from devices.errors import BadFrame
from devices.events import IdCard
from devices.id_card_text import TEXT_LENGTH, decode_card_text
from devices.smart_card.apdu import Answer, CardKind, Exchange, Laying, demand

PAGE: Final = 256
LENGTHS: Final = 4
PHOTO_LIMIT: Final = 4096


def read(laying: Laying) -> Exchange[IdCard]:
    """Read the card, its photo only where the site keeps photos. Raises BadFrame, CardUnusable."""
    stream = yield from _page(0)
    text_length, photo_length = int.from_bytes(stream[:2], "big"), int.from_bytes(stream[2:LENGTHS], "big")
    text_end = LENGTHS + text_length
    end = text_end + photo_length if laying.keeps_photo else text_end
    if text_length != TEXT_LENGTH or photo_length > PHOTO_LIMIT:
        raise BadFrame("parts_do_not_add_up")
    while len(stream) < end:
        page = yield from _page(len(stream) // PAGE)
        if len(page) < min(PAGE, end - len(stream)):
            raise BadFrame("parts_do_not_add_up")
        stream += page[:PAGE]
    card = decode_card_text(stream[LENGTHS:text_end])
    return replace(card, photo=stream[text_end:end])


def _page(page: int) -> Exchange[bytes]:
    return (yield from demand(bytes([0xFF, 0xB0, page, 0x00, 0x00])))


def _is_first_page(answer: Answer) -> bool:
    return answer.is_ok and len(answer.content) >= PAGE and answer.content[:2] == TEXT_LENGTH.to_bytes(2, "big")


CARD: Final = CardKind(
    name="resident_id_pages",
    select=bytes.fromhex("FFB0000000"),
    read=read,
    recognises=_is_first_page,
    atr_patterns=(
        "..........................9000*",
        "3B888001D10386050080800058",
        "3B8F8001804F0CA00000030607FFB00000000020",
    ),
    needs_atr=True,
)
