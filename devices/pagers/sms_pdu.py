"""SMS as a modem takes and gives it (3GPP TS 23.040): SUBMIT out, DELIVER and STATUS-REPORT in. Pure.

The letters are those of GSM 03.38 where they suffice, UCS-2 where not; a long text goes in parts that a phone joins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from devices.errors import BadFrame
from devices.pagers.page import Reached

MOST_PARTS: Final = 4
_ESCAPE: Final = 0x1B
_LETTERS: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_SEPTETS: Final = {
    **{letter: bytes([place]) for place, letter in enumerate(_LETTERS) if place != _ESCAPE},
    **{letter: bytes([_ESCAPE, place]) for letter, place in _ESCAPED.items()},
}
_LETTER_BEHIND_ESCAPE: Final = {place: letter for letter, place in _ESCAPED.items()}

_DEFAULT_SERVICE_CENTRE: Final = b"\x00"  # the SIM card's
_SUBMIT: Final = 0x11  # with a validity period that counts from now
_REPORT_WANTED: Final = 0x20
_HAS_HEADER: Final = 0x40
_TYPE: Final = 0x03
_DELIVER, _STATUS_REPORT = 0x00, 0x02
_INTERNATIONAL: Final = 0x91
_GSM, _UCS2 = 0x00, 0x08
_FOR_A_DAY: Final = 167
_HEADER_BYTES: Final = 6
_DIGITS: Final = "0123456789*#abc"


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How a text is written, and how much of it one message or one part of several holds."""

    coding: int
    alone: int
    in_parts: int

    def written(self, letter: str) -> bytes:
        """Return a letter: as septets, one a byte, or as UTF-16."""
        return letter.encode("utf-16-be", "replace") if self.coding == _UCS2 else _SEPTETS[letter]

    def user_data(self, content: bytes, header: bytes) -> bytes:
        """Return the length and what it counts: septets, the header's among them, or bytes."""
        if self.coding == _UCS2:
            return bytes([len(header) + len(content)]) + header + content
        before = -(-len(header) * 8 // 7)
        return bytes([before + len(content)]) + _packed(header, before, content)


GSM: Final = Alphabet(_GSM, 160, 153)
UCS2: Final = Alphabet(_UCS2, 140, 134)


@dataclass(frozen=True, slots=True)
class Received:
    """A message from a phone; `sender` is in the international form, or empty where it is no number."""

    sender: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one message that was sent; `sent_at` is the service centre's time of it."""

    reference: int
    recipient: str = field(repr=False)
    sent_at: datetime
    status: int

    @property
    def reached(self) -> Reached:
        """How far the message got; while the centre is still trying, no further than it."""
        if self.status < 0x20:  # noqa: PLR2004 - the four ranges of TP-Status
            return Reached.DELIVERED
        if self.status < 0x40:  # noqa: PLR2004
            return Reached.QUEUED
        return Reached.EXPIRED if self.status == 0x46 else Reached.FAILED  # noqa: PLR2004 - validity period expired


def alphabet_of(text: str) -> Alphabet:
    """Return the shortest alphabet that has every letter."""
    return GSM if all(letter in _SEPTETS for letter in text) else UCS2


def parts_of(text: str) -> Sequence[bytes]:
    """Return the contents of as many messages as a text takes; no letter is torn in two."""
    alphabet = alphabet_of(text)
    whole = b"".join(map(alphabet.written, text))
    if len(whole) <= alphabet.alone:
        return [whole]
    parts = [b""]
    for letter in map(alphabet.written, text):
        if len(parts[-1]) + len(letter) > alphabet.in_parts:
            parts.append(b"")
        parts[-1] += letter
    return parts


def fitted(text: str, ending: str) -> str:
    """Return a text with its ending, cut before it where both are more than a phone is sent at once."""
    if len(parts_of(text + ending)) <= MOST_PARTS:
        return text + ending
    kept = text[: MOST_PARTS * GSM.in_parts]
    while len(parts_of(f"{kept}..{ending}")) > MOST_PARTS:
        kept = kept[:-1]
    return f"{kept}..{ending}"


def submits(number: str, text: str, joint: int, *, wants_report: bool) -> Sequence[bytes]:
    """Return the messages of a text for an international number; `joint` is what its parts have in common, 0..255."""
    alphabet, parts = alphabet_of(text), parts_of(text)
    first = _SUBMIT | (_REPORT_WANTED if wants_report else 0) | (_HAS_HEADER if len(parts) > 1 else 0)
    digits = number.removeprefix("+")
    to = bytes([len(digits), _INTERNATIONAL]) + _swapped(digits)
    before = _DEFAULT_SERVICE_CENTRE + bytes([first, 0]) + to + bytes([0, alphabet.coding, _FOR_A_DAY])
    headers = [bytes([5, 0, 3, joint, len(parts), at]) for at in range(1, len(parts) + 1)] if len(parts) > 1 else [b""]
    return [before + alphabet.user_data(part, header) for part, header in zip(parts, headers, strict=True)]


def length_told(submit: bytes) -> int:
    """Return the length a modem is told beforehand: without the service centre."""
    return len(submit) - len(_DEFAULT_SERVICE_CENTRE)


def received_of(raw: bytes, country: str) -> Received | Report:
    """Read a message that came, its numbers made international. Raises BadFrame and nothing else."""
    reader = _Reader(raw)
    reader.take(reader.byte())
    first = reader.byte()
    if first & _TYPE == _STATUS_REPORT:
        reference = reader.byte()
        recipient, sent_at, _ = reader.number(country), reader.moment(), reader.take(7)
        return Report(reference, recipient, sent_at, reader.byte())
    if first & _TYPE != _DELIVER:
        raise BadFrame("other_message")
    sender, _, coding, _ = reader.number(country), reader.byte(), reader.byte(), reader.take(7)
    return Received(sender, reader.text(coding, has_header=bool(first & _HAS_HEADER)))


def international(digits: str, country: str) -> str:
    """Return a number as dialled in a country, in the form that is the same everywhere."""
    if digits.startswith("+"):
        return digits
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    return f"+{country}{digits.removeprefix('0')}"


class _Reader:
    """Takes a message apart from its begin."""

    def __init__(self, raw: bytes) -> None:
        self._rest = raw

    def take(self, length: int) -> bytes:
        if len(self._rest) < length:
            raise BadFrame("too_short")
        taken, self._rest = self._rest[:length], self._rest[length:]
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self, country: str) -> str:
        """Return a number; a sender that is a name has none."""
        length, kind = self.byte(), self.byte()
        digits = _digits(self.take((length + 1) // 2))[:length]
        if kind >> 4 & 7 == 5 or not digits.isdecimal():  # noqa: PLR2004 - a name in letters
            return ""
        return international(f"+{digits}" if kind >> 4 & 7 == 1 else digits, country)

    def moment(self) -> datetime:
        stamp = self.take(7)
        *date, _ = (_digits(bytes([byte])) for byte in stamp)
        zone = stamp[6]
        quarters = (zone & 7) * 10 + (zone >> 4)
        try:
            local = datetime.strptime("".join(date), "%y%m%d%H%M%S").replace(tzinfo=UTC)
            return local - timedelta(minutes=15 * (-quarters if zone & 8 else quarters))
        except (ValueError, OverflowError):
            raise BadFrame("time_malformed") from None

    def text(self, coding: int, *, has_header: bool) -> str:
        length, data = self.byte(), self._rest
        header_bytes = (data[:1] or b"\0")[0] + 1 if has_header else 0
        alphabet = _alphabet_named(coding)
        if alphabet == _UCS2:
            return data[header_bytes:length].decode("utf-16-be", "replace")
        if alphabet != _GSM:
            raise BadFrame("alphabet_unknown")
        return _letters(_unpacked(data, length)[-(-header_bytes * 8 // 7) :])


def _alphabet_named(coding: int) -> int:
    """Return the alphabet of a data coding scheme; 4 is bytes of no alphabet."""
    group = coding >> 4
    if group == 0xE:  # noqa: PLR2004 - a message waits, told in UCS-2
        return _UCS2
    if group in {0xC, 0xD}:
        return _GSM
    return coding & (0x04 if group == 0xF else 0x0C)  # noqa: PLR2004 - the group with message classes


def _swapped(digits: str) -> bytes:
    even = digits + "f" * (len(digits) % 2)
    return bytes.fromhex("".join(even[at + 1] + even[at] for at in range(0, len(even), 2)))


def _digits(swapped: bytes) -> str:
    nibbles = (nibble for byte in swapped for nibble in (byte & 15, byte >> 4))
    return "".join(f"{_DIGITS}?"[nibble] for nibble in nibbles)


def _packed(header: bytes, before: int, septets: bytes) -> bytes:
    """Return the header and seven bits of each septet, the lowest first; they begin at a septet's edge."""
    bits = sum(septet << 7 * place for place, septet in enumerate(septets, before))
    length = -(-7 * (before + len(septets)) // 8)
    return (bits | int.from_bytes(header, "little")).to_bytes(length, "little")


def _unpacked(data: bytes, count: int) -> bytes:
    bits = int.from_bytes(data, "little")
    return bytes(bits >> 7 * place & 0x7F for place in range(min(count, len(data) * 8 // 7)))


def _letters(septets: bytes) -> str:
    letters, is_escaped = [], False
    for septet in septets:
        if is_escaped:
            letters.append(_LETTER_BEHIND_ESCAPE.get(septet, _LETTERS[septet]))
        elif septet != _ESCAPE:
            letters.append(_LETTERS[septet])
        is_escaped = not is_escaped and septet == _ESCAPE
    return "".join(letters)
