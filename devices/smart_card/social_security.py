"""The social security card (社会保障卡): what versions 1.0 and 2.0 tell without a secret.

Version 3.0 opens its holder's file only to a terminal with the province's key: it is recognised and said so. Some old
local cards would open after a PIN that everybody knows; it is never tried, a wrong try is counted on the card.
"""

from typing import Final

from devices.errors import BadFrame, CardUnusable
from devices.events import DocumentKind, IdCard
from devices.smart_card.apdu import NOT_PERMITTED, CardKind, Exchange, Laying, ask
from devices.smart_card.fields import bcd, day, number, sex, words

SELECT: Final = bytes.fromhex("00A404000F7378312E73682EC9E7BBE1B1A3D5CF")  # "sx1.sh.社会保障" in GBK
ISSUER_FILE: Final = 5  # EF05: what the card is
HOLDER_FILE: Final = 6  # EF06: whose it is
ENCODING: Final = "gb18030"
NUMBER: Final = r"[0-9]{17}[0-9X]|[0-9]{15}"
REGION_DIGITS: Final = 6
# The file of each item, its tag and its length.
CARD_ID, VERSION = (ISSUER_FILE, 0x01, 16), (ISSUER_FILE, 0x03, 4)
ISSUED, EXPIRES = (ISSUER_FILE, 0x05, 4), (ISSUER_FILE, 0x06, 4)
CITIZEN_NUMBER, NAME, MORE_NAME = (HOLDER_FILE, 0x08, 18), (HOLDER_FILE, 0x09, 30), (HOLDER_FILE, 0x4E, 20)
SEX, ETHNICITY, BORN = (HOLDER_FILE, 0x0A, 1), (HOLDER_FILE, 0x0B, 1), (HOLDER_FILE, 0x0D, 4)
NEEDS_OTHER_DOCUMENT: Final = "social_security_3_needs_other_document"

Item = tuple[int, int, int]


def read(_laying: Laying) -> Exchange[IdCard]:
    """Read the card. Raises BadFrame, CardUnusable."""
    yield from _select(ISSUER_FILE)
    version = words((yield from _item(VERSION)), "ascii")
    if version.startswith("3"):
        raise CardUnusable(NEEDS_OTHER_DOCUMENT)
    region = bcd((yield from _item(CARD_ID)))[:REGION_DIGITS]
    issued, expires = (yield from _item(ISSUED)), (yield from _item(EXPIRES))
    yield from _select(HOLDER_FILE)
    name = (yield from _needed(NAME)).rstrip(b"\0") + (yield from _item(MORE_NAME))
    return IdCard(
        document_kind=DocumentKind.SOCIAL_SECURITY_CARD,
        number=number((yield from _needed(CITIZEN_NUMBER)), NUMBER),
        name=words(name, ENCODING),
        sex=sex(words((yield from _item(SEX)), "ascii"), "1", "2"),
        ethnicity_code=_digits(bcd((yield from _item(ETHNICITY)))),
        born_on=day(bcd((yield from _item(BORN)))),
        issuer=_digits(region),
        valid_from=day(bcd(issued)),
        valid_until=day(bcd(expires)),
        issuing_country="CHN",
    )


def _select(file: int) -> Exchange[None]:
    """Select a file under the application, in the way this card knows."""
    for how in (0x02, 0x00):
        answer = yield from ask(bytes([0x00, 0xA4, how, 0x00, 0x02, 0xEF, file]))
        if answer.is_ok:
            return
    raise CardUnusable("card_refuses")


def _item(item: Item) -> Exchange[bytes]:
    """Return an item of a file, or nothing where the card has none; by its tag, in the two ways cards know."""
    file, tag, length = item
    for where in (file << 3, 0x00):
        answer = yield from ask(bytes([0x00, 0xB2, tag, where, length + 2]))
        if answer.status in NOT_PERMITTED and file == HOLDER_FILE:
            raise CardUnusable(NEEDS_OTHER_DOCUMENT)
        if answer.is_ok:
            return _value(answer.content, tag)
    return b""


def _needed(item: Item) -> Exchange[bytes]:
    value = yield from _item(item)
    if not value:
        raise CardUnusable("card_refuses")
    return value


def _value(record: bytes, tag: int) -> bytes:
    if len(record) < 2 or record[0] != tag or record[1] > len(record) - 2:  # noqa: PLR2004 - tag and length
        raise BadFrame("record_malformed")
    return record[2 : 2 + record[1]]


def _digits(digits: str) -> str:
    return digits if digits.isdecimal() else ""


CARD: Final = CardKind(name="social_security", select=SELECT, read=read)
