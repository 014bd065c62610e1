"""A page in as many messages as a service's bytes ask for: nothing is left out before the last of them is full. Pure.

A page of many alerts has a line for each. Messages break between lines, and within one only where it alone is too
long; the first then begins with the page's short form, so that place and lot stand together somewhere.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from devices.pagers.page import Outcome, Page, Reached

T = TypeVar("T")
MOST_PIECES: Final = 4
LEAST_BYTES: Final = 140  # one SMS; a short form and its count have room in it
CUT: Final = "…"
COUNT: Final = "({}/{}) "


def size(text: str) -> int:
    """Return how many bytes a text has on the wire."""
    return len(text.encode("utf-8"))


def beginning(text: str, most_bytes: int) -> str:
    """Return as many whole characters as fit."""
    return text.encode("utf-8")[: max(0, most_bytes)].decode("utf-8", "ignore")


def pieces(page: Page, most_bytes: int) -> Sequence[str]:
    """Return the messages of a page, counted where they are several and marked where even they were too few."""
    if size(page.text) <= most_bytes:
        return [page.text]
    room = most_bytes - size(COUNT.format(MOST_PIECES, MOST_PIECES)) - size(CUT)
    packed = list(_packed(_lines(page, room), room))
    told = packed[:MOST_PIECES]
    if len(packed) > MOST_PIECES:
        told[-1] += CUT
    return [COUNT.format(number, len(told)) + piece for number, piece in enumerate(told, 1)]


def _lines(page: Page, room: int) -> Sequence[str]:
    lines = page.text.split("\n")
    return [page.short, *lines] if any(size(line) > room for line in lines) else lines


def _packed(lines: Iterable[str], room: int) -> Iterator[str]:
    piece = ""
    for line in lines:
        rest = line
        while piece and size(rest) > room - size(piece):
            fills = beginning(rest, room - size(piece)) if size(rest) > room else ""
            yield (piece + fills).removesuffix("\n")
            piece, rest = "", rest[len(fills) :]
        while size(rest) > room:
            yield beginning(rest, room)
            rest = rest[len(beginning(rest, room)) :]
        piece += f"{rest}\n"
    yield piece.removesuffix("\n")


async def sent_in_order(texts: Iterable[T], send: Callable[[T], Awaitable[Outcome]]) -> Outcome:
    """Send messages one after the other, up to the first that is not accepted; return the last outcome."""
    outcome = Outcome(Reached.FAILED, "nothing_to_send")
    for text in texts:
        outcome = await send(text)
        if outcome.reached is not Reached.ACCEPTED:
            break
    return outcome
