"""How text stands on narrow paper. A Chinese character is two columns wide, as in the printer's own font. Pure."""

import unicodedata
from collections.abc import Iterator
from typing import Final

TOFU: Final = "[U+{:04X}]"  # as the paper must not show another name: staff can look the character up


def is_printable(character: str) -> bool:
    """Tell whether the printer has a glyph: ASCII, and what GBK holds (the fonts end there, not at GB 18030)."""
    if character.isascii():
        return character.isprintable()
    try:
        return len(character.encode("gbk")) == 2  # noqa: PLR2004 - two bytes, one Chinese character
    except UnicodeEncodeError:
        return False


def unprintable(text: str) -> tuple[str, ...]:
    """Return the characters that have no glyph; whoever can draw them sends a Picture instead of the text."""
    return tuple(character for character in printable_text(text, tofu="{0:c}") if not is_printable(character))


def printable_text(text: str, tofu: str = TOFU) -> str:
    """Return one line the printer can print: blanks for controls, a code point in brackets for a missing glyph."""
    composed = unicodedata.normalize("NFC", text)
    plain = (" " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character for character in composed)
    return "".join(character if is_printable(character) else tofu.format(ord(character)) for character in plain)


def columns_of(text: str) -> int:
    """Return how many columns printable text takes at normal width."""
    return sum(1 if character.isascii() else 2 for character in text)


def broken(text: str, columns: int) -> Iterator[str]:
    """Break a paragraph where the paper ends: at a blank if there is one, otherwise between characters."""
    rest = printable_text(text)
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


def paired(name: str, value: str, columns: int) -> tuple[str, ...]:
    """Set a name at the left edge and its value at the right one; on lines of their own if one is too narrow."""
    left, right = printable_text(name), printable_text(value)
    gap = columns - columns_of(left) - columns_of(right)
    if gap >= 1:
        return (left + " " * gap + right,)
    values = tuple(broken(right, columns))
    return (*broken(left, columns), *(" " * (columns - columns_of(line)) + line for line in values))
