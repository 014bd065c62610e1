"""SNPP (RFC 1861): commands out, replies in, and what the gateway's word for a page's fate means. Pure.

The first digit of a reply is its class; its text is free and is never shown, for it may repeat an address.
"""

import re
from dataclasses import dataclass
from typing import Final

from devices.errors import BadFrame
from devices.pagers.page import Outcome, Reached

MOST_LINE_BYTES: Final = 1_024
GREETING: Final = 220
OK: Final = 250
GO_AHEAD: Final = 354
NOT_IMPLEMENTED: Final = 500
WILL_PAGE: Final = frozenset({250, 850, 950})  # one gateway answers 250 in two-way mode as well
SENT: Final = frozenset({250, 860, 861, 880, 960})
FOLLOWED: Final = frozenset({860, 861, 880, 960})
_FATES: Final = {
    960: Reached.QUEUED,
    860: Reached.DELIVERED,
    861: Reached.DELIVERED,
    870: Reached.READ,
    880: Reached.DELIVERED,
    881: Reached.READ,
    888: Reached.REPLIED,
    889: Reached.REPLIED,
    780: Reached.EXPIRED,
    760: Reached.EXPIRED,  # one sentence of the RFC says so
    550: Reached.UNCONFIRMED,
}
FINAL: Final = frozenset({880, 881, 888, 889, 780, 760, 550})
_REPLY: Final = re.compile(rb"([2-9]\d\d)(?:[ -](.*))?")
_MULTI_LINE: Final = 214
_WORD: Final = re.compile(r"[!-~]{1,100}")


@dataclass(frozen=True, slots=True)
class Reply:
    """One line of the gateway's; another one follows while ``has_more``."""

    code: int
    text: str

    @property
    def has_more(self) -> bool:
        """Whether this line only begins or continues an answer."""
        return self.code == _MULTI_LINE


def reply_of(line: bytes) -> Reply:
    """Read a line without its end. Raises BadFrame."""
    found = _REPLY.fullmatch(line.rstrip(b"\r\n"))
    if found is None:
        raise BadFrame("no_reply")
    return Reply(int(found[1]), (found[2] or b"").decode("latin-1"))


def command(*words: str) -> bytes:
    """Return a command; the words are the caller's own and hold no line's end. Raises ValueError."""
    line = " ".join(words)
    if any(not " " <= sign <= "~" for sign in line):
        raise ValueError("a command is printable ASCII on one line")
    return line.encode("ascii") + b"\r\n"


def data(text: str) -> bytes:
    """Return the lines of a message after 354, ended by a lone dot; a dot at a line's begin is doubled."""
    lines = [f".{line}" if line.startswith(".") else line for line in text.splitlines()]
    return "".join(f"{line}\r\n" for line in [*lines, "."]).encode("ascii")


def is_pager_id(address: str) -> bool:
    """Tell whether an address can be a pager's id: one word."""
    return _WORD.fullmatch(address) is not None


def ticket_of(reply: Reply) -> str | None:
    """Return the tag and pass code by which a two-way page is asked for, where the reply has them."""
    words = reply.text.split(" ")
    return " ".join(words[:2]) if reply.code in FOLLOWED and len(words) > 1 else None


def fate_of(reply: Reply, ref: str) -> Outcome:
    """Return how far a page got by the answer to MSTA; 888 carries a reply's code, 889 its text."""
    reached = _FATES.get(reply.code)
    if reached is None:
        return Outcome(Reached.UNCONFIRMED, f"snpp_{reply.code}", ref)
    if reached is Reached.REPLIED:
        return Outcome(reached, ref=ref, reply=_answer(reply.text))
    reason = f"snpp_{reply.code}" if reached in {Reached.EXPIRED, Reached.UNCONFIRMED} else ""
    return Outcome(reached, reason, ref)


def _answer(text: str) -> str:
    """Return what follows the sequence and the time."""
    return " ".join(text.split(" ")[2:]).strip()[:200]
