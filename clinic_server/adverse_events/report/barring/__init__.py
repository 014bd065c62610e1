"""Which events, once a physician confirmed them, bar later doses of the vaccine; one readable file for each version."""

from functools import cache
from pathlib import Path

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.rules import Seriousness
from clinic_server.kit.editions import Edition, Words, newest_in, read_edition

_FOLDER = Path(__file__).parent


class BarringFaulty(ValueError):
    """A file says something that cannot be meant; the words name the file and the place."""


class Barring(Edition, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version: kinds by their code in the list of kinds, and what makes an event of any kind bar doses."""

    source: Words
    kinds: tuple[str, ...]
    seriousness: tuple[Seriousness, ...]


def parse(text: str, name: str) -> Barring:
    """Return what a file holds, or raise BarringFaulty naming file and key."""
    found = read_edition(text, name, Barring, BarringFaulty)
    if strange := set(found.kinds) - set(kinds.shipped().by_code):
        raise BarringFaulty(f"{name}: no list has {', '.join(sorted(strange))}")
    return found


@cache
def shipped() -> Barring:
    """Return the newest file beside this one, read once; raise BarringFaulty without any."""
    return newest_in(_FOLDER, parse, BarringFaulty)
