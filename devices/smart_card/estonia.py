"""The Estonian identity card of 2018 and later: one small file for each line of its personal data, in UTF-8."""

import re
from datetime import date
from typing import Final

from devices.errors import BadFrame
from devices.events import DocumentKind, IdCard
from devices.smart_card.apdu import CardKind, Exchange, Laying, demand
from devices.smart_card.fields import number, words

SELECT: Final = bytes.fromhex("00A4040010A000000077010800070000FE00000100")
SELECT_ROOT: Final = bytes.fromhex("00A4000C")
SELECT_FOLDER: Final = bytes.fromhex("00A4010C025000")
READ: Final = bytes.fromhex("00B0000000")
FAMILY_NAME, GIVEN_NAME, CITIZENSHIP, PERSONAL_CODE, EXPIRES = 1, 2, 4, 6, 8
CENTURIES: Final = {"1": 1800, "2": 1800, "3": 1900, "4": 1900, "5": 2000, "6": 2000, "7": 2100, "8": 2100}


def read(_laying: Laying) -> Exchange[IdCard]:
    """Read the card; birth and sex are told by the personal code. Raises BadFrame, CardUnusable."""
    yield from demand(SELECT_ROOT)
    yield from demand(SELECT_FOLDER)
    code = number((yield from _line(PERSONAL_CODE)), r"[1-8][0-9]{10}")
    given, family = (yield from _line(GIVEN_NAME)), (yield from _line(FAMILY_NAME))
    name = " ".join(filter(None, (words(given, "utf-8"), words(family, "utf-8"))))
    return IdCard(
        document_kind=DocumentKind.FOREIGN_ID_CARD,
        number=code,
        name=name,
        latin_name=name,
        sex="1" if int(code[0]) % 2 else "2",
        born_on=_day(CENTURIES[code[0]] + int(code[1:3]), code[3:5], code[5:7]),
        nationality=words((yield from _line(CITIZENSHIP)), "utf-8"),
        valid_until=_expiry(words((yield from _line(EXPIRES)), "utf-8")),
        issuing_country="EST",
    )


def _line(line: int) -> Exchange[bytes]:
    yield from demand(bytes.fromhex("00A4020C0250") + bytes([line]))
    return (yield from demand(READ))


def _expiry(text: str) -> date | None:
    found = re.match(r"([0-9]{2})[ .]([0-9]{2})[ .]([0-9]{4})", text, re.ASCII)
    return _day(int(found[3]), found[2], found[1]) if found else None


def _day(year: int, month: str, day: str) -> date:
    try:
        return date(year, int(month), int(day))
    except ValueError:
        raise BadFrame("date_malformed") from None


CARD: Final = CardKind(
    name="estonia",
    select=SELECT,
    read=read,
    atr_patterns=("3B8B80010012233F536549440F9000A0", "3BDB960080B1FE451F830012233F536549440F9000F1"),
)
