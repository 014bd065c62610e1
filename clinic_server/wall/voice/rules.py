"""What is said when a ticket is called: digits one by one, then the station, in the words of a language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from clinic_server.kit.editions import Edition, Words
from clinic_server.staff.rules import StationKind

NEWS_FOR: Final = timedelta(seconds=30)  # an older call is not announced any more, only shown


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a sentence: as it is written, and as a synthesiser must be told it."""

    written: Words
    spoken: Words

    def filled(self, **parts: "Said") -> "Said":
        """Return a pattern with its named parts put in."""
        written = self.written.format(**{name: part.written for name, part in parts.items()})
        spoken = self.spoken.format(**{name: part.spoken for name, part in parts.items()})
        return Said(written, spoken)


class VoiceWords(Edition, frozen=True, kw_only=True):
    """The words of one language: ``numbered`` is one of several stations, ``synthesiser`` a voice of espeak-ng."""

    language: Words
    synthesiser: Words
    between_digits: str
    digits: tuple[Said, Said, Said, Said, Said, Said, Said, Said, Said, Said]
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

    @property
    def key(self) -> str:
        """What tells this call from every other, the same ticket's earlier ones among them."""
        return f"{self.ticket_number}-{int(self.called_at.timestamp() * 1000)}"

    def is_news(self, now: datetime) -> bool:
        """Tell whether it is young enough to be announced."""
        return now - self.called_at < NEWS_FOR


def sentence(words: VoiceWords, called: CalledTicket) -> Said:
    """Return what is said of a call."""
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
