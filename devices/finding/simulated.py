"""One simulated device of each kind, in the same list as the real ones and labelled; the next one when one is used."""

from collections.abc import Collection
from itertools import count
from typing import Final

from devices.finding import Found
from devices.finding.places import place_of, places_of

KINDS: Final = (
    *("barcode_scanner", "fridge_probe", "id_card_reader"),
    *("receipt_printer", "smart_card_reader", "travel_document_reader"),
)


async def find(in_use: Collection[str] = ()) -> list[Found]:
    """Return one free simulated device of each kind. Never raises."""
    used = places_of(in_use)
    return [_first_free(kind, used) for kind in KINDS]


def _first_free(kind: str, used: frozenset[str]) -> Found:
    urls = (f"memory://simulated-{kind.replace('_', '-')}-{number}" for number in count(1))
    url = next(url for url in urls if place_of(url) not in used)
    return Found(
        kind, url, label=url.removeprefix("memory://"), identity=url.removeprefix("memory://"), is_simulated=True
    )
