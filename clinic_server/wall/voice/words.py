"""The words of each language, one file each."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from clinic_server.kit.editions import editions_in, read_edition
from clinic_server.staff.rules import StationKind
from clinic_server.wall.voice.rules import VoiceWords

FOLDER = Path(__file__).with_name("languages")


class VoiceFileFaulty(ValueError):
    """A file of words cannot be used; the message names it and the line or key."""


@cache
def shipped() -> Mapping[str, VoiceWords]:
    """Return the words of every language by its code, the newest version of each."""
    return {words.language: words for words in editions_in(FOLDER, parse)}


def parse(text: str, file_name: str) -> VoiceWords:
    """Return what a file says, or raise VoiceFileFaulty."""
    words = read_edition(text, file_name, VoiceWords, VoiceFileFaulty)
    missing = set(StationKind) - set(words.stations)
    if missing:
        raise VoiceFileFaulty(f"{file_name}: no words for {', '.join(sorted(missing))}")
    said = (words.call, words.numbered, *words.digits, *words.stations.values())
    if not all(one.written and one.spoken for one in said):
        raise VoiceFileFaulty(f"{file_name}: only a group may go without a word before it")
    return words
