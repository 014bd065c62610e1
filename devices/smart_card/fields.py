"""Fields as cards pad and code them. Pure; whatever is wrong is a BadFrame."""

import re
from datetime import date
from typing import Final

from devices.errors import BadFrame

NO_DAY: Final = frozenset({"", "00000000", "FFFFFFFF"})


def words(raw: bytes, encoding: str) -> str:
    """Return a text up to its first NUL, without the blanks around it."""
    try:
        text = raw.partition(b"\0")[0].decode(encoding)
    except UnicodeDecodeError:
        raise BadFrame("text_not_decodable") from None
    if not text.replace(" ", "a").isprintable():
        raise BadFrame("control_character_in_text")
    return " ".join(text.split())


def number(raw: bytes, shape: str) -> str:
    """Return a document number in upper case that has this shape."""
    found = words(raw, "ascii").upper()
    if not re.fullmatch(shape, found, re.ASCII):
        raise BadFrame("number_malformed")
    return found


def bcd(raw: bytes) -> str:
    """Return the digits of a binary-coded decimal; what pads it stays."""
    return raw.hex().upper()


def day(text: str, *, years_ahead: int = 0) -> date | None:
    """Return a YYYYMMDD date of a calendar that is so many years ahead of ours, or None where none is stated."""
    if text in NO_DAY:
        return None
    if not re.fullmatch(r"[0-9]{8}", text, re.ASCII):
        raise BadFrame("date_malformed")
    if text.endswith("00"):  # some people know their year of birth and no more
        return None
    try:
        return date(int(text[:4]) - years_ahead, int(text[4:6]), int(text[6:]))
    except ValueError:
        raise BadFrame("date_malformed") from None


def sex(text: str, male: str, female: str) -> str:
    """Return the GB/T 2261.1 code of a card's own letter or digit; what is neither says nothing."""
    return {male: "1", female: "2"}.get(text, "0")
