"""The 256-byte text of an identity card: UTF-16LE, one layout per type flag. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

from devices.errors import BadFrame
from devices.events import DocumentKind, IdCard

TEXT_LENGTH: Final = 256
FLAG: Final = slice(248, 250)
FOR_LIFE: Final = "长期"
SEX_CODES: Final = frozenset("0129")
NUMBER: Final = re.compile("[0-9A-Z]+")
BYTES_PER_CHARACTER: Final = 2


def padded_text(field: bytes) -> str:
    """Return a field without the blanks and NULs that pad it. Raises BadFrame and nothing else."""
    try:
        text = field.decode("utf-16-le").rstrip(" \0")
    except UnicodeDecodeError:
        raise BadFrame("text_not_utf16") from None
    if any(character < " " for character in text):
        raise BadFrame("control_character_in_text")
    return text


class _Text:
    """The block, cut by byte ranges as the layouts name them."""

    def __init__(self, block: bytes) -> None:
        self._block = block

    def words(self, *ranges: slice) -> str:
        """Return a field, its ranges joined before anything is taken off: a blank at a seam belongs to the name."""
        return padded_text(b"".join(self._block[part] for part in ranges))

    def number(self, part: slice) -> str:
        """Return a document number in upper case; it fills its field, whatever the layout."""
        number = self.words(part).upper()
        if len(number) * BYTES_PER_CHARACTER != part.stop - part.start or not NUMBER.fullmatch(number):
            raise BadFrame("number_malformed")
        return number

    def sex(self, part: slice) -> str:
        """Return the GB/T 2261.1 code; a blank is "0", unknown."""
        sex = self.words(part) or "0"
        if sex not in SEX_CODES:
            raise BadFrame("sex_code_unknown")
        return sex

    def day(self, part: slice) -> date | None:
        """Return a YYYYMMDD date, or None for blanks."""
        text = self.words(part)
        if not text:
            return None
        if not re.fullmatch(r"[0-9]{8}", text, re.ASCII):
            raise BadFrame("date_malformed")
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            raise BadFrame("date_malformed") from None

    def is_for_life(self, part: slice) -> bool:
        """Return whether an expiry field holds 长期."""
        return self.words(part) == FOR_LIFE


def _resident(text: _Text) -> IdCard:
    until = slice(204, 220)
    for_life = text.is_for_life(until)
    return IdCard(
        document_kind=DocumentKind.RESIDENT_ID,
        name=text.words(slice(0, 30)),
        sex=text.sex(slice(30, 32)),
        ethnicity_code=text.words(slice(32, 36)),
        born_on=text.day(slice(36, 52)),
        address=text.words(slice(52, 122)),
        number=text.number(slice(122, 158)),
        issuer=text.words(slice(158, 188)),
        valid_from=text.day(slice(188, 204)),
        valid_until=None if for_life else text.day(until),
        valid_for_life=for_life,
    )


def _hk_macau_taiwan(text: _Text) -> IdCard:
    until = slice(204, 220)
    for_life = text.is_for_life(until)
    return IdCard(
        document_kind=DocumentKind.HK_MACAU_TAIWAN_RESIDENCE_PERMIT,
        name=text.words(slice(0, 30)),
        sex=text.sex(slice(30, 32)),
        born_on=text.day(slice(36, 52)),
        address=text.words(slice(52, 122)),
        number=text.number(slice(122, 158)),
        issuer=text.words(slice(158, 188)),
        valid_from=text.day(slice(188, 204)),
        valid_until=None if for_life else text.day(until),
        valid_for_life=for_life,
        travel_permit_number=text.words(slice(220, 238)),
    )


def _foreign_2023(text: _Text) -> IdCard:
    return IdCard(
        document_kind=DocumentKind.FOREIGN_PERMANENT_RESIDENT_2023,
        name=text.words(slice(0, 30)),
        sex=text.sex(slice(30, 32)),
        born_on=text.day(slice(36, 52)),
        latin_name=text.words(slice(52, 122), slice(220, 242)),
        number=text.number(slice(122, 158)),
        valid_from=text.day(slice(188, 204)),
        valid_until=text.day(slice(204, 220)),
        nationality=text.words(slice(242, 248)),
    )


def _foreign_2017(text: _Text) -> IdCard:
    return IdCard(
        document_kind=DocumentKind.FOREIGN_PERMANENT_RESIDENT_2017,
        latin_name=text.words(slice(0, 120)),
        sex=text.sex(slice(120, 122)),
        number=text.number(slice(122, 152)),
        nationality=text.words(slice(152, 158)),
        name=text.words(slice(158, 188)),
        valid_from=text.day(slice(188, 204)),
        valid_until=text.day(slice(204, 220)),
        born_on=text.day(slice(220, 236)),
        issuer=text.words(slice(240, 248)),
    )


LAYOUTS: Final[Mapping[bytes, Callable[[_Text], IdCard]]] = MappingProxyType(
    {b" \0": _resident, b"J\0": _hk_macau_taiwan, b"Y\0": _foreign_2023, b"I\0": _foreign_2017}
)


def decode_card_text(block: bytes) -> IdCard:
    """Decode a card's text block by its type flag. Raises BadFrame and nothing else."""
    if len(block) != TEXT_LENGTH:
        raise BadFrame("text_length_wrong")
    layout = LAYOUTS.get(block[FLAG])
    if layout is None:
        raise BadFrame("card_layout_unknown")
    return layout(_Text(block))
