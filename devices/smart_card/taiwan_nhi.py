"""The national health insurance card of Taiwan (健保卡): one record of 57 bytes, open to every reader."""

from datetime import date
from typing import Final

from devices.errors import BadFrame
from devices.events import DocumentKind, IdCard
from devices.smart_card.apdu import CardKind, Exchange, Laying, demand
from devices.smart_card.fields import day, number, sex, words

SELECT: Final = bytes.fromhex("00A4040010D1580000010000000000000000001100")
READ: Final = bytes.fromhex("00CA1100020000")
LENGTH: Final = 57
NAME, NUMBER, BORN, SEX = slice(12, 32), slice(32, 42), slice(42, 49), slice(49, 50)
NUMBER_SHAPE: Final = r"[A-Z][A-Z0-9][0-9]{8}"
YEAR_ZERO: Final = 1911  # year 1 of the Republic is 1912


def read(_laying: Laying) -> Exchange[IdCard]:
    """Read the card. Raises BadFrame, CardUnusable."""
    record = yield from demand(READ)
    if len(record) < LENGTH:
        raise BadFrame("record_malformed")
    return IdCard(
        document_kind=DocumentKind.TAIWAN_NHI_CARD,
        number=number(record[NUMBER], NUMBER_SHAPE),
        name=words(record[NAME], "cp950"),
        sex=sex(words(record[SEX], "ascii"), "M", "F"),
        born_on=_republic_day(words(record[BORN], "ascii")),
        issuing_country="TWN",
    )


def _republic_day(text: str) -> date | None:
    """Return a YYYMMDD date of the Republic's calendar."""
    return day(f"{text:0>8}", years_ahead=-YEAR_ZERO) if text else None


CARD: Final = CardKind(
    name="taiwan_nhi",
    select=SELECT,
    read=read,
    atr_patterns=("3BEE00008131FE4580318066409093060F17830F9000F3",),
)
