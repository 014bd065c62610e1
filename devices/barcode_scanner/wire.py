"""What a scanner sends: text, perhaps behind its AIM identifier. Source: ISO/IEC 15424 (AIM identifiers)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from devices.errors import BadFrame
from devices.framing import LineSplitter

MAX_LENGTH: Final = 512
AIM_IDENTIFIER: Final = re.compile(r"\][A-Za-z][0-9A-Za-z]")
AIM_LENGTH: Final = 3
GUESSED: Final = "guessed"
ENCODINGS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {GUESSED: ("utf-8", "gb18030"), "utf-8": ("utf-8",), "gb18030": ("gb18030",)}
)
# The separators of GS1 and ISO/IEC 15434 messages are content; every other control character is noise.
SEPARATORS: Final = frozenset("\x04\x1c\x1d\x1e\x1f")


@dataclass(frozen=True, slots=True)
class Scan:
    """One code. `symbology` is the AIM identifier, "]C1", or None when the scanner sends none."""

    text: str = field(repr=False)
    symbology: str | None


def scan_splitter() -> LineSplitter:
    """Return a splitter that cuts the scanner's bytes into lines for `decode`."""
    return LineSplitter(MAX_LENGTH)


def decode(line: bytes, encoding: str = GUESSED) -> Scan:
    """Decode one line without its end. Raises BadFrame and nothing else.

    A guessed encoding is UTF-8, or GB 18030 when the line is not UTF-8. Short Chinese texts can be both, so a site
    whose scanners send GB 18030 says so.
    """
    if len(line) > MAX_LENGTH:
        raise BadFrame("too_long")
    text = _text_of(line, ENCODINGS[encoding])
    if any(_is_noise(character) for character in text):
        raise BadFrame("not_text")
    identifier = AIM_IDENTIFIER.match(text)
    scan = Scan(text, None) if identifier is None else Scan(text[AIM_LENGTH:], identifier.group())
    if not scan.text.strip():
        raise BadFrame("empty")
    return scan


def _text_of(line: bytes, encodings: Sequence[str]) -> str:
    for encoding in encodings:
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadFrame("not_text")


def _is_noise(character: str) -> bool:
    return (character < " " and character not in SEPARATORS) or "\x7f" <= character < "\xa0"
