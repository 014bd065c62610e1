"""One question to a chip card and its whole answer (ISO 7816-4), and what a kind of card is made of. Pure.

A recipe is a generator: it yields what to send and is sent what came back. It cannot ask for anything but reading.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from devices.errors import BadFrame, CardUnusable
from devices.events import IdCard

T = TypeVar("T")
Exchange = Generator[bytes, bytes, T]

OK: Final = 0x9000
MORE_WAITS: Final = 0x61
OTHER_LENGTH: Final = 0x6C
NOT_PERMITTED: Final = frozenset({0x6982, 0x6985})
GET_RESPONSE: Final = bytes.fromhex("00C00000")
MOST_ROUNDS: Final = 32  # the longest answer read here takes two
# Class and instruction of everything that may be sent. Proving a PIN to a card is not among them: a wrong try is
# counted, and three lock the card of somebody who only wanted a vaccination.
READING: Final = frozenset(
    bytes.fromhex(head) for head in ("00A4", "00B0", "00B2", "00C0", "00CA", "80B0", "C832", "CC00", "CC06", "FFB0")
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a card answered; the content may be a person's, so it stays out of the repr."""

    content: bytes = field(repr=False)
    status: int

    @property
    def is_ok(self) -> bool:
        """Whether the card did what it was asked."""
        return self.status == OK


@dataclass(frozen=True, slots=True)
class Laying:
    """A card in the reader, and whether the site keeps photos. An ATR may hold a serial number: no repr shows it."""

    atr: bytes = field(repr=False)
    keeps_photo: bool = False


@dataclass(frozen=True, slots=True)
class CardKind:
    """One kind of card. `read` goes on after the answer to `select` was recognised.

    An ATR pattern is hexadecimal with a dot for any digit and a star for any rest. It only says which kind is tried
    first; with `needs_atr` the kind is not tried on other cards at all.
    """

    name: str
    select: bytes
    read: Callable[[Laying], Exchange[IdCard]]
    recognises: Callable[[Answer], bool] = lambda answer: answer.is_ok
    atr_patterns: tuple[str, ...] = ()
    needs_atr: bool = False
    get_response: Callable[[bytes], bytes] = lambda _: GET_RESPONSE


def ask(apdu: bytes, get_response: bytes = GET_RESPONSE) -> Exchange[Answer]:
    """Return the whole answer to one question, in however many pieces it comes. Raises BadFrame."""
    if apdu[:2] not in READING:
        raise ValueError("this is not a question that only reads")
    question, content = apdu, b""
    for _ in range(MOST_ROUNDS):
        received = yield question
        if len(received) < 2:  # noqa: PLR2004 - the status word
            raise BadFrame("answer_cut_short")
        content += received[:-2]
        how, length = received[-2], received[-1]
        if how == MORE_WAITS:
            question = get_response + bytes([length])
        elif how == OTHER_LENGTH:
            question = question[:4] + bytes([length]) if len(question) <= 5 else question + bytes([length])  # noqa: PLR2004 - a head and a length
        else:
            return Answer(content, int.from_bytes(received[-2:], "big"))
    raise BadFrame("answer_endless")


def demand(apdu: bytes, get_response: bytes = GET_RESPONSE) -> Exchange[bytes]:
    """Return the content of a good answer. Raises BadFrame, and CardUnusable where the card will not."""
    answer = yield from ask(apdu, get_response)
    if answer.status in NOT_PERMITTED:
        raise CardUnusable("card_denies_reading")
    if not answer.is_ok:
        raise CardUnusable("card_refuses")
    return answer.content
