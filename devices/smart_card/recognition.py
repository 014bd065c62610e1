"""Which kind of card lies in the reader: by its ATR, else by asking for one application after the other. Pure."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from devices.errors import CardUnusable
from devices.events import IdCard
from devices.smart_card import estonia, mykad, resident_id_pages, social_security, taiwan_nhi, thai
from devices.smart_card.apdu import CardKind, Exchange, Laying, ask

# Asked in this order when the ATR tells nothing; a new kind of card is a file and a line here.
KINDS: Final[tuple[CardKind, ...]] = (
    resident_id_pages.CARD,
    social_security.CARD,
    taiwan_nhi.CARD,
    thai.CARD,
    mykad.CARD,
    estonia.CARD,
)
# Cards that are what they are and cannot be read this way; people are told what to do instead.
REFUSED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "3B888001D10386050080800058": "resident_id_needs_sam_reader",
        "3B8F8001804F0CA00000030607FFB00000000020": "resident_id_needs_sam_reader",
        "3B6F00008031E06B0406050225555555555555": "card_opens_to_its_government_only",  # Hong Kong, 2003
        "3BF89600008131FE4400739401C00F9000DD": "card_opens_to_its_government_only",  # Hong Kong, 2018
    }
)


def read_card(laying: Laying) -> Exchange[IdCard]:
    """Recognise the card and read it. Raises BadFrame, CardUnusable, and nothing else."""
    named = [kind for kind in KINDS if any(matches(pattern, laying.atr) for pattern in kind.atr_patterns)]
    refused = [reason for pattern, reason in REFUSED.items() if matches(pattern, laying.atr)]
    others = [] if refused else [kind for kind in KINDS if kind not in named and not kind.needs_atr]
    for kind in named + others:
        answer = yield from ask(kind.select, kind.get_response(laying.atr))
        if kind.recognises(answer):
            return (yield from kind.read(laying))
    raise CardUnusable(refused[0] if refused else "card_kind_unknown")


def matches(pattern: str, atr: bytes) -> bool:
    """Return whether an ATR has this pattern: a dot is any digit, a star any rest."""
    return re.fullmatch(pattern.replace("*", ".*"), atr.hex().upper()) is not None
