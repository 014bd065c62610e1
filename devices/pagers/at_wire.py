"""What a modem says (3GPP TS 27.005 and 27.007): lines, final results and the prompt for a message. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

PROMPT: Final = ">"
SUBSTITUTE: Final = b"\x1a"  # ends a message
ESCAPE: Final = b"\x1b"  # gives it up
MOST_LINE_BYTES: Final = 1_024
_FINAL: Final = frozenset({"OK", "ERROR"})
_REFUSALS: Final = {"+CMS ERROR": "cms", "+CME ERROR": "cme"}


class Lines:
    """Cuts what a modem sends into lines, in any slices; a prompt is a line of its own that has no end."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, received: bytes) -> list[str]:
        """Take what arrived and return the lines it completed."""
        lines = []
        for byte in received:
            if byte in b"\r\n":
                lines.append(self._pending)
                self._pending = b""
            elif len(self._pending) < MOST_LINE_BYTES:
                self._pending += bytes([byte])
            if self._pending == PROMPT.encode():
                lines.append(self._pending)
                self._pending = b""
        return [text for line in lines if (text := line.decode("ascii", "replace").strip())]


@dataclass(frozen=True, slots=True)
class Answer:
    """The lines before the final result; `refusal` is empty where that is OK."""

    lines: Sequence[str] = field(repr=False)
    refusal: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the modem did it."""
        return not self.refusal

    def first(self, word: str) -> Sequence[str]:
        """Return the fields behind the first `word:`, or none."""
        return next(self.all(word), ())

    def all(self, word: str) -> Iterator[Sequence[str]]:
        """Yield the fields of each line that begins with `word:`."""
        yield from (_fields(line) for line in self.lines if line.startswith(f"{word}:"))

    def stored(self) -> Iterator[tuple[int, bytes]]:
        """Yield the place and the bytes of each stored message; what is not written as one is passed over."""
        for head, body in zip(self.lines, self.lines[1:], strict=False):
            place = _fields(head)[0] if head.startswith("+CMGL:") else ""
            raw = unhexed(body)
            if _is_whole(place) and raw:
                yield int(place), raw


def is_final(line: str) -> bool:
    """Tell whether a line ends an answer."""
    return line in _FINAL or line.startswith(tuple(f"{word}:" for word in _REFUSALS))


def answer_of(lines: Sequence[str]) -> Answer:
    """Return an answer whose last line is its final result. A refusal is named by its number, never by its words."""
    *told, final = lines
    if final == "OK":
        return Answer(told)
    word, _, code = final.partition(":")
    number = code.strip()
    return Answer(told, f"{_REFUSALS[word]}_{number}" if word in _REFUSALS and _is_whole(number) else "modem_error")


def whole(fields: Sequence[str], place: int) -> int | None:
    """Return a field as a number, or None where there is none."""
    return int(fields[place]) if len(fields) > place and _is_whole(fields[place]) else None


def unhexed(text: str) -> bytes:
    """Return the bytes of a line of hexadecimal digits, or none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _fields(line: str) -> Sequence[str]:
    return [field.strip().strip('"') for field in line.partition(":")[2].split(",")]


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5  # noqa: PLR2004 - none is longer
