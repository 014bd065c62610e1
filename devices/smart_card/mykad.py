"""The Malaysian MyKad: three commands for every piece of a file, of which only the last one's answer counts."""

from typing import Final

from devices.errors import BadFrame
from devices.events import DocumentKind, IdCard
from devices.smart_card.apdu import CardKind, Exchange, Laying, ask, demand
from devices.smart_card.fields import bcd, day, number, sex, words

SELECT: Final = bytes.fromhex("00A404000AA0000000744A504E0010")
HOLDER, HOLDER_LENGTH = 1, 459
HOME, HOME_LENGTH = 4, 171
PIECE: Final = 252
NAME, NUMBER, SEX, BORN, CITIZENSHIP = (
    slice(3, 153),
    slice(273, 286),
    slice(286, 287),
    slice(295, 299),
    slice(328, 346),
)
STREET = (slice(3, 33), slice(33, 63), slice(63, 93))
POSTCODE, TOWN = slice(93, 96), (slice(96, 121), slice(121, 151))
POSTCODE_DIGITS: Final = 5
CITIZEN: Final = "WARGANEGARA"


def read(_laying: Laying) -> Exchange[IdCard]:
    """Read the card. Raises BadFrame, CardUnusable."""
    holder = yield from _file(HOLDER, HOLDER_LENGTH)
    home = yield from _file(HOME, HOME_LENGTH)
    name = words(holder[NAME], "latin-1")
    return IdCard(
        document_kind=DocumentKind.FOREIGN_ID_CARD,
        number=number(holder[NUMBER], r"[0-9]{12}"),
        name=name,
        latin_name=name,
        sex=sex(words(holder[SEX], "ascii"), "L", "P"),
        born_on=day(bcd(holder[BORN])),
        address=" ".join(filter(None, (*_lines(home, STREET), _postcode(home), *_lines(home, TOWN)))),
        nationality="MYS" if words(holder[CITIZENSHIP], "latin-1") == CITIZEN else "",
        issuing_country="MYS",
    )


def _file(number_of_file: int, length: int) -> Exchange[bytes]:
    content = b""
    while len(content) < length:
        size = min(PIECE, length - len(content))
        little = size.to_bytes(2, "little")
        where = number_of_file.to_bytes(2, "little") + b"\x01\x00" + len(content).to_bytes(2, "little")
        yield from ask(bytes.fromhex("C832000005080000") + little)
        yield from ask(bytes.fromhex("CC00000008") + where + little)
        piece = yield from demand(bytes.fromhex("CC060000") + bytes([size]))
        if len(piece) != size:
            raise BadFrame("record_malformed")
        content += piece
    return content


def _lines(home: bytes, where: tuple[slice, ...]) -> list[str]:
    return [words(home[line], "latin-1") for line in where]


def _postcode(home: bytes) -> str:
    digits = bcd(home[POSTCODE])[:POSTCODE_DIGITS]
    return digits if digits.isdecimal() and digits.strip("0") else ""


CARD: Final = CardKind(
    name="mykad",
    select=SELECT,
    read=read,
    atr_patterns=(
        "3B6700007320006B689000",
        "3B6700007320006C..9000",
        "3B6700007320006C683132",
        "3B670000A81042201F9000",
    ),
)
