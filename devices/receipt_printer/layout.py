"""How text stands on narrow paper. A Chinese character is two columns wide, as in the printer's own font. Pure."""

import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from devices.words import Pair, Rule, Size, Text

TOFU: Final = "[U+{:04X}]"  # as the paper must not show another name: staff can look the character up
EXTENSION_A: Final = range(0x3400, 0x4DB6)  # the ideographs that GB 18030 added to GBK as it was made mandatory in 2000
ACROSS: Final = {Size.NORMAL: 1, Size.TALL: 1, Size.LARGE: 2, Size.HUGE: 4}


class Glyphs(StrEnum):
    """What the printer's font holds; `any` is for whoever draws the text and lacks nothing."""

    GBK = "gbk"
    GB18030 = "gb18030"
    ANY = "any"


def is_printable(character: str, glyphs: Glyphs = Glyphs.GBK) -> bool:
    """Tell whether the printer has a glyph: ASCII, what GBK holds, and Extension A where it is said to."""
    if character.isascii():
        return character.isprintable()
    if glyphs is Glyphs.ANY or (glyphs is Glyphs.GB18030 and ord(character) in EXTENSION_A):
        return True
    try:
        return len(character.encode("gbk")) == 2  # noqa: PLR2004 - two bytes, one Chinese character
    except UnicodeEncodeError:
        return False


def unprintable(text: str, glyphs: Glyphs = Glyphs.GBK) -> tuple[str, ...]:
    """Return the characters that have no glyph; whoever can draw them sends a Picture instead of the text."""
    return tuple(sign for sign in printable_text(text, Glyphs.ANY) if not is_printable(sign, glyphs))


def printable_text(text: str, glyphs: Glyphs = Glyphs.GBK) -> str:
    """Return one line the printer can print: blanks for controls, a code point in brackets for a missing glyph."""
    composed = unicodedata.normalize("NFC", text)
    plain = (" " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in composed)
    return "".join(sign if is_printable(sign, glyphs) else TOFU.format(ord(sign)) for sign in plain)


def columns_of(text: str) -> int:
    """Return how many columns printable text takes at normal width."""
    return sum(1 if character.isascii() else 2 for character in text)


def set_lines(line: Text | Pair | Rule, columns: int, glyphs: Glyphs = Glyphs.GBK) -> tuple[str, ...]:
    """Return what stands on the paper, line by line, each in its own size."""
    match line:
        case Text(text, size):
            return tuple(broken(text, columns // ACROSS[size], glyphs))
        case Pair(name, value, size):
            return paired(name, value, columns // ACROSS[size], glyphs)
        case Rule():
            return ("-" * columns,)


def broken(text: str, columns: int, glyphs: Glyphs = Glyphs.GBK) -> Iterator[str]:
    """Break a paragraph where the paper ends: at a blank if there is one, otherwise between characters."""
    rest = printable_text(text, glyphs)
    while columns_of(rest) > columns:
        fits = _fitting(rest, columns)
        # A Latin word is not cut unless it fills the line alone.
        blank = rest.rfind(" ", 0, fits + 1)
        end = blank if blank > 0 and rest[:fits].isascii() else fits
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()
    yield rest


def _fitting(text: str, columns: int) -> int:
    """Return how many characters fit, one at least."""
    taken = 0
    for count, character in enumerate(text):
        taken += 1 if character.isascii() else 2
        if taken > columns:
            return max(1, count)
    return len(text)


def paired(name: str, value: str, columns: int, glyphs: Glyphs = Glyphs.GBK) -> tuple[str, ...]:
    """Set a name at the left edge and its value at the right one; on lines of their own if one is too narrow."""
    left, right = printable_text(name, glyphs), printable_text(value, glyphs)
    gap = columns - columns_of(left) - columns_of(right)
    if gap >= 1:
        return (left + " " * gap + right,)
    values = tuple(broken(right, columns, glyphs))
    return (*broken(left, columns, glyphs), *(" " * (columns - columns_of(line)) + line for line in values))
