"""What a reader of travel documents sends: the lines of the machine readable zone, in pieces or joined, among noise."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from devices.framing import LineSplitter
from devices.travel_document.mrz import decode

MAX_LENGTH: Final = 128  # the longest zone in one line, and what some readers put around it
LINES_OF_LENGTH: Final[Mapping[int, int]] = MappingProxyType({30: 3, 36: 2, 44: 2})
LENGTH_OF_JOINED: Final[Mapping[int, int]] = MappingProxyType({90: 30, 72: 36, 88: 44})
AROUND: Final = "".join(map(chr, range(0x21))) + "\x7f"
CHARACTERS: Final = re.compile("[A-Z0-9<]+")
FIRST: Final = re.compile("[ACIPV][A-Z0-9<][A-Z]")
SECOND_OF_THREE: Final = re.compile("[0-9][0-9<]{5}[0-9]|<{6}[0-9]")
SECOND_OF_TWO: Final = re.compile(".{19}[0-9]")
NO_DIGITS: Final = re.compile("[A-Z<]+")


def line_splitter() -> LineSplitter:
    """Return a splitter that cuts the reader's bytes into lines for a ZoneGatherer."""
    return LineSplitter(MAX_LENGTH)


class ZoneGatherer:
    """Gathers lines to zones for `decode`; what is no line of a zone is skipped.

    A line tells its place by itself, so half a document never becomes half of the next one: what was begun and is not
    continued comes out as it is, too short, and `decode` says so.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    @property
    def has_begun(self) -> bool:
        """Whether a zone waits for its next line."""
        return bool(self._lines)

    def feed(self, line: bytes) -> list[str]:
        """Take a line and return the zones it ended."""
        zones = []
        for part in _parts_of(line):
            place = _place_of(part)
            if place is None:
                continue
            if place != len(self._lines) or len(part) != len(self._lines[0] if self._lines else part):
                zones += self.end_of_silence()
            self._lines.append(part)
            if place != len(self._lines) - 1 or len(self._lines) == LINES_OF_LENGTH[len(part)]:
                zones += self.end_of_silence()
        return zones

    def end_of_silence(self) -> list[str]:
        """Return what has gathered, if anything has: nothing more will come."""
        lines, self._lines = self._lines, []
        return ["".join(lines)] if lines else []


def _parts_of(line: bytes) -> list[str]:
    """Return a line, or the lines that were sent as one, without what a reader puts around."""
    text = line.decode("latin-1").strip(AROUND)
    if not CHARACTERS.fullmatch(text):
        return []
    length = LENGTH_OF_JOINED.get(len(text), len(text))
    return [text[start : start + length] for start in range(0, len(text), length)] if length in LINES_OF_LENGTH else []


def _place_of(line: str) -> int | None:
    """Return which line of its zone this is, or None for one that is none."""
    has_three = LINES_OF_LENGTH[len(line)] == 3  # noqa: PLR2004 - a card's three short lines
    if (SECOND_OF_THREE if has_three else SECOND_OF_TWO).match(line):
        return 1
    if has_three and NO_DIGITS.fullmatch(line):
        return 2
    return 0 if FIRST.match(line) else None


__all__ = ["ZoneGatherer", "decode", "line_splitter"]
