"""Pages within a service's bytes: several become one message, a long one is cut visibly; places and lots stay. Pure.

``short`` names place, lot and alert in ASCII and is never cut: what has no room keeps it, and what has not even room
for it is not in the message and is handed back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from devices.pagers.page import Page

CUT: Final = "…"
BETWEEN: Final = "\n\n"


@dataclass(frozen=True, slots=True)
class Merged:
    """One message, and the pages that have to wait for the next one."""

    text: str
    told: Sequence[Page]
    waiting: Sequence[Page]


def size(text: str) -> int:
    """Return how many bytes a text has on the wire."""
    return len(text.encode("utf-8"))


def cut(text: str, most_bytes: int) -> str:
    """Return a text that fits, ending with a mark where something is missing; whole characters only."""
    if size(text) <= most_bytes:
        return text
    kept = text.encode("utf-8")[: max(0, most_bytes - size(CUT))].decode("utf-8", "ignore")
    return kept + CUT if most_bytes >= size(CUT) else ""


def fitted(page: Page, most_bytes: int) -> str:
    """Return a page's text, or where it is too long its short form and as much of the text as fits."""
    if size(page.text) <= most_bytes:
        return page.text
    room = most_bytes - size(page.short) - 1
    beginning = cut(page.text, room) if room > size(CUT) else ""
    return f"{page.short}\n{beginning}" if beginning else page.short


def merged(pages: Sequence[Page], most_bytes: int) -> Merged:
    """Return one message for the first pages that fit; all of them whole if that can be, else cut alike."""
    told = _that_fit(pages, most_bytes)
    whole = BETWEEN.join(page.text for page in told)
    if size(whole) <= most_bytes:
        return Merged(whole, told, pages[len(told) :])
    room = most_bytes - size(BETWEEN) * (len(told) - 1)
    parts: dict[int, str] = {}
    # The shortest first: what they leave over goes to those that need it. Each keeps at least its short form.
    order = sorted(range(len(told)), key=lambda at: size(told[at].text))
    for done, at in enumerate(order):
        reserved = sum(_least(told[later]) for later in order[done + 1 :])
        share = max(room // (len(order) - done), _least(told[at]))
        parts[at] = fitted(told[at], min(share, room - reserved))
        room -= size(parts[at])
    return Merged(BETWEEN.join(parts[at] for at in sorted(parts)), told, pages[len(told) :])


def _that_fit(pages: Sequence[Page], most_bytes: int) -> Sequence[Page]:
    """Return the first pages that have room in their least form; the first always is among them."""
    taken = -size(BETWEEN)
    for count, page in enumerate(pages):
        taken += _least(page) + size(BETWEEN)
        if taken > most_bytes and count:
            return pages[:count]
    return pages


def _least(page: Page) -> int:
    return min(size(page.short), size(page.text))
