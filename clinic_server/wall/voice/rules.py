"""What is said when a ticket is called: its group, digits one by one, then the station, in the words of a language."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from clinic_server.kit.editions import Edition, Words
from clinic_server.staff.rules import StationKind

NEWS_FOR: Final = timedelta(seconds=30)  # an older call is not announced any more, only shown


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a sentence: as it is written, and as a synthesiser must be told it."""

    written: Annotated[str, msgspec.Meta(max_length=400)]
    spoken: Annotated[str, msgspec.Meta(max_length=400)]

    def filled(self, **parts: "Said") -> "Said":
        """Return a pattern with its named parts put in."""
        written = self.written.format(**{name: part.written for name, part in parts.items()})
        spoken = self.spoken.format(**{name: part.spoken for name, part in parts.items()})
        return Said(written, spoken)


class VoiceWords(Edition, frozen=True, kw_only=True):
    """The words of one language: ``numbered`` is one of several stations, ``synthesiser`` a voice of espeak-ng.

    ``group`` stands before a group's name, whose own letters decide in which voice it is read.
    """

    language: Words
    synthesiser: Words
    between_digits: str
    digits: tuple[Said, Said, Said, Said, Said, Said, Said, Said, Said, Said]
    group: Said
    call: Said
    numbered: Said
    stations: Mapping[StationKind, Said]


@dataclass(frozen=True, slots=True)
class CalledTicket:
    """A ticket's standing call."""

    ticket_number: int
    station: str
    kind: StationKind
    called_at: datetime
    group: str | None = None

    @property
    def key(self) -> str:
        """What tells this call from every other, the same ticket's earlier ones among them."""
        return f"{self.ticket_number}-{int(self.called_at.timestamp() * 1000)}"

    def is_news(self, now: datetime) -> bool:
        """Tell whether it is young enough to be announced."""
        return now - self.called_at < NEWS_FOR


class Part(StrEnum):
    """A part of what is said, each heard by itself."""

    GROUP_WORD = "group_word"
    GROUP = "group"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part in the language whose voice reads it; ``synthesiser`` is that of espeak-ng."""

    part: Part
    language: str
    said: Said
    synthesiser: str


def pieces(words: VoiceWords, called: CalledTicket, readers: Mapping[str, str]) -> tuple[Piece, ...]:
    """Return what is said of a call, one part after the other; a group's name in the voice of its own letters.

    ``readers`` are the voices of espeak-ng that read what is written in a language.
    """
    call = Piece(Part.CALL, words.language, sentence(words, called), words.synthesiser)
    if called.group is None:
        return (call,)
    name = Said(called.group, "".join(sign for sign in called.group if sign.isprintable()))
    language = _language_of(called.group, words.language)
    group = Piece(Part.GROUP, language, name, readers[language])
    if not words.group.written:
        return (group, call)
    return (Piece(Part.GROUP_WORD, words.language, words.group, words.synthesiser), group, call)


def _language_of(name: str, own: str) -> str:
    """Return in which language's voice a name is read: Chinese characters in a Chinese one, letters in English."""
    if not any(unicodedata.name(sign, "").startswith("CJK") for sign in name):
        return "en"
    return own if own.startswith("zh") else "zh-CN"


def sentence(words: VoiceWords, called: CalledTicket) -> Said:
    """Return what is said of a ticket."""
    ticket = _read_out(words, f"{called.ticket_number:03d}")
    return words.call.filled(ticket=ticket, station=_station(words, called))


def _station(words: VoiceWords, called: CalledTicket) -> Said:
    kind = words.stations[called.kind]
    number = re.search(r"[0-9]+$", called.station)
    if number is None:
        return kind
    return words.numbered.filled(kind=kind, number=_read_out(words, number[0].lstrip("0") or "0"))


def _read_out(words: VoiceWords, digits: str) -> Said:
    said = [words.digits[int(digit)] for digit in digits]
    return Said(words.between_digits.join(one.written for one in said), " ".join(one.spoken for one in said))
